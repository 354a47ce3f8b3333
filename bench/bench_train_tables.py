#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Gathers the lines of bench_train and bench_train_pytorch.py into the tables
of results/bench/train.json.
usage: bench_train_tables.py LINES OUT THREADS"""
import collections
import json
import platform
import statistics
import sys

from machine import commit, cpu_name


def summary(lines):
    ms = [line["median_ms"] for line in lines]
    return {"median_ms": round(statistics.median(ms), 2), "min_ms": min(ms),
            "max_ms": max(ms), "rounds_ms": ms}


def network_row(name, lines):
    row, theirs = {"network": name}, []
    groups = collections.defaultdict(list)
    for line in lines:
        ours = line["program"] == "setun"
        groups["setun" if ours else f"pytorch {line['format']}"].append(line)
    for label, group in groups.items():
        row[label] = summary(group)
        if label != "setun":
            theirs.append(row[label]["median_ms"])
    row["batch"] = lines[0]["batch"]
    row["speed_ratio"] = round(min(theirs) / row["setun"]["median_ms"], 2)
    return row


def recipe_row(name, lines):
    steps = summary(lines)
    row = {"recipe": name, "batch": lines[0]["batch"], "setun": steps}
    for part in ("compression", "optimiser"):
        ms = statistics.median(line[f"{part}_ms"] for line in lines)
        row[f"{part}_ms"] = round(ms, 3)
        row[f"{part}_percent"] = round(100 * ms / steps["median_ms"], 2)
    return row


def cell(row, digits, *path):
    for key in path:
        row = row.get(key, {})
    return f"{row:.{digits}f}" if row != {} else ""


def spread(row, label):
    """Median (smallest ... largest) of the rounds' medians."""
    if label not in row:
        return ""
    ms = row[label]
    return f"{ms['median_ms']:.4g} ({ms['min_ms']:.4g} … {ms['max_ms']:.4g})"


def networks_table(rows):
    peers = ["pytorch plain", "pytorch channels_last"]
    return {"columns": ["network", "batch", "Setun, ms", "PyTorch, ms",
                        "PyTorch channels_last, ms",
                        "better PyTorch / Setun"],
            "numbers_from": 1,
            "rows": [[row["network"], str(row["batch"])] +
                     [spread(row, label) for label in ["setun", *peers]] +
                     [cell(row, 2, "speed_ratio")] for row in rows]}


def recipes_table(rows):
    return {"columns": ["recipe", "batch", "step, ms",
                        "quantisers and penalties, %", "optimiser, %"],
            "numbers_from": 1,
            "rows": [[row["recipe"], str(row["batch"]), spread(row, "setun"),
                      cell(row, 1, "compression_percent"),
                      cell(row, 1, "optimiser_percent")] for row in rows]}


def gather(lines):
    networks, recipes = (collections.defaultdict(list) for _ in range(2))
    for line in lines:
        if "recipe" in line:
            recipes[line["recipe"]].append(line)
        else:
            networks[line["network"]].append(line)
    return {"networks": [network_row(*item) for item in networks.items()],
            "recipes": [recipe_row(*item) for item in recipes.items()]}


def tables(measurements):
    """What `setun table` prints."""
    return {"networks": networks_table(measurements["networks"]),
            "recipes": recipes_table(measurements["recipes"])}


def main():
    lines_path, out, threads = sys.argv[1:]
    with open(lines_path) as file:
        lines = [json.loads(line) for line in file]
    versions = {"pytorch": line["version"] for line in lines
                if "version" in line}
    measurements = gather(lines)
    with open(out, "w") as file:
        json.dump({"benchmark": "training step", "unit": "ms",
                   "command": "make bench-train", "cpu": cpu_name(),
                   "threads": int(threads), "commit": commit(),
                   "versions": {**versions,
                                "python": platform.python_version()},
                   "method": "median of the rounds' medians; speed_ratio is "
                             "PyTorch's better format over Setun",
                   "measurements": measurements,
                   "tables": tables(measurements)}, file, indent=1,
                  ensure_ascii=False)
        file.write("\n")


main()
