#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Training steps of Setun and PyTorch on two threads, alone and beside one busy
# process pinned on the last core, in turns; writes
# results/bench/neighbour.json and prints it. Needs an idle machine.
# usage: bench/bench-neighbour.sh BUILD_FOLDER [ROUNDS]
set -euo pipefail
build=${1:?usage: bench/bench-neighbour.sh BUILD_FOLDER [ROUNDS]}
rounds=${2:-5}
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
lines=$(mktemp)
neighbour=
stop() {
    [ -z "$neighbour" ] || kill "$neighbour" 2>/dev/null || true
    neighbour=
}
trap 'stop; rm -f "$lines"' EXIT

# WITH COMMAND...: its line of JSON, with whether the neighbour was there.
measure() {
    local with=$1 line
    shift
    if [ "$with" = true ]; then
        taskset -c "$(($(nproc) - 1))" sh -c 'while :; do :; done' &
        neighbour=$!
    fi
    line=$("$@")
    stop
    printf '%s\n' "${line%\}}, \"neighbour\": $with}" >>"$lines"
}

export SETUN_SHARE="$root/share/setun"
for round in $(seq "$rounds"); do
    for network in lenet5 resnet20; do
        echo "round $round of $rounds: $network" >&2
        for with in false true; do
            measure "$with" "$build/bench/bench_train" --network "$network" \
                --threads 2 --steps 7
            measure "$with" /usr/bin/python3 "$here/bench_train_pytorch.py" \
                --network "$network" --threads 2 --steps 5 --format plain
        done
    done
done

mkdir -p "$root/results/bench"
/usr/bin/python3 "$here/bench_neighbour_table.py" "$lines" \
    "$root/results/bench/neighbour.json"
cd "$root"
"$build/setun" table results/bench/neighbour.json --data neighbour
