#!/usr/bin/env bash
# Builds the run-time library for 64-bit ARM and runs its tests under an
# emulator: on a CPU with dot products of bytes and on one without. Then runs
# packed models, which the command of this machine's build trains for one epoch
# on pictures made here: every level there must agree with the interpreter, and
# their logits with this machine's.
#   tests/neon.sh BUILD-FOLDER BUILD-FOLDER-OF-THIS-MACHINE
set -euo pipefail
folder=${1:?usage: tests/neon.sh BUILD-FOLDER BUILD-FOLDER-OF-THIS-MACHINE}
host=$(realpath "${2:?the build folder of this machine}")
here=$(cd "$(dirname "$0")" && pwd)
if ! command -v aarch64-linux-gnu-gcc >/dev/null ||
    ! command -v qemu-aarch64 >/dev/null; then
    echo "skipped, needs gcc-aarch64-linux-gnu and qemu-user"
    exit 0
fi
cpus=(max cortex-a53)
cmake --preset neon -B "$folder" --log-level=WARNING >/dev/null
cmake --build "$folder" -j "$(nproc)" >"$folder/build.log" 2>&1 ||
    { cat "$folder/build.log"; exit 1; }
for cpu in "${cpus[@]}"; do
    for test in "$folder"/tests/runtime/test_*; do
        [ -x "$test" ] && [ -f "$test" ] || continue
        echo "$(basename "$test") on $cpu"
        qemu-aarch64 -cpu "$cpu" "$test"
    done
done

# Networks with depthwise, sparse, few-bit, circulant and permuted-diagonal
# layers, and one with neurons in time.
models=$folder/models
rm -rf "$models"
mkdir -p "$models/bars"
perl "$here/cli/digits.pl" "$models/bars" 400 60
for pair in "$here/cli/tiny.yaml:wpc" permdnn:p4 permdnn:p10 cgs-lowbit:b2x8 \
    circnn:p8 mram-lowbit:w1a1 mram-lowbit:w1a4 mram-lowbit:w2a2 \
    mram-lowbit:w8a8 arsc:fixed4 stt-snn:ternary; do
    recipe=${pair%:*} variant=${pair#*:}
    run=$models/$(basename "$recipe" .yaml)-$variant
    SETUN_DATA=$models "$host/setun" train "$recipe" --variant "$variant" \
        --data bars --set epochs=1 --set validation=100 --out "$run" \
        >"$run.log" 2>&1 || { cat "$run.log"; exit 1; }
    "$host/setun" pack "$run" -o "$run.stn" >>"$run.log"
done
pictures=$models/bars/t10k-images-idx3-ubyte
"$host/tests/run_model" "$pictures" 5 "$models"/*.stn | grep logits \
    >"$models/expected.txt"
for cpu in "${cpus[@]}"; do
    echo "models on $cpu"
    qemu-aarch64 -cpu "$cpu" "$folder/tests/runtime/run_model" "$pictures" 5 \
        "$models"/*.stn | tee "$models/got.txt"
    grep logits "$models/got.txt" | diff - "$models/expected.txt"
done
echo "all levels agree with the interpreter, and machines with each other"
