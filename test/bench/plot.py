#!/usr/bin/env python3
"""Draws the plots of docs/benchmarks.md from the CSV files in docs/benchmarks.

    python3 test/bench/plot.py

Needs Python only.  The CSV files hold what `test/bench/run` printed.
"""

import csv
import math
import pathlib
from xml.sax.saxutils import escape

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "docs" / "benchmarks"
COLOURS = ["#336791", "#6ba3cf", "#0b2545", "#c0c6cc", "#e07a5f", "#8ab17d"]
SHARP = ["#336791", "#e07a5f", "#8a8f94", "#0b2545", "#6ba3cf"]
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 320, 56, 16, 44, 64


def read(name):
    with open(FOLDER / name, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    return rows[0], rows[1:]


def text(x, y, what, anchor="middle", size=12):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(what)}</text>'


def picture(title, width, parts):
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" role="img" '
        f'font-family="sans-serif" fill="#222"><title>{escape(title)}</title>',
        f'<rect width="{width}" height="{HEIGHT}" fill="#fff"/>', *parts, "</svg>\n"])


def save(name, plot):
    title, parts = plot
    (FOLDER / name).write_text(picture(title, WIDTH, parts), encoding="utf-8")


def side_by_side(name, title, plots):
    """Several plots in one picture, each in a frame of its own."""
    parts = []
    for i, (_, inner) in enumerate(plots):
        parts += [f'<svg x="{i * WIDTH}" width="{WIDTH}" height="{HEIGHT}">', *inner, "</svg>"]
    (FOLDER / name).write_text(picture(title, WIDTH * len(plots), parts), encoding="utf-8")


def bars(title, groups, series, values, form):
    """Grouped bars: values[s][g] for series s in group g, 0 at the bottom."""
    top = max(max(row) for row in values) * 1.12
    inner, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    step = inner / len(groups)
    bar = step * 0.8 / len(series)
    parts = [text(LEFT, 20, title, "start", 14)]
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
    return title, parts


