# SPDX-License-Identifier: MIT
# Turns the lines of bench_circulant into results/bench/circulant.json: for
# each row the median over rounds of the rounds' medians, tables of training
# and inference, and how time grows; and into a chart beside it.
#   record_circulant.py LINES.jsonl FOLDER ROUNDS
import collections
import json
import math
import os
import statistics
import sys

from machine import commit, cpu_name

LABELS = {"block": "one block of n", "64": "blocks of 64", "dense": "dense"}
COLOURS = {"block": "#1f77b4", "64": "#2ca02c", "dense": "#d62728"}


def series_of(line):
    if line["kind"] == "dense":
        return "dense"
    return "block" if line["p"] == line["n"] else "64"


def merge(lines):
    groups = collections.OrderedDict()
    for line in lines:
        key = line["what"], series_of(line), line["n"]
        groups.setdefault(key, []).append(line)
    return [{"what": what, "series": series, "n": n,
             "kernel": group[-1]["kernel"],
             "median": round(statistics.median(g["median"] for g in group), 2),
             "min": min(g["min"] for g in group),
             "max": max(g["max"] for g in group)}
            for (what, series, n), group in groups.items()]


def slope(points):
    """Of log t over log x by least squares, and what share of the variance
    of log t it explains."""
    x = [math.log(a) for a, _ in points]
    y = [math.log(b) for _, b in points]
    mx, my = statistics.mean(x), statistics.mean(y)
    xx = sum((a - mx) ** 2 for a in x)
    xy = sum((a - mx) * (b - my) for a, b in zip(x, y))
    yy = sum((b - my) ** 2 for b in y)
    return xy / xx, xy * xy / (xx * yy)


def growth(rows, what):
    fits = {}
    for series, law, size in (("block", "n log n", lambda n: n * math.log2(n)),
                              ("dense", "n^2", lambda n: n * n)):
        points = [(size(r["n"]), r["median"]) for r in rows
                  if r["what"] == what and r["series"] == series]
        exponent, explained = slope(points)
        fits[series] = {"law": law, "exponent": round(exponent, 3),
                        "explained": round(explained, 4)}
    return fits


def number(x):
    return f"{x:.0f}" if x >= 99.5 else f"{x:.3g}"


def size_table(rows, what):
    by = {(r["series"], r["n"]): r for r in rows if r["what"] == what}
    table = []
    for n in sorted({n for _, n in by}):
        block, small, dense = (by[(s, n)] for s in ("block", "64", "dense"))
        table.append([str(n)] +
                     [f"{number(r['median'])} ({number(r['min'])} … "
                      f"{number(r['max'])})" for r in (block, small, dense)] +
                     [f"{1000 * block['median'] / (n * math.log2(n)):.3g}"] +
                     [f"{dense['median'] / r['median']:.2f}"
                      for r in (block, small)])
    return {"columns": ["n", "one block of n, µs", "blocks of 64, µs",
                        "dense, µs", "one block: ns / (n log₂ n)",
                        "dense / one block", "dense / blocks of 64"],
            "numbers_from": 1, "rows": table}


def growth_table(fits):
    return {"columns": ["", "layer", "law", "exponent of the law",
                        "of the variance"],
            "numbers_from": 3,
            "rows": [[what, LABELS[series], fit["law"],
                      f"{fit['exponent']:.2f}",
                      f"{100 * fit['explained']:.1f} %"]
                     for what, of in fits.items()
                     for series, fit in of.items()]}


def panel(rows, what, left):
    """Time over n, both logarithmic; the dotted line is n log n through the
    last point of one block."""
    mine = [r for r in rows if r["what"] == what]
    sizes = sorted({r["n"] for r in mine})
    low = math.floor(math.log10(min(r["median"] for r in mine)))
    high = math.ceil(math.log10(max(r["median"] for r in mine)))
    x0, y0, width, height = left + 60, 30, 280, 220

    def place(n, us):
        x = (math.log2(n) - math.log2(sizes[0])) / \
            (math.log2(sizes[-1]) - math.log2(sizes[0]))
        y = (math.log10(us) - low) / (high - low)
        return f"{x0 + width * x:.1f},{y0 + height * (1 - y):.1f}"

    out = [f'<text x="{x0 + width / 2}" y="18" text-anchor="middle">'
           f'{what}, µs over n</text>',
           f'<rect x="{x0}" y="{y0}" width="{width}" height="{height}" '
           'fill="none" stroke="#888"/>']
    for decade in range(low, high + 1):
        y = y0 + height * (high - decade) / (high - low)
        out.append(f'<line x1="{x0}" y1="{y:.1f}" x2="{x0 + width}" '
                   f'y2="{y:.1f}" stroke="#ddd"/><text x="{x0 - 6}" '
                   f'y="{y + 4:.1f}" text-anchor="end">{10 ** decade:g}'
                   '</text>')
    for n in sizes:
        x = place(n, 10 ** low).split(",")[0]
        out.append(f'<text x="{x}" y="{y0 + height + 16}" '
                   f'text-anchor="middle">{n}</text>')
    last = next(r for r in mine if r["series"] == "block" and
                r["n"] == sizes[-1])
    law = last["median"] / (sizes[-1] * math.log2(sizes[-1]))
    ideal = [(n, law * n * math.log2(n)) for n in sizes]
    out.append('<polyline fill="none" stroke="#555" stroke-dasharray="2,3" '
               'points="' + " ".join(place(n, us) for n, us in ideal
                                     if us >= 10 ** low) + '"/>')
    for k, (series, label) in enumerate(LABELS.items()):
        points = " ".join(place(r["n"], r["median"]) for r in mine
                          if r["series"] == series)
        colour = COLOURS[series]
        out.append(f'<polyline fill="none" stroke="{colour}" '
                   f'stroke-width="2" points="{points}"/>'
                   f'<text x="{x0 + 8}" y="{y0 + 16 + 15 * k}" '
                   f'fill="{colour}">{label}</text>')
    out.append(f'<text x="{x0 + 8}" y="{y0 + 61}" fill="#555">dotted: '
               'n log n</text>')
    return out


def chart(rows):
    best = "inference avx512" if any(r["what"] == "inference avx512"
                                     for r in rows) else "inference avx2"
    body = panel(rows, "training step", 0) + panel(rows, best, 360)
    return "\n".join(
        ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 280" '
         'font-family="sans-serif" font-size="11">',
         '<rect width="720" height="280" fill="#fff"/>', *body, "</svg>", ""])


def main():
    path, folder, rounds = sys.argv[1:]
    with open(path) as file:
        rows = merge([json.loads(line) for line in file])
    kinds = sorted({r["what"] for r in rows}, reverse=True)
    fits = {what: growth(rows, what) for what in kinds}
    with open(os.path.join(folder, "circulant.json"), "w") as file:
        json.dump({"benchmark": "circulant layers", "unit": "microseconds",
                   "cpu": cpu_name(), "commit": commit(),
                   "threads": 1,
                   "command": f"bench/bench-circulant.sh build {rounds}",
                   "method": "median of the rounds' medians (minimum … "
                             "maximum); exponents by least squares over "
                             "logarithms",
                   "growth": fits, "measurements": rows,
                   "tables": {**{what.split()[-1]: size_table(rows, what)
                                 for what in kinds},
                              "growth": growth_table(fits)}},
                  file, indent=1, ensure_ascii=False)
        file.write("\n")
    with open(os.path.join(folder, "circulant.svg"), "w") as file:
        file.write(chart(rows))


main()
