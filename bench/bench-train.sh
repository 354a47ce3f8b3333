#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Training steps of Setun and PyTorch, interleaved so that a busy neighbour
# hits both, then those of every recipe; writes results/bench/train.json and
# prints it.
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

# No peer to alternate with: once each.
for file in "$root"/share/setun/recipes/*.yaml; do
    recipe=$(basename "$file" .yaml)
    variants=$(tr -s '\n ' ' ' <"$file" |
        sed -n 's/.* variants: *\[\([^]]*\)\].*/:\1/p')
    read -ra list <<<"${variants//, / :}"
    [ ${#list[@]} -gt 0 ] || list=("")
    for variant in "${list[@]}"; do
        echo "$recipe$variant" >&2
        "$build/bench/bench_train" --recipe "$recipe$variant" \
            --threads "$threads" --steps 7 >>"$lines"
    done
done

mkdir -p "$root/results/bench"
/usr/bin/python3 "$here/bench_train_tables.py" "$lines" \
    "$root/results/bench/train.json" "$threads"
cd "$root"
for table in networks recipes; do
    "$build/setun" table results/bench/train.json --data "$table"
done