def curves(title, lines):
    """Points joined by lines: lines[label] = [(recall, queries a second)], both scales logarithmic."""
    misses = [0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001]
    points = [(min(recall, 0.9995), speed) for line in lines.values() for recall, speed in line]
    least = min(miss for miss in [1] + misses if miss >= max(1 - recall for recall, _ in points))
    bottom = 10 ** math.floor(math.log10(min(speed for _, speed in points)))
    top = 10 ** math.ceil(math.log10(max(speed for _, speed in points)))
    inner, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def place(recall, speed):
        miss = max(1 - recall, 0.0005)
        x = LEFT + inner * math.log(least / miss) / math.log(least / 0.0005)
        return x, HEIGHT - BOTTOM - height * math.log(speed / bottom) / math.log(top / bottom)

    parts = [text(LEFT, 20, title, "start", 14)]
    for miss in misses:
        if miss <= least:
            x, y = place(1 - miss, bottom)
            parts.append(f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
            parts.append(text(x, y + 16, f"{1 - miss:g}".lstrip("0")))
    speed = bottom
    while speed <= top:
        for step in (1, 2, 5):
            if speed * step <= top:
                _, y = place(0, speed * step)
                parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#ddd"/>')
                parts.append(text(LEFT - 4, y + 4, f"{speed * step:,.0f}", "end", 10))
        speed *= 10
    x = LEFT
    for j, (label, line) in enumerate(lines.items()):
        spots = [place(*point) for point in sorted(line)]
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in spots)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{SHARP[j]}" stroke-width="2"/>')
        parts += [f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3" fill="{SHARP[j]}"/>' for px, py in spots]
        parts.append(f'<rect x="{x}" y="{HEIGHT - 28}" width="12" height="12" fill="{SHARP[j]}"/>')
        parts.append(text(x + 18, HEIGHT - 18, label, "start"))
        x += 34 + 7 * len(label)
    return title, parts


def shares(title, unit, xs, lines):
    """Lines over xs of shares from 0 to 1: lines[label] = [share, ...]."""
    inner, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def place(x, share):
        return LEFT + inner * x / max(xs), HEIGHT - BOTTOM - height * share

    parts = [text(LEFT, 20, title, "start", 14)]
    for i in range(6):
        _, y = place(0, i / 5)
        parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(text(LEFT - 4, y + 4, f"{i / 5:.1f}", "end", 10))
    for value in xs:
        parts.append(text(place(value, 0)[0], HEIGHT - BOTTOM + 14, f"{value:g}", size=10))
    parts.append(text(WIDTH - RIGHT, HEIGHT - BOTTOM + 26, unit, "end", 10))
    x = LEFT
    for j, (label, line) in enumerate(lines.items()):
        spots = [place(*point) for point in zip(xs, line)]
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in spots)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{SHARP[j]}" stroke-width="2"/>')
        parts += [f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3" fill="{SHARP[j]}"/>' for px, py in spots]
        parts.append(f'<rect x="{x}" y="{HEIGHT - 24}" width="12" height="12" fill="{SHARP[j]}"/>')
        parts.append(text(x + 18, HEIGHT - 14, label, "start"))
        x += 34 + 7 * len(label)
    return title, parts


def table(name):
    head, rows = read(name)
    return [dict(zip(head, row)) for row in rows]


def search_curves(data, count):
    lines = {}
    for row in table("ann_search.csv"):
        if (row["data"], row["rows"]) == (data, count) and row["recall"]:
            lines.setdefault(row["method"], []).append((float(row["recall"]), float(row["qps1"])))
    return curves(f"{data}, {int(count):,} rows: queries a second, one client, by recall@10", lines)


def nearest_neighbours():
    """One plot for each data set of ann_search.csv."""
    for data, count in dict.fromkeys((row["data"], row["rows"]) for row in table("ann_search.csv")):
        save(f"ann_{data.split('.')[0]}_{int(count) // 1000}k.svg", search_curves(data, count))


def overview():
    """What README shows: speed and size beside pgvector, and quality of recall."""
    built = {row["method"]: float(row["size_mb"]) for row in table("ann_build.csv") if row["rows"] == "1000000"}
    found = {row["method"]: float(row["10"]) for row in table("locomo.csv")}
    quality = {"by hand": "ts_rank and cosine by hand", "words and meaning": "these two", "all channels": "all channels"}
    side_by_side("overview.svg", "A million vectors beside pgvector, and what recall finds", [
        search_curves("mixture", "1000000"),
        bars("The index of these", sorted(built, key=built.get), ["MB"],
             [sorted(built.values())], "{:,.0f}"),
        bars("LoCoMo: evidence among the first 10", list(quality), ["share, 760 questions"],
             [[found[name] for name in quality.values()]], "{:.3f}")])


def main():
    head, rows = read("locomo.csv")
    save("locomo.svg", bars("LoCoMo, 760 questions: share of the evidence among the first k",
         [f"k = {k}" for k in head[1:]], [row[0] for row in rows],
         [[float(value) for value in row[1:]] for row in rows], "{:.3f}"))
    head, rows = read("latency.csv")
    save("latency.svg", bars("recall, k = 10, one client, by size of the namespace: p50 in milliseconds",
         [f"{int(row[0]):,}" for row in rows], head[1:],
         [[float(row[i + 1]) for row in rows] for i in range(len(head) - 1)], "{:.1f}"))
    head, rows = read("kernels.csv")
    shown = ["dot", "cosine_sums", "int8_dot", "hamming", "scan_block", "hadamard", "rotation"]
    times = {row[0]: row[4:] for row in rows}
    save("kernels.svg", bars("Kernels, 384 dimensions: times as fast as the scalar one",
         shown, [label.split()[0] for label in head[4:]],
         [[float(times[name][i]) for name in shown] for i in range(len(head) - 4)], "{:.1f}"))
    head, rows = read("scan.csv")
    save("scan.svg", bars("ORDER BY emb <operator> $1 LIMIT 10, 100,000 x 384, sequential scan: milliseconds",
         [row[0] for row in rows], head[1:], [[float(row[i + 1]) for row in rows] for i in range(len(head) - 1)], "{:.1f}"))
    head, rows = read("lifecycle.csv")
    rows = [dict(zip(head, row)) for row in rows]
    save("lifecycle.svg", shares("20,000 memories over 300 days, maintained", "day", [float(row["day"]) for row in rows],
           {label: [float(row[name]) for row in rows] for label, name in (
               ("bytes of embeddings", "bytes"), ("recall@10", "maintained"), ("recall@10, unmaintained", "unmaintained"), ("same ten", "same"))}))
    nearest_neighbours()
    overview()


if __name__ == "__main__":
    main()
