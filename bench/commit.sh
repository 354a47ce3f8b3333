#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Prints the commit that is measured, with -dirty where tracked files differ
# from it. Results do not count: one bench writes them before the next runs.
# usage: bench/commit.sh
set -euo pipefail
root=$(dirname "$(dirname "$(realpath "$0")")")
commit=$(git -C "$root" rev-parse --short HEAD)
[ -z "$(git -C "$root" status --porcelain -uno -- . ':!results')" ] ||
    commit=$commit-dirty
echo "$commit"
