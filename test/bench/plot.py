#!/usr/bin/env python3
"""Draws the plots of docs/benchmarks.md from the CSV files in docs/benchmarks.

    python3 test/bench/plot.py

Needs Python only.  The CSV files hold what `test/bench/run` printed.
"""

import csv
import pathlib
from xml.sax.saxutils import escape

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "docs" / "benchmarks"
COLOURS = ["#336791", "#6ba3cf", "#0b2545", "#c0c6cc", "#e07a5f"]
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 320, 56, 16, 44, 64


def read(name):
    with open(FOLDER / name, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    return rows[0], rows[1:]


def text(x, y, what, anchor="middle", size=12):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(what)}</text>'


def bars(name, title, groups, series, values, form):
    """Grouped bars: values[s][g] for series s in group g, 0 at the bottom."""
    top = max(max(row) for row in values) * 1.12
    inner, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    step = inner / len(groups)
    bar = step * 0.8 / len(series)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'font-family="sans-serif" fill="#222"><title>{escape(title)}</title>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        text(LEFT, 20, title, "start", 14),
    ]
    for i, group in enumerate(groups):
        start = LEFT + i * step + step * 0.1
        for j in range(len(series)):
            value = values[j][i]
            h = height * value / top
            x, y = start + j * bar, HEIGHT - BOTTOM - h
            parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{bar * 0.92:.1f}" height="{h:.1f}" fill="{COLOURS[j]}"/>')
            parts.append(text(x + bar * 0.46, y - 3, form.format(value), size=9))
        parts.append(text(start + step * 0.4, HEIGHT - BOTTOM + 16, group))
    parts.append(f'<line x1="{LEFT}" y1="{HEIGHT - BOTTOM}" x2="{WIDTH - RIGHT}" y2="{HEIGHT - BOTTOM}" stroke="#222"/>')
    x = LEFT
    for j, label in enumerate(series):
        parts.append(f'<rect x="{x}" y="{HEIGHT - 28}" width="12" height="12" fill="{COLOURS[j]}"/>')
        parts.append(text(x + 18, HEIGHT - 18, label, "start"))
        x += 34 + 7 * len(label)
    parts.append("</svg>\n")
    (FOLDER / name).write_text("\n".join(parts), encoding="utf-8")


def main():
    head, rows = read("locomo.csv")
    bars("locomo.svg", "LoCoMo, 760 questions: share of the evidence among the first k",
         [f"k = {k}" for k in head[1:]], [row[0] for row in rows],
         [[float(value) for value in row[1:]] for row in rows], "{:.3f}")
    head, rows = read("latency.csv")
    bars("latency.svg", "recall by words and vector, k = 10, one client: milliseconds",
         [row[0].replace(" memories, ", ", ").replace(" ms", "") for row in rows], head[1:],
         [[float(row[i + 1]) for row in rows] for i in range(len(head) - 1)], "{:.1f}")
    head, rows = read("kernels.csv")
    shown = ["dot", "cosine_sums", "int8_dot", "hamming", "scan_block", "hadamard", "rotation"]
    times = {row[0]: row[4:] for row in rows}
    bars("kernels.svg", "Kernels, 384 dimensions: times as fast as the scalar one",
         shown, [label.split()[0] for label in head[4:]],
         [[float(times[name][i]) for name in shown] for i in range(len(head) - 4)], "{:.1f}")
    head, rows = read("scan.csv")
    bars("scan.svg", "ORDER BY emb <operator> $1 LIMIT 10, 100,000 x 384, sequential scan: milliseconds",
         [row[0] for row in rows], head[1:], [[float(row[i + 1]) for row in rows] for i in range(len(head) - 1)], "{:.1f}")


if __name__ == "__main__":
    main()
