#!/usr/bin/env bash
# A small network from data to cost, on pictures made here.
#   tests/cli/pipeline.sh SETUN
setun=$(realpath "$1")
source "$(dirname "$0")/check.bash"
here=$(cd "$(dirname "$0")" && pwd)
recipe=$here/tiny.yaml
export SETUN_DATA=$folder
cd "$folder" || exit 1

# Prints a member of a JSON file or array item: field FILE KEY
field() { sed -n "s/^ *\"$2\": \"\\{0,1\\}\\([^\",]*\\).*/\\1/p" "$1" | head -1; }
equals() { [ "$1" = "$2" ] || { echo "got '$1', expected '$2'"; return 1; }; }

mkdir bars
holds "pictures are made" perl "$here/digits.pl" bars 400 60
expect 0 "test accuracy" "train" "$setun" train "$recipe" --out run --threads 2
expect 2 "--resume" "a finished run is not overwritten" \
    "$setun" train "$recipe" --out run
expect 0 "test accuracy" "a finished run is resumed at once" \
    "$setun" train "$recipe" --out run --resume
interrupted() { # stops a long run after its first epoch
    "$setun" train "$recipe" --out long --set epochs=500 2>long.txt &
    local pid=$! i
    for i in $(seq 200); do
        grep -q "epoch 1/" long.txt && break
        sleep 0.1
    done
    kill -INT $pid
    wait $pid
}
expect 130 "" "an interrupted run says so" interrupted
holds "and has saved its state" test -s long/checkpoint.safetensors
expect 0 "model.stn" "pack" "$setun" pack run -o model.stn
expect 0 "ternary" "inspect" "$setun" inspect model.stn
"$setun" inspect model.stn --json >inspect.json
holds "inspect knows the file's size" \
    equals "$(field inspect.json file_bytes)" "$(stat -c %s model.stn)"
# A safetensors file begins with 8 bytes that say how long its JSON is.
holds "and accounts for every byte of it" \
    equals "$(field inspect.json header_bytes)" \
    "$((8 + $(od -An -tu8 -N8 model.stn)))"
expect 0 "images/s" "eval" "$setun" eval model.stn --data bars --cpu ref
"$setun" eval model.stn --data bars --json >eval.json
"$setun" eval model.stn --data bars --json --cpu ref --threads 1 >ref.json
holds "levels agree on accuracy" \
    equals "$(field eval.json correct)" "$(field ref.json correct)"
expect 0 "inexact as it is defined" "verify, an inexact machine" \
    "$setun" verify model.stn --data bars --images 2 --machine-images 2 \
    --on bitslice-isaac
expect 0 "exact pictures" "accuracy against variation" \
    "$setun" variation model.stn --data bars --images 2 --spread 0 --spread 3 \
    --draws 1000
expect 0 "bits have flipped since they were loaded" "simulate, an old chip" \
    "$setun" simulate model.stn --data bars --images 2 --on mram-lowbit-stt \
    --set device.pictures=1e6
expect 0 "spread 0 after 3.16e+08 s and 1e+06 pictures" \
    "accuracy against age" \
    "$setun" variation model.stn --data bars --images 2 --spread 0 --age 0 \
    --age 3.16e8 --pictures 1e6 --device stt-mtj --chips 2 --draws 1000 --json
expect 2 "got 63 combinations, expected at most 32" "too many ages" \
    "$setun" variation model.stn --data bars --age 0 --age 1 --age 2 \
    --pictures 0 --pictures 1 --pictures 2
chips() { "$setun" variation model.stn --data bars --images 6 --spread 3 \
    --draws 1000 "$@"; }
# The figure of a quantity in a results file.
figure() { sed -n "/\"quantity\": \"$1\"/,/ours/s/.*\"ours\": \([^,]*\).*/\1/p"; }
chips --chips 3 --threads 1 > chips1
for threads in 2 3; do
    chips --chips 3 --threads "$threads" > "chips$threads"
    holds "chips do not depend on $threads threads" cmp chips1 "chips$threads"
done
for quantity in accuracy "exact pictures"; do
    for chip in 1 2 3; do
        chips --chip "$chip" --chips 1 --json | figure "$quantity"
    done | sort -g | awk '{ sum += $1; one[NR] = $1 }
        END { printf "%.4f\n%.4f\n%.4f\n", sum / NR, one[1], one[NR] }' > alone
    chips --chips 3 --json > chips.json
    for which in "" ", lowest chip" ", highest chip"; do
        figure "$quantity$which" < chips.json
    done | awk '{ printf "%.4f\n", $1 }' > together
    holds "$quantity of chips is that of each" cmp alone together
done
expect 0 "machine bdnet-sot" "verify" \
    "$setun" verify model.stn --data bars --images 10 --machine-images 1
