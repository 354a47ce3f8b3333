#!/usr/bin/env bash
# A folder of src/ includes only headers of folders it may see.
cd "${SETUN_SOURCE:?}" || exit 1
failed=0
allow() {
    folder=$1
    shift
    bad=$(grep -rhoE '^#include "[a-z_]+/' "src/$folder" --include='*.[ch]' |
        sed 's/#include "//; s/\///' | sort -u |
        grep -vxE "setun|$folder$(printf '|%s' "$@")")
    if [ -z "$bad" ]; then
        echo "ok $folder includes only: setun $*"
    else
        echo "not ok $folder includes $(echo "$bad" | tr '\n' ' ')"
        failed=1
    fi
}
allow base
allow tensor base
allow io base
allow kernels base
allow nn base tensor
allow compress base nn
allow train base tensor nn compress io
allow pack base nn compress train io
allow run base kernels pack
allow memory base
allow accel base memory pack nn train
allow report base tensor nn compress train pack run memory accel io
allow cli
exit $failed
