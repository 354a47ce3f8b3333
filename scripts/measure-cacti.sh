#!/usr/bin/env bash
# Writes share/setun/references/cacti-sram.csv: what CACTI says of mats of four
# SRAM sub-arrays that work together, its smallest unit, one line each.
#   scripts/measure-cacti.sh CACTI > share/setun/references/cacti-sram.csv
# CACTI is a folder of its source (github.com/HewlettPackard/cacti) with the
# command built in it: g++ -O2 -DNTHREADS=1 -o cacti *.cc -lm -lpthread
# Parts that it prints are copied; nothing is computed but units.
set -euo pipefail
cacti=$(realpath "${1:?usage: scripts/measure-cacti.sh CACTI}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A configuration: cache.cfg of the source, with the keys below instead of its
# own. Deviations wide open: the organisation is given, nothing is sought.
configure() {
    local node=$1 roadmap=$2 rows=$3 columns=$4 per=$5
    local bits=$((4 * columns / per))
    grep -vE '^ *-(size|block size|associativity|technology|Data array|cache type|output/input|operating|Optimize|deviate|Wire|Interconnect|Add ECC|Force|Nd|Nspd)' \
        "$cacti/cache.cfg"
    cat <<END
-size (bytes) $((4 * rows * columns / 8))
-block size (bytes) $((bits / 8))
-associativity 1
-technology (u) 0.0$node
-Data array cell type - "itrs-$roadmap"
-Data array peripheral type - "itrs-$roadmap"
-cache type "ram"
-output/input bus width $bits
-operating temperature (K) 300
-Optimize ED or ED^2 (ED, ED^2, NONE): "NONE"
-deviate (delay, dynamic power, leakage power, cycle time, area) 1000000:1000000:1000000:1000000:1000000
-Wire signaling (fullswing, lowswing, default) - "Global"
-Wire inside mat - "semi-global"
-Wire outside mat - "semi-global"
-Interconnect projection - "aggressive"
-Add ECC - "false"
-Force cache config - "true"
-Ndwl 2
-Ndbl 2
-Nspd $(awk "BEGIN { print $per / 2 }")
-Ndcm $per
-Ndsam1 1
-Ndsam2 1
END
}

# The number behind the first line that begins with a text, times a factor.
figure() {
    awk -v text="$1" -v factor="$2" '
        { line = $0; sub(/^[ \t]+/, "", line) }
        index(line, text) == 1 && !found {
            n = split(line, words, /[: ]+/); found = 1
            printf ",%.6g", words[n] * factor
        }
        END { if (!found) exit 1 }' "$work/out"
}

echo "node_nm,roadmap,rows,columns,columns_per_sense_amp,mat_height_m,mat_width_m,row_decoder_latency_s,bitline_latency_s,sense_amp_latency_s,output_latency_s,read_energy_j,write_energy_j,output_energy_j,decoder_energy_j,word_line_energy_j,precharge_energy_j,bitline_energy_j,sense_amp_energy_j,leakage_w,gate_leakage_w"
for node in 90 65 45 32 22; do
    for roadmap in hp lstp; do
        for rows in 128 256 512; do
            for columns in 128 256 512; do
                for per in 2 8; do
                    configure $node $roadmap $rows $columns $per >"$work/cfg"
                    (cd "$cacti" && ./cacti -infile "$work/cfg") >"$work/out"
                    printf '%s' "$node,${roadmap^^},$rows,$columns,$per"
                    figure 'MAT Height (mm)' 1e-3
                    figure 'MAT Length (mm)' 1e-3
                    figure 'Decoder + wordline delay (ns)' 1e-9
                    figure 'Bitline delay (ns)' 1e-9
                    figure 'Sense Amplifier delay (ns)' 1e-9
                    figure 'H-tree output delay (ns)' 1e-9
                    figure 'Total dynamic read energy' 1e-9
                    figure 'Total dynamic write energy' 1e-9
                    figure 'Sub-array output driver (nJ)' 1e-9
                    figure 'Decoder (nJ)' 1e-9
                    figure 'Wordline (nJ)' 1e-9
                    figure 'Bitlines precharge' 1e-9
                    figure 'Bitlines (nJ)' 1e-9
                    figure 'Sense amplifier energy' 1e-9
                    figure 'Total leakage power of a bank' 1e-3
                    figure 'Total gate leakage power of a bank' 1e-3
                    echo
                done
            done
        done
    done
done
