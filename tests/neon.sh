#!/usr/bin/env bash
# Builds the run-time library for 64-bit ARM and runs its tests under an
# emulator: on a CPU with dot products of bytes and on one without.
#   tests/neon.sh BUILD-FOLDER
set -euo pipefail
folder=${1:?usage: tests/neon.sh BUILD-FOLDER}
if ! command -v aarch64-linux-gnu-gcc >/dev/null ||
    ! command -v qemu-aarch64 >/dev/null; then
    echo "skipped, needs gcc-aarch64-linux-gnu and qemu-user"
    exit 0
fi
cmake --preset neon -B "$folder" --log-level=WARNING >/dev/null
cmake --build "$folder" -j "$(nproc)" >"$folder/build.log" 2>&1 ||
    { cat "$folder/build.log"; exit 1; }
for cpu in max cortex-a53; do
    for test in "$folder"/tests/runtime/test_*; do
        [ -x "$test" ] && [ -f "$test" ] || continue
        echo "$(basename "$test") on $cpu"
        qemu-aarch64 -cpu "$cpu" "$test"
    done
done
