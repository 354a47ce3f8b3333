#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Gathers the lines of bench-simulate.sh into results/bench/simulate.json.
usage: bench_simulate_tables.py LINES OUT"""
import collections
import json
import os
import statistics
import sys

from machine import commit, cpu_name


def seconds(x):
    if x < 1e-3:
        return f"{1e6 * x:.3g} us"
    return f"{1e3 * x:.3g} ms" if x < 1 else f"{x:.3g} s"


def measure(lines):
    times = [line["seconds"] for line in lines]
    return {**{k: lines[0][k] for k in ("title", "machine", "peer", "pictures",
                                        "checked")},
            "mismatches": max(line["mismatches"] for line in lines),
            "median_s": statistics.median(times), "min_s": min(times),
            "max_s": max(times), "rounds_s": times}


def row(m):
    compared = ""
    if m["checked"]:
        compared = f"{m['checked']}, {m['mismatches']} wrong"
    return [m["title"], m["machine"], str(m["pictures"] or ""),
            f"{seconds(m['median_s'])} ({seconds(m['min_s'])} … "
            f"{seconds(m['max_s'])})", compared, m["peer"]]


def main():
    path, out = sys.argv[1:]
    groups = collections.OrderedDict()
    with open(path) as file:
        for line in map(json.loads, file):
            groups.setdefault((line["title"], line["machine"]),
                              []).append(line)
    measurements = [measure(lines) for lines in groups.values()]
    table = {"columns": ["network", "machine", "pictures",
                         "time, median (extremes)", "compared with reference",
                         "others"],
             "numbers_from": 6, "rows": [row(m) for m in measurements]}
    with open(out, "w") as file:
        json.dump({"command": "make bench-simulate",
                   "commit": commit(),
                   "cpu": f"{cpu_name()}, {os.cpu_count()} CPUs",
                   "measurements": measurements,
                   "tables": {"simulate": table}}, file, indent=1,
                  ensure_ascii=False)
        file.write("\n")


main()