expect 0 "machine stt-snn" "verify on arrays of processing elements" \
    "$setun" verify model.stn --data bars --images 2 --machine-images 2 \
    --on pe-ternary --on yodann-like --on stt-snn
# Every machine that the network fits on has a row.
"$setun" verify model.stn --data bars --images 2 --machine-images 2 --on all \
    --json 2>left >all.json
holds "all machines agree, or are inexact as defined" \
    equals "$(grep -c '"mismatches": 0' all.json)" \
    "$(grep -c '"executor"' all.json)"
holds "all machines are compared, or said to be left out" \
    equals "$(($(grep -c '"machine ' all.json) + $(grep -c '^left out' left)))" \
    "$("$setun" list machines --json | grep -c '"id"')"
expect 0 "cycles a product" "stochastic products" "$setun" eval model.stn \
    --data bars --images 4 --bits 5 --executor stochastic
expect 0 "stochastic, 5 bits" "verify with fewer bits" "$setun" verify \
    model.stn --data bars --images 4 --on none --machine-images 1 --bits 5 \
    --stochastic
expect 2 "from 2 to 8" "bits out of range" "$setun" eval model.stn --data bars \
    --bits 9
expect 0 "cell.logic2_energy_factor" "explain goes down to figures" "$setun" \
    explain model.stn event.row_logic2.energy --on imce
expect 0 "block0.dw.energy.link" "explain a layer" "$setun" explain model.stn \
    block0.dw.energy --depth 1
expect 4 "there are energy" "explain what is not there" "$setun" explain \
    model.stn nothing
expect 0 "sub-arrays" "simulate predicts" "$setun" simulate model.stn
expect 0 "counted events equal the prediction" "simulate executes" \
    "$setun" simulate model.stn --data bars --images 1
expect 4 "nowhere" "missing data set" "$setun" eval model.stn --data nowhere
expect 0 "report.html" "report of a run" "$setun" report run -o report.html
holds "the report holds its data" grep -q '"block0.dw"' report.html

expect 0 "1 data set was not found" "reproduce" "$setun" reproduce "$recipe" --out rep \
    --results rep/results.json --images 4 --machine-images 1
expect 0 "wpc on bars: as ./run (same recipe and seed)" \
    "what a variant starts from may be a finished run beside" "$setun" \
    reproduce "$recipe" --variants tuned --out rep1 --results rep1/results.json \
    --images 4 --machine-images 1
holds "results name the system" equals "$(field rep/results.json system)" tiny
holds "and the command that fills it, but no folders" grep -q \
    '"command": "setun reproduce .*tiny.yaml --images 4 --machine-images 1"' \
    rep/results.json
holds "and what ran with fewer bits" grep -q "tuned at 5 bits" rep/results.json
holds "and its cycles" grep -q '"cycles per product"' rep/results.json
holds "results say how long each variant was trained" \
    test "$(grep -c '"quantity": "training time"' rep1/results.json)" = \
    "$(grep -c '"quantity": "throughput"' rep1/results.json)"
holds "a missing data set is skipped" grep -q "nowhere" rep/summary.json
expect 0 "sparse" "finished runs are not trained again" "$setun" reproduce \
    "$recipe" --out rep --results rep/results.json --images 4 \
    --machine-images 1 --seeds 2
holds "other seeds are trained" test -f rep/seed2/bars-tuned/result.json
holds "their spread is a row" grep -q '"accuracy spread"' rep/results.json
expect 2 "reproduces no variant 'tunned'; did you mean 'tuned'?" \
    "unknown variant to reproduce" "$setun" reproduce "$recipe" --variants tunned
expect 2 "it has baseline, tuned" "nor one like it" \
    "$setun" reproduce "$recipe" --variants other

# Another recipe with the same float twin, and another penalty.
sed 's/^id: tiny/id: other/; s/lambda: 2e-4/lambda: 3e-4/' "$recipe" >other.yaml
expect 0 "baseline on bars: as ./rep/bars-baseline (same recipe and seed)" \
    "a float twin of another recipe is used" "$setun" reproduce ./other.yaml \
    --out rep2 --results rep2/results.json --images 4 --machine-images 1
holds "and not trained again" test ! -e rep2/bars-baseline
holds "what differs is trained, and what a variant starts from" test -f rep2/bars-wpc/result.json
holds "the twin's accuracy is reported" \
    grep -q 'bars, baseline, float32' rep2/results.json
sed 's/p: 8,/p: 16,/' other.yaml >wider.yaml
expect 0 "" "with another network" "$setun" reproduce ./wider.yaml --data bars \
    --variants baseline --out rep4 --results rep4/results.json
holds "a float network of its own is trained" \
    test -f rep4/bars-baseline/result.json
expect 0 "" "with another seed" "$setun" reproduce ./other.yaml --data bars \
    --variants baseline --seed 7 --out rep3 --results rep3/results.json
holds "the float twin is trained" test -f rep3/bars-baseline/result.json
finish
