"""The embedder of mcp_tools.py: three dimensions, and no model."""

VECTORS = {"cat": [1, 0, 0], "kitten": [0.9, 0.1, 0], "train": [0, 1, 0], "railway": [0, 0.9, 0.1]}


def embed(texts):
    return [VECTORS[text] for text in texts]
