#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Training steps of Setun and PyTorch, interleaved so that a busy neighbour
# hits both; writes results/bench/train.json and prints a table.
# usage: bench/bench-train.sh BUILD_FOLDER [ROUNDS] [THREADS]
set -euo pipefail
build=${1:?usage: bench/bench-train.sh BUILD_FOLDER [ROUNDS] [THREADS]}
rounds=${2:-5}
threads=${3:-2}
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
lines=$(mktemp)
trap 'rm -f "$lines"' EXIT

export SETUN_SHARE="$root/share/setun"
for round in $(seq "$rounds"); do
    for network in lenet5 resnet20 bdnet; do
        echo "round $round of $rounds: $network" >&2
        "$build/bench/bench_train" --network "$network" \
            --threads "$threads" --steps 7 >>"$lines"
        for format in plain channels_last; do
            /usr/bin/python3 "$here/bench_train_pytorch.py" \
                --network "$network" --threads "$threads" --steps 5 \
                --format "$format" >>"$lines"
        done
    done
done

mkdir -p "$root/results/bench"
commit=$(git -C "$root" describe --always --dirty)
/usr/bin/python3 - "$lines" "$root/results/bench/train.json" "$commit" \
    "$threads" <<'PYTHON'
import collections
import json
import platform
import statistics
import sys

lines, out, commit, threads = sys.argv[1:]
rounds = collections.defaultdict(list)
versions = {}
with open(lines) as file:
    for line in map(json.loads, file):
        key = (line["network"], line["program"], line.get("format", ""))
        rounds[key].append(line["median_ms"])
        if "version" in line:
            versions["pytorch"] = line["version"]

cpu = platform.processor()
with open("/proc/cpuinfo") as file:
    for line in file:
        if line.startswith("model name"):
            cpu = line.split(":", 1)[1].strip()
            break

rows = []
for network in dict.fromkeys(key[0] for key in rounds):
    row = {"network": network}
    theirs = []
    for (name, program, fmt), ms in rounds.items():
        if name != network:
            continue
        label = program if program == "setun" else f"pytorch {fmt}"
        row[label] = {"median_ms": round(statistics.median(ms), 2),
                      "min_ms": min(ms), "max_ms": max(ms),
                      "rounds_ms": ms}
        if program == "pytorch":
            theirs.append(statistics.median(ms))
    row["speed_ratio"] = round(min(theirs) / row["setun"]["median_ms"], 2)
    rows.append(row)

with open(out, "w") as file:
    json.dump({"benchmark": "training step", "unit": "ms", "cpu": cpu,
               "threads": int(threads), "commit": commit,
               "versions": {**versions, "python": platform.python_version()},
               "method": "median of the rounds' medians; speed_ratio is "
                         "PyTorch's better format over Setun",
               "rows": rows}, file, indent=2)
    file.write("\n")

print(f"{'network':10} {'setun':>10} {'pytorch':>10} {'NHWC':>10} {'ratio':>6}"
      f"   median ms of {threads} threads, {cpu}")
for row in rows:
    print(f"{row['network']:10} {row['setun']['median_ms']:10.1f} "
          f"{row['pytorch plain']['median_ms']:10.1f} "
          f"{row['pytorch channels_last']['median_ms']:10.1f} "
          f"{row['speed_ratio']:6.2f}")
PYTHON
