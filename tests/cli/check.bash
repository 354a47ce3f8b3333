# Sourced by the scripts of this folder: checks that count themselves and
# print one line each. `finish` at the end exits 1 when one failed.
#   expect CODE TEXT NAME COMMAND...   exit code, and a part of what it prints
#   holds NAME COMMAND...              the command succeeds
n_failed=0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

report() { # NAME RESULT DETAILS
    if [ "$2" = 0 ]; then
        echo "ok $1"
    else
        echo "not ok $1"
        printf '%s\n' "$3" | sed 's/^/    /'
        n_failed=$((n_failed + 1))
    fi
}

expect() {
    local code=$1 text=$2 name=$3 output got
    shift 3
    output=$("$@" 2>&1)
    got=$?
    if [ $got != "$code" ]; then
        report "$name" 1 "exit code $got, expected $code: $output"
    elif [ -n "$text" ] && ! grep -qF -- "$text" <<<"$output"; then
        report "$name" 1 "expected '$text' in: $output"
    else
        report "$name" 0
    fi
}

holds() {
    local name=$1 output
    shift
    output=$("$@" 2>&1)
    report "$name" $? "$output"
}

finish() { exit $((n_failed > 0)); }
