#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Circulant layers beside dense ones, time against size; writes
# results/bench/circulant.json and circulant.svg.
# usage: bench/bench-circulant.sh BUILD_FOLDER [ROUNDS]
set -euo pipefail
build=${1:?usage: bench/bench-circulant.sh BUILD_FOLDER [ROUNDS]}
rounds=${2:-5}
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
lines=$(mktemp)
trap 'rm -f "$lines"' EXIT
export OMP_NUM_THREADS=1
for round in $(seq "$rounds"); do
    echo "circulant: round $round of $rounds" >&2
    "$build/bench/bench_circulant" 3 >>"$lines"
done
mkdir -p "$root/results/bench"
python3 "$here/record_circulant.py" "$lines" "$root/results/bench" \
    "$rounds"
