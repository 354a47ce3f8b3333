#!/usr/bin/env bash
# Installs the Debian packages that a group of targets needs and that are
# missing; with sudo where the caller is not root. Does nothing, and asks the
# network for nothing, when all are there. A command of a package's name will
# do instead: NodeSource's nodejs brings npm, and conflicts with Debian's.
#   scripts/dependencies.sh GROUP...      groups: build test demo bench
set -euo pipefail

build="gcc libc6-dev make cmake pkg-config libdnnl-dev libyaml-dev libpng-dev
libjpeg62-turbo-dev zlib1g-dev libkissfft-dev libjs-chart.js"
test="libcmocka-dev dataset-fashion-mnist"
demo="dataset-fashion-mnist"
bench="python3-torch python3-numpy libopenblas0-pthread nodejs npm"

wanted=()
for group in "$@"; do
    case "$group" in
    build | test | demo | bench) read -ra more <<<"$(tr '\n' ' ' <<<"${!group}")" ;;
    *)
        echo "dependencies: unknown group '$group': build test demo bench" >&2
        exit 2
        ;;
    esac
    wanted+=("${more[@]}")
done

if ! command -v dpkg-query >/dev/null; then
    echo "dependencies: not a Debian system; make sure these are installed:" >&2
    printf '  %s\n' "${wanted[@]}" >&2
    exit 0
fi

missing=()
for package in "${wanted[@]}"; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || command -v "$package" >/dev/null ||
        missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "dependencies: need root or sudo to install: ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi
echo "Installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
