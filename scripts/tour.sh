#!/usr/bin/env bash
# Runs the commands of docs/tour.md ("$ …" in its console blocks) in a fresh
# folder and puts what they print below them. Training takes minutes; a RUN
# that has finished (bdnet, wpc, Fashion-MNIST, full) saves them.
#   scripts/tour.sh [SETUN [RUN]]
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
program=$(realpath "${1:-$root/build/setun}")
page=$root/docs/tour.md
folder=$(mktemp -d)
[ $# -lt 2 ] || cp -r "$2" "$folder/wpc"
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/bin"
ln -s "$program" "$folder/bin/setun"
export PATH=$folder/bin:$PATH
cd "$folder"

inside=0
while IFS= read -r line; do
    if [[ $line == '```console' ]]; then
        inside=1
    elif [[ $line == '```' && $inside == 1 ]]; then
        inside=0
    elif [[ $inside == 1 && $line == '$ '* ]]; then
        printf '%s\n' "$line"
        bash -c "${line#\$ }" 2>&1
        continue
    elif [[ $inside == 1 ]]; then
        continue # what was printed last time
    fi
    printf '%s\n' "$line"
done <"$page" >tour.md
cp tour.md "$page"
