#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Design points that a sweep costs in a second on one core, by network and
machine; writes results/bench/sweep.json. Of 9600 points of each sweep an
option changes the mapping every 1200 and a latency the prediction every 150;
three points are simulated one by one and must agree.
usage: bench-sweep.py BUILD_FOLDER [ROUNDS]"""
import json
import os
import subprocess
import sys

from machine import ROOT, commit, cpu_name

NETWORKS = ["lenet5", "resnet20", "resnet18", "vgg16"]
MACHINES = {"imce": "options.sub_arrays=1000000",
            "bdnet-sot": "options.sub_arrays=1000000",
            "isaac-like": None, "pe-int8": None, "pe-ternary": None}
AXES = ["options.lanes=4:32:4",
        "tech.events.rescale.latency.value=0.3:1.0:0.1",
        "tech.events.rescale.energy.value=0.51:2.0:0.01"]


def measure(setun, network, machine, options, rounds):
    command = [setun, "sweep", machine, network, "--threads", "1", "--check",
               "3", "--json"]
    for axis in AXES:
        command += ["--vary", axis]
    if options:
        command += ["--set", options]
    runs = [json.loads(subprocess.run(command, check=True, text=True,
                                      capture_output=True).stdout)
            for _ in range(rounds)]
    points = runs[0]["points"]
    assert points == 9600 and all(r["fit"] == points and r["checked"] == 3
                                  for r in runs)
    seconds = [r["cpu_seconds"] for r in runs]
    return {"network": network, "machine": machine, "points": points,
            "cpu_s": seconds, "points_per_s": points / min(seconds)}


def main():
    build = os.path.abspath(sys.argv[1])
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    os.environ["SETUN_SHARE"] = os.path.join(ROOT, "share", "setun")
    all_of = [measure(os.path.join(build, "setun"), n, m, o, rounds)
              for n in NETWORKS for m, o in MACHINES.items()]
    rate = {(a["network"], a["machine"]): a["points_per_s"] for a in all_of}
    rows = [[n] + [f"{rate[n, m] / 1e3:.3g}" for m in MACHINES]
            for n in NETWORKS]
    with open(os.path.join(ROOT, "results", "bench", "sweep.json"), "w") as out:
        json.dump({"command": "make bench-sweep",
                   "commit": commit(),
                   "cpu": f"{cpu_name()}, {os.cpu_count()} CPUs",
                   "measurements": all_of,
                   "tables": {"sweep": {
                       "columns": ["1000 points a second and core", *MACHINES],
                       "numbers_from": 1, "rows": rows}}}, out, indent=1)
        out.write("\n")


main()
