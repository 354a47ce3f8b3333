#!/usr/bin/env bash
# Runs all tests of a build folder and ends with "N passed, N failed"; exits 1
# when one failed. Programs report single tests through cmocka, scripts through
# lines that begin with "ok" or "not ok".
#   tests/run.sh BUILD-FOLDER
set -uo pipefail
folder=${1:?usage: tests/run.sh BUILD-FOLDER}
log=$folder/tests.log

ctest --test-dir "$folder" -j "$(nproc)" -V 2>&1 | tee "$log" | awk '
/^ *[0-9]+\/[0-9]+ Test +#[0-9]+:/ {
    match($0, /#[0-9]+/); id = substr($0, RSTART + 1, RLENGTH - 1)
    good = / Passed / ? 1 : 0
    if (!good && !failed[id]) failed[id] = 1
    printf "%-28s %4d passed", $4, passed[id]
    if (failed[id]) printf ", %d FAILED", failed[id]
    if (skipped[id]) printf ", %d skipped", skipped[id]
    printf "\n"
    fflush()
    if (!good) for (i = 0; i < lines[id]; i++) print "    " text[id, i]
    p += passed[id]; f += failed[id]; s += skipped[id]
    next
}
/^[0-9]+: / {
    id = $1; sub(":", "", id)
    line = $0; sub(/^[0-9]+: /, "", line)
    text[id, lines[id]++] = line
    if (line ~ /^\[  PASSED  \] [0-9]+ test/) passed[id] += $5
    else if (line ~ /^\[  SKIPPED \] [0-9]+ test/) skipped[id] += $5
    else if (line ~ /^skipped, needs/) why[line]
    else if (line ~ /^\[  FAILED  \] [0-9]+ test/) failed[id] += $5
    else if (line ~ /^ok( |$)/) passed[id]++
    else if (line ~ /^not ok( |$)/) failed[id]++
}
END {
    if (p + f == 0) { print "no test ran, see the log"; f = 1 }
    for (line in why) print line
    printf "%d passed, %d failed%s\n", p, f, s ? ", " s " skipped" : ""
    exit f > 0
}'
