#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Inference beside its peers: kernels and networks of Setun, oneDNN, ONNX
# Runtime (from npm) and PyTorch (Debian's), interleaved so that a busy
# neighbour hits all; writes results/bench/kernels.json and networks.json, and
# circulant.json by bench-circulant.sh.
# Networks are trained for some steps on noise, only to have a file.
# usage: bench/bench.sh BUILD_FOLDER [ROUNDS]
set -euo pipefail
build=$(realpath "${1:?usage: bench/bench.sh BUILD_FOLDER [ROUNDS]}")
rounds=${2:-5}
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
work=$build/bench/inference
onnxruntime=1.30.0
export SETUN_SHARE=$root/share/setun OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
mkdir -p "$work"

# The plain install would download files for CUDA.
if [ ! -d "$work/node_modules/onnxruntime-node" ]; then
    ONNXRUNTIME_NODE_INSTALL=skip npm install --silent --no-fund --no-audit \
        --prefix "$work" "onnxruntime-node@$onnxruntime" ||
        echo "bench: no ONNX Runtime from npm; going on without it" >&2
fi

python3 "$here/noise.py" "$work"
networks=()
for recipe in "$here"/networks/*.yaml; do
    name=$(basename "$recipe" .yaml)
    data=$(sed -n 's/^data: //p' "$recipe")
    if [ ! -f "$work/$name.stn" ] || [ "$recipe" -nt "$work/$name.stn" ]; then
        rm -rf "$work/run-$name"
        "$build/setun" train "$recipe" --data "$work/$data" \
            --out "$work/run-$name" >/dev/null
        "$build/setun" pack "$work/run-$name" -o "$work/$name.stn" >/dev/null
    fi
    "$build/setun" inspect --json "$work/$name.stn" >"$work/$name.json"
    networks+=("$work/$name")
done

kernels=$work/kernels.jsonl
whole=$work/networks.jsonl
: >"$kernels"
: >"$whole"
for round in $(seq "$rounds"); do
    echo "round $round of $rounds" >&2
    "$build/bench/bench_limits" >>"$kernels"
    "$build/bench/bench_kernels" 3 >>"$kernels"
    "$build/bench/bench_onednn" 3 >>"$kernels"
    DNNL_MAX_CPU_ISA=AVX2 "$build/bench/bench_onednn" 3 >>"$kernels"
    /usr/bin/python3 "$here/bench_pytorch.py" 3 >>"$kernels"
    for network in "${networks[@]}"; do
        "$build/bench/bench_networks" 3 "$network.stn" >>"$whole"
    done
    if [ -d "$work/node_modules/onnxruntime-node" ]; then
        node "$here/bench_onnxruntime.js" "$work" 3 >>"$kernels"
        node "$here/bench_onnxruntime.js" "$work" 3 \
            "${networks[@]/%/.json}" >>"$whole"
    fi
done
mkdir -p "$root/results/bench"
python3 "$here/record.py" "$kernels" "$whole" "$root/results/bench" \
    "$rounds"
"$here/bench-circulant.sh" "$build" "$rounds"
