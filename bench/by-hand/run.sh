#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Our kernels and those of ncnn, ggml, bitnet.cpp and darknet in turns, on one
# thread; writes results/bench/by-hand.json. PEERS is a folder with the peers
# as README.md here lists them, made by hand; one that is missing is left out.
# usage: bench/by-hand/run.sh BUILD_FOLDER PEERS [ROUNDS] [NOTE]
set -euo pipefail
usage="usage: bench/by-hand/run.sh BUILD_FOLDER PEERS [ROUNDS] [NOTE]"
build=$(realpath "${1:?$usage}")
peers=$(realpath "${2:?$usage}")
rounds=${3:-3}
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$(dirname "$here")")
work=$build/bench/by-hand
flags=(-O2 -std=gnu11 -Wall -Wextra -Wno-unused-function)
programs=()
mkdir -p "$work"

# NAME LEVEL HEADERS LIBRARIES LINK...: our program over a peer's library.
link() {
    local name=$1 level=$2 headers=$3 libraries=$4
    shift 4
    if [ ! -d "$libraries" ]; then
        echo "by-hand: no $libraries: going on without it" >&2
        return
    fi
    gcc "${flags[@]}" -isystem "$headers" "$here/$name.c" \
        -o "$work/$name-$level" -L"$libraries" -Wl,-rpath,"$libraries" "$@"
    programs+=("$name $level")
}

for level in avx512 avx2; do
    link ncnn "$level" "$peers/ncnn-$level/include" \
        "$peers/ncnn-$level/lib" -lncnn -lstdc++ -lm -lpthread
    link ggml "$level" "$peers/ggml-$level/include" \
        "$peers/ggml-$level/lib" -lggml -lggml-cpu -lggml-base -lstdc++ -lm \
        -lpthread -ldl
done
link bitnet avx2 "$peers" "$peers/bitnet-lib/lib" -lbitnet -lm
link darknet avx2 "$peers/darknet/include" "$peers/darknet" -ldarknet -lm

lines=$work/lines.jsonl
: >"$lines"
for round in $(seq "$rounds"); do
    echo "round $round of $rounds" >&2
    "$build/bench/bench_kernels" 3 >>"$lines"
    for program in "${programs[@]}"; do
        read -r name level <<<"$program"
        # darknet also prints its layers; a CPU without AVX-512 stops.
        if "$work/$name-$level" 3 "$level" 2>/dev/null >"$work/out"; then
            grep -a '^{"layer"' "$work/out" >>"$lines"
        else
            echo "by-hand: $name-$level did not run" >&2
        fi
    done
done
mapfile -t versions < <(sed -n 's/^| \([a-z.]*\) | `\([0-9a-f]*\)` |.*/\1=\2/p' \
    "$here/README.md")
mkdir -p "$root/results/bench"
python3 "$here/record.py" "$lines" "$rounds" \
    "$root/results/bench/by-hand.json" "${4:-}" "${versions[@]}"
