#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Gathers the lines of bench-neighbour.sh into the table of
results/bench/neighbour.json.
usage: bench_neighbour_table.py LINES OUT"""
import collections
import json
import statistics
import sys

from machine import commit, cpu_name
from record import read


def summary(lines):
    ms = [line["median_ms"] for line in lines]
    return {"median_ms": round(statistics.median(ms), 2), "min_ms": min(ms),
            "max_ms": max(ms), "rounds_ms": ms}


def spread(part):
    return (f"{part['median_ms']:.4g} ({part['min_ms']:.4g} … "
            f"{part['max_ms']:.4g})")


def main():
    lines_path, out = sys.argv[1:]
    lines = read(lines_path)
    groups = collections.defaultdict(lambda: {False: [], True: []})
    for line in lines:
        key = line["network"], line["batch"], line["program"]
        groups[key][line["neighbour"]].append(line)
    rows = []
    for (network, batch, program), group in groups.items():
        alone, beside = summary(group[False]), summary(group[True])
        rows.append({"network": network, "batch": batch, "program": program,
                     "alone": alone, "neighbour": beside,
                     "slower": round(beside["median_ms"] /
                                     alone["median_ms"], 2)})
    names = {"setun": "Setun", "pytorch": "PyTorch"}
    table = {"columns": ["network", "program", "batch", "alone, ms",
                         "beside a busy process, ms", "times slower"],
             "numbers_from": 2,
             "rows": [[r["network"], names[r["program"]], str(r["batch"]),
                       spread(r["alone"]), spread(r["neighbour"]),
                       f"{r['slower']:.2f}"] for r in rows]}
    versions = {"pytorch": line["version"] for line in lines
                if "version" in line}
    with open(out, "w") as file:
        json.dump({"benchmark": "training step beside a busy process",
                   "unit": "ms", "command": "make bench-neighbour",
                   "cpu": cpu_name(), "threads": 2,
                   "commit": commit(),
                   "versions": versions,
                   "method": "median of the rounds' medians; programs and "
                             "conditions in turns; the neighbour is pinned "
                             "on the last core",
                   "measurements": rows, "tables": {"neighbour": table}},
                  file, indent=1, ensure_ascii=False)
        file.write("\n")


main()
