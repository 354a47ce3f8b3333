#!/usr/bin/env bash
# Every machine on real pictures, bit against bit.
#   tests/cli/machines.sh SETUN
setun=$(realpath "$1")
source "$(dirname "$0")/check.bash"
cd "$folder" || exit 1

if "$setun" list datasets | grep -q '^mnist .*missing: '; then
    echo "skipped, needs MNIST: setun list datasets"
    exit 0
fi
expect 0 "test accuracy" "LeNet-5 is trained on MNIST" "$setun" train \
    imce --variant w1a8 --data mnist --budget demo --out run --threads 2
expect 0 "model.stn" "and packed" "$setun" pack run -o model.stn
"$setun" verify model.stn --data mnist --images 16 --machine-images 2 \
    --on all --json >all.json 2>left
holds "no machine is left out" test ! -s left
machines=$("$setun" list machines --json | grep -c '"id"')
holds "all machines are compared" \
    test "$(grep -c '"machine ' all.json)" = "$machines"
holds "and return their definition's bits" \
    test "$(grep -c '"mismatches": 0,' all.json)" = "$(grep -c '"executor"' all.json)"
exact=$(grep -c '"inexact": 0,' all.json)
expected=$(($(grep -c '"executor"' all.json) - 3)) # whose converters saturate
holds "which are the reference's, but for saturating converters" \
    test "$exact" = "$expected"
finish
