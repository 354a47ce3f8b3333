#!/usr/bin/env bash
# Figures in README and docs/ are those of the files under results/.
cd "${SETUN_SOURCE:?}" || exit 1
scripts/update-docs.sh "${1:?the command}" --check || exit 1
echo "ok README and docs/ hold what results/ say"
