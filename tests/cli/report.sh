#!/usr/bin/env bash
# The report of a simulation in a browser: bars, and what clicks on them do.
#   tests/cli/report.sh SETUN
setun=$(realpath "$1")
source "$(dirname "$0")/check.bash"
cd "$folder" || exit 1

expect 0 "lenet5.html" "a simulation writes a report" "$setun" simulate lenet5 \
    --on isaac-like --set options.copies=2 --html lenet5.html
holds "which tells the command" \
    grep -q 'setun simulate lenet5 --on isaac-like --set options.copies=2' lenet5.html
expect 0 "" "also with JSON" "$setun" simulate lenet5 --on imce --html b.html --json
expect 4 "none/x.html" "a folder that is missing is refused" \
    "$setun" simulate lenet5 --html none/x.html

if grep -q 'tables only' <("$setun" simulate lenet5 --html c.html) ||
    ! command -v chromium >chromium; then
    echo "skipped, needs chromium and libjs-chart.js"
    finish
fi
# A click on the longest bar, then on the longest of what it is made of; then
# the layer is let go.
cat >clicks.js <<'JS'
const s = data.variants[0].simulation;
const sum = list => list.reduce((a, b) => a + b, 0);
const longest = list => list.indexOf(Math.max(...list));
const layers = s.layers.map(l => sum(l.energy_j)), layer = longest(layers);
const parts = s.layers[layer].energy_j, part = longest(parts);
const expected = [['layer', sum(layers)], ['component', layers[layer]],
  ['event', parts[part]], ['event', s.energy_j[part]]];
const seen = [];
const look = () => {
  const [by, energy] = expected[seen.length];
  const text = state.by + ' ' + $('cost-total').textContent.split(',')[0];
  seen.push(text + (text === by + ' ' + si(energy, 'J') ? ' right' : ' WRONG'));
};
const click = () => {
  const bars = charts.energy.data;
  const index = longest(bars.labels.map((_, i) => sum(bars.datasets.map(d => d.data[i]))));
  charts.energy.options.onClick({}, [{ index }]);
};
const steps = [look, click, look, click, look,
  () => $('cost-picked').children[0].click(), look];
const step = () => {
  if (steps.length) { steps.shift()(); setTimeout(step, 50); return; }
  document.title = seen.join('; ');
};
step();
JS
{
    cat lenet5.html
    echo "<script>"
    cat clicks.js
    echo "</script>"
} >clicked.html
timeout 120 chromium --headless --no-sandbox --disable-gpu \
    --user-data-dir="$folder/profile" --virtual-time-budget=5000 --dump-dom \
    "file://$folder/clicked.html" >dom.html 2>log
title=$(grep -o '<title>[^<]*' dom.html | cut -c8-)
holds "clicks lead from layers to components to events: $title" \
    test "$(grep -o right <<<"$title" | wc -l)" = 4
finish
