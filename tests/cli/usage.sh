#!/usr/bin/env bash
# Help of every verb, and what wrong command lines say.
#   tests/cli/usage.sh SETUN
setun=$1
source "$(dirname "$0")/check.bash"

expect 0 "Verbs" "overview" "$setun" --help
expect 0 "setun " "version" "$setun" --version
for verb in train pack inspect eval run verify simulate variation sweep compare adc windows array mtj validate \
    report reproduce table list doctor "data convert" man; do
    # shellcheck disable=SC2086 # "data convert" is two words
    expect 0 "Usage: setun $verb" "help of $verb" "$setun" $verb --help
done
expect 2 "" "no verb is a usage error" "$setun"
expect 2 "did you mean 'train'?" "unknown verb names the nearest" "$setun" trian
expect 2 "did you mean '--threads'?" "unknown option names the nearest" \
    "$setun" train bdnet --treads 2
expect 2 "too few operands" "missing operand" "$setun" inspect
expect 2 "too many operands" "extra operand" "$setun" inspect a b
expect 2 "needs a value" "missing value" "$setun" train bdnet --seed
expect 2 "whole number" "value that is no number" "$setun" train bdnet --seed x
expect 2 "takes no value" "value for a switch" "$setun" doctor --json=yes
expect 2 "more than 1 time" "option given twice" \
    "$setun" train bdnet --seed 1 --seed 2
expect 2 "none of networks, recipes" "unknown list" "$setun" list animals
expect 0 "per_filter" "quantisers and their options" "$setun" list quantisers
expect 0 "index_bits" "structures" "$setun" list structures
expect 0 "clip_ratio" "penalties" "$setun" list penalties
expect 0 "sub_arrays" "families of machines" "$setun" list families --json
expect 2 "-o FILE.stn" "pack without output" "$setun" pack run
expect 2 "--data" "eval without data" "$setun" eval model.stn
expect 2 "none of ref, avx2" "unknown kernel level" \
    "$setun" eval model.stn --data mnist --cpu sse
expect 4 "nothing.stn" "missing file" "$setun" inspect "$folder/nothing.stn"
expect 4 "no such folder" "missing run" "$setun" report "$folder/nothing"
expect 4 "" "missing recipe" "$setun" train nothing
expect 4 "" "missing recipe to reproduce" "$setun" reproduce nothing
expect 4 'did you mean "bdnet"?' "nearly a recipe" "$setun" train bdnett
expect 4 'did you mean "imce"?' "nearly a machine" \
    "$setun" simulate lenet5 --on imec
expect 1 'optimizer.sgd.lr: key "optimizer" is unknown' \
    "a key of --set" "$setun" train bdnet --set optimizer.sgd.lr=1
mkdir "$folder/empty"
expect 4 "is no run folder" "a folder without a run" \
    "$setun" report "$folder/empty"
expect 1 "" "file that is no program" "$setun" inspect "$0"

expect 0 "bdnet" "recipes are listed" "$setun" list recipes
narrow() { # the longest line of a table on a terminal of 80 columns
    script -qec "stty cols 80; '$setun' list recipes" /dev/null </dev/null |
        tr -d '\r' | sed 's/─/-/g' | awk '
            length > n { n = length } END { exit !(n > 70 && n <= 80) }'
}
if command -v script >/dev/null; then
    holds "a table fits the terminal" narrow
fi
expect 0 "bdnet" "networks are listed" "$setun" list networks
expect 0 "bdnet-sot" "machines are listed" "$setun" list machines
expect 0 "on the front" "a sweep draws a chart" "$setun" sweep imce lenet5 \
    --vary options.replicas=1,2,4 --chart "$folder/sweep.svg"
holds "of all points" test "$(grep -c "<circle" "$folder/sweep.svg")" = 3
expect 0 "on the front" "a sweep writes results" "$setun" sweep imce lenet5 \
    --vary options.replicas=1,2,4 --results "$folder/sweep.json"
expect 0 "| quantity | unit | replicas=1 | replicas=2 | replicas=4 |" \
    "which make a table" "$setun" table "$folder/sweep.json" --data imce
expect 1 "got 65 points, expected at most 64" "of 64 points at most" \
    "$setun" sweep imce lenet5 --vary options.lanes=1:65:1 \
    --results "$folder/sweep.json"
expect 0 "mram-lowbit" "comparisons are listed" "$setun" list comparisons
expect 4 "no /" "missing comparison" "$setun" compare nothing
expect 0 "analog over sot" "published beside ours" "$setun" compare mram-lowbit
expect 0 "fashion-mnist" "data sets are listed" "$setun" list datasets
expect 0 "kernel levels" "doctor" "$setun" doctor
expect 0 '"kernel levels"' "doctor in JSON" "$setun" doctor --json
expect 0 ".SS \"setun reproduce ID\"" "man page" "$setun" man
finish
