#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# How long machines take: pictures executed bit by bit, and costs predicted;
# writes results/bench/simulate.json and prints it. Networks are not trained,
# pictures are MNIST's where they are found, else noise of its shape.
# usage: bench/bench-simulate.sh BUILD_FOLDER [ROUNDS] [PICTURES]
set -euo pipefail
build=$(realpath "${1:?usage: bench/bench-simulate.sh BUILD_FOLDER [ROUNDS]}")
rounds=${2:-3}
pictures=${3:-10000}
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
work=$build/bench/simulate
lines=$work/lines.jsonl
export SETUN_SHARE=$root/share/setun
mkdir -p "$work"

python3 "$here/noise.py" "$work"
for recipe in "$here"/simulate/*.yaml; do
    name=$(basename "$recipe" .yaml)
    data=$(sed -n 's/^data: //p' "$recipe")
    if [ ! -f "$work/$name.stn" ] || [ "$recipe" -nt "$work/$name.stn" ]; then
        rm -rf "$work/run-$name"
        "$build/setun" train "$recipe" --data "$work/$data" \
            --out "$work/run-$name" >/dev/null
        "$build/setun" pack "$work/run-$name" -o "$work/$name.stn" >/dev/null
    fi
done
digits=mnist
"$build/setun" list datasets | grep -q '^mnist .*missing' && digits=$work/bars

# measure TITLE MACHINE PEER ARGUMENT...: one line of JSON
measure() {
    local title=$1 machine=$2 peer=$3
    shift 3
    "$build/setun" simulate "$@" --on "$machine" --json >"$work/one.json"
    /usr/bin/python3 - "$title" "$machine" "$peer" "$work/one.json" \
        >>"$lines" <<'EOF'
import json, sys
title, machine, peer, path = sys.argv[1:]
s = json.load(open(path))
print(json.dumps({"title": title, "machine": machine, "peer": peer,
                  "pictures": s["pictures"], "checked": s["checked"],
                  "mismatches": s["mismatches"], "seconds": s["seconds"]}))
EOF
}

: >"$lines"
neurosim="NeuroSim 1.4, estimate only: 28.7 s"
many="options.sub_arrays=1000000"
for round in $(seq "$rounds"); do
    echo "round $round of $rounds" >&2
    measure "LeNet-5, 1-bit weights, 8-bit activations" mram-lowbit-sot "" \
        "$work/lenet5-w1a8.stn" --data "$digits" --images "$pictures" \
        --check 100
    measure "BD-Net, binary blocks" bdnet-sot "" \
        "$work/bdnet-w1a8.stn" --data "$digits" --images "$pictures" \
        --check 100
    measure "AlexNet 224 x 224, 1-bit weights, 2-bit activations" imce "" \
        "$work/alexnet-w1a2.stn" --data "$work/noise" --set "$many"
    measure "VGG-8, 1-bit weights and activations" imce "$neurosim" \
        "$work/vgg8-w1a1.stn" --data "$work/noise" --set "$many"
    measure "VGG-8, 1-bit weights and activations" xnor-reram "$neurosim" \
        "$work/vgg8-w1a1.stn" --data "$work/noise"
    measure "VGG-8, predicted" xnor-reram "$neurosim" vgg8 --weights 1 \
        --activations 1 --ends 1 --parameter abits=1 --parameter pixels=1
    measure "ResNet-50, predicted" imce "" resnet50 --weights 1 \
        --activations 8 --set "$many"
done

mkdir -p "$root/results/bench"
/usr/bin/python3 "$here/bench_simulate_tables.py" "$lines" \
    "$root/results/bench/simulate.json"
cd "$root"
"$build/setun" table results/bench/simulate.json --data simulate
