#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Design points that a sweep costs in a second on one core, by network and
machine. results/bench/sweep.json: of 9600 points an option changes the mapping
every 1200 and a latency the prediction every 150. sweep-mapped.json: each of
4800 points asks for a mapping of its own, since options or the geometry change
at each, on sot-modelled also for a sub-array of its own. Three points of every
sweep are simulated one by one and must agree. Time is that of the processor.
usage: bench-sweep.py BUILD_FOLDER [ROUNDS]"""
import json
import os
import subprocess
import sys

from machine import ROOT, commit, cpu_name

NETWORKS = ["lenet5", "resnet20", "resnet18", "vgg16", "mobilenet"]
ROOM = {"imce": "options.sub_arrays=1000000",
        "bdnet-sot": "options.sub_arrays=1000000",
        "sot-modelled": "options.sub_arrays=1000000",
        "isaac-like": "options.arrays=1000000"}
FIGURES = ["options.lanes=4:32:4",
           "tech.events.rescale.latency.value=0.3:1.0:0.1",
           "tech.events.rescale.energy.value=0.51:2.0:0.01"]
FILTERS = ["options.lanes=1:60:1", "options.filters=1:80:1"]
GEOMETRY = ["array.rows=64:536:8", "array.columns=64:696:8"]
ELEMENTS = ["options.rows=1:60:1", "options.columns=1:80:1"]
# What is varied on each machine, and how many points that are.
SWEEPS = {
    "sweep": (9600, {m: FIGURES for m in ["imce", "bdnet-sot", "isaac-like",
                                          "pe-int8", "pe-ternary"]}),
    "sweep-mapped": (4800, {
        "imce": FILTERS, "bdnet-sot": FILTERS, "sot-modelled": GEOMETRY,
        "isaac-like": ["options.active_rows=9:128:2", "options.lanes=1:80:1"],
        "pe-int8": ELEMENTS, "pe-ternary": ELEMENTS})}


def measure(setun, network, machine, axes, points, rounds):
    command = [setun, "sweep", machine, network, "--threads", "1", "--check",
               "3", "--json"]
    for axis in axes:
        command += ["--vary", axis]
    if machine in ROOM:
        command += ["--set", ROOM[machine]]
    runs = [json.loads(subprocess.run(command, check=True, text=True,
                                      capture_output=True).stdout)
            for _ in range(rounds)]
    assert all(r["points"] == r["fit"] == points and r["checked"] == 3
               for r in runs), (network, machine, runs[0])
    seconds = [r["cpu_seconds"] for r in runs]
    return {"network": network, "machine": machine, "points": points,
            "cpu_s": seconds, "points_per_s": points / min(seconds)}


def write(name, machines, all_of):
    rate = {(a["network"], a["machine"]): a["points_per_s"] for a in all_of}
    rows = [[n] + [f"{rate[n, m] / 1e3:.3g}" for m in machines]
            for n in NETWORKS]
    path = os.path.join(ROOT, "results", "bench", name + ".json")
    with open(path, "w") as out:
        json.dump({"command": "make bench-sweep",
                   "commit": commit(),
                   "cpu": f"{cpu_name()}, {os.cpu_count()} CPUs",
                   "measurements": all_of,
                   "tables": {"sweep": {
                       "columns": ["1000 points a second and core", *machines],
                       "numbers_from": 1, "rows": rows}}}, out, indent=1)
        out.write("\n")


def main():
    setun = os.path.join(os.path.abspath(sys.argv[1]), "setun")
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    os.environ["SETUN_SHARE"] = os.path.join(ROOT, "share", "setun")
    for name, (points, axes) in SWEEPS.items():
        write(name, list(axes),
              [measure(setun, n, m, axes[m], points, rounds)
               for n in NETWORKS for m in axes])


main()
