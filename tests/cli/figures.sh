#!/usr/bin/env bash
# Figures that cannot be 0: what takes room, time or charge in any circuit.
#   tests/cli/figures.sh SETUN
setun=$(realpath "$1")
source "$(dirname "$0")/check.bash"
cd "$folder" || exit 1
cp -r "${SETUN_SHARE:?the share folder}" share || exit 1
export SETUN_SHARE=$folder/share

# A file, its map (or "."), a figure and a command that reads it.
refuse() { # FILE MAP FIGURE COMMAND...
    local file=share/$1 map=$2 figure=$3
    shift 3
    local range="/^$map:/,/^[a-z]/"
    [ "$map" = . ] && range=""
    cp "$file" kept
    sed -i "$range s/\b$figure: {value: [^,]*/$figure: {value: 0/" "$file"
    if cmp -s kept "$file"; then
        report "$map.$figure is in $file" 1 "it is not"
    else
        expect 1 "$figure: got 0" "$figure of $file is not 0" "$setun" "$@"
    fi
    cp kept "$file"
}

for map in hp lstp; do
    for figure in supply_voltage junction_capacitance sidewall_capacitance \
        gate_edge_capacitance gate_capacitance on_current_n off_current_n; do
        refuse tech/ptm-45nm.yaml $map $figure array --roadmap ${map^^}
    done
done
for figure in latency energy area; do
    refuse tech/ptm-45nm.yaml current_sense $figure array
done
for figure in pitch aspect_ratio layer_distance resistivity; do
    refuse tech/ptm-45nm.yaml local_wire $figure array
done
for figure in cell_area read_power set_pulse set_energy; do
    refuse cells/reram.yaml . $figure array --cell reram
done
refuse tech/cmos-45nm.yaml events energy simulate lenet5 --on imce
refuse tech/cmos-45nm.yaml areas lane simulate lenet5 --on imce
for figure in read_energy read_latency dac_energy dac_area hold_energy \
    hold_area comparator_energy comparator_latency comparator_area tap_energy \
    tap_area encoder_latency sar_bit_energy sar_bit_latency sar_bit_area \
    capacitor_energy capacitor_area reference_energy reference_latency \
    reference_area shift_add_area; do
    refuse machines/isaac-like.yaml circuits $figure simulate lenet5 --on isaac-like
done
for figure in add_bit_area mul_bit_area register_bit_area cell_density; do
    refuse machines/pe-int8.yaml circuits $figure simulate lenet5 --on pe-int8
done
expect 0 "" "nothing is left changed" "$setun" simulate lenet5 --on isaac-like
finish
