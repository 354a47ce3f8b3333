#!/usr/bin/env bash
# Fills the generated blocks of README.md and docs/: every pair of lines
#     <!-- begin COMMAND -->
#     <!-- end -->
# gets what COMMAND prints between them. COMMAND begins with "setun".
#   scripts/update-docs.sh SETUN [--check]   --check: change nothing, exit 1
#                                            when a block is out of date
set -euo pipefail
setun=${1:?usage: scripts/update-docs.sh SETUN [--check]}
check=${2:-}
cd "$(dirname "$0")/.."
stale=0
fresh=$(mktemp)
trap 'rm -f "$fresh"' EXIT

# What a block holds. A method whose long runs are still to come has its page.
fill() {
    local id
    if [ "$1" = table ] && [ ! -e "$2" ]; then
        id=$(basename "$2" .json)
        if [ "$2" = "results/bench/$id.json" ]; then
            printf '%s\n' "Not yet: \`make bench-$id\` writes \`$2\`."
            return
        fi
        printf '%s\n' "Not yet: \`setun reproduce $id --budget full\` writes \`$2\`."
    else
        "$setun" "$@"
    fi
}

while IFS= read -r page; do
    while IFS= read -r line; do
        case "$line" in
        '<!-- begin setun '*' -->')
            inside=1
            printf '%s\n' "$line"
            words=${line#<!-- begin setun }
            read -ra words <<<"${words% -->}"
            fill "${words[@]}"
            ;;
        '<!-- end -->')
            inside=0
            printf '%s\n' "$line"
            ;;
        *) [ "${inside:-0}" = 1 ] || printf '%s\n' "$line" ;;
        esac
    done <"$page" >"$fresh"
    cmp -s "$page" "$fresh" && continue
    if [ "$check" = --check ]; then
        echo "not ok $page is out of date: run make docs"
        stale=1
    else
        cat "$fresh" >"$page"
        echo "updated $page"
    fi
done < <(grep -rl '^<!-- begin setun ' README.md docs --include='*.md')
exit $stale
