#!/usr/bin/env bash
# Measures a BSIM4 card with ngspice: the figures of share/setun/tech/ptm-*.
#   scripts/measure-card.sh CARD.pm NODE_NM VDD PN_RATIO
# CARD.pm defines the models nmos and pmos. Currents and transconductance per
# micrometre of width; gate charge, stack and FO4 at 350 K. The resistance
# factor of a file is the one with which the model's FO4 delay equals that here.
set -euo pipefail
[ $# = 4 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
card=$(realpath "$1") node=$2 vdd=$3 ratio=$4
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
out=$folder/out

calculate() { awk "BEGIN {printf \"%.6g\", $1}"; }

# simulate KELVIN < CIRCUIT: runs it with the card; what is printed is in $out.
simulate() {
    {
        echo "* circuit"
        echo ".include $card"
        echo ".temp $(calculate "$1 - 273.15")"
        cat
    } >"$folder/circuit.sp"
    # In batch mode ngspice exits 1 when all its runs are in .control.
    (cd "$folder" && ngspice -b circuit.sp >"$out" 2>&1) || true
}

# value NAME: the magnitude of "NAME = x" in $out.
value() {
    awk -v name="$1" '
        tolower($1) == name && $2 == "=" { x = $3 < 0 ? -$3 : $3 }
        END { if (x == "") exit 1; print x }' "$out"
}

# One NMOS and one PMOS, 1 um wide, on and off.
for kelvin in 300 350; do
    simulate $kelvin <<DECK
vd d 0 $vdd
vn1 d n1 0
mn1 n1 d 0 0 nmos w=1u l=${node}n
vn0 d n0 0
mn0 n0 0 0 0 nmos w=1u l=${node}n
vp1 p1 0 0
mp1 p1 0 d d pmos w=1u l=${node}n
vp0 p0 0 0
mp0 p0 d d d pmos w=1u l=${node}n
.control
op
print i(vn1) i(vn0) i(vp1) i(vp0)
.endc
.end
DECK
    for name in vn1:on_n vp1:on_p vn0:off_n vp0:off_p; do
        echo "$kelvin K ${name#*:} $(calculate "1e6 * $(value "i(${name%:*})")") uA/um"
    done
done

for kind in nmos pmos; do
    sign=$([ $kind = nmos ] && echo "" || echo -)
    simulate 300 <<DECK
vd d 0 $sign$vdd
vg g 0 0
m d g 0 0 $kind w=1u l=${node}n
.control
dc vg 0 $sign$vdd $sign$(calculate "$vdd / 200")
let gm = abs(deriv(i(vd)))
meas dc largest max gm
.endc
.end
DECK
    echo "300 K transconductance $kind $(calculate "1e3 * $(value largest)") mS/um"
done

# Charge of a gate from 0 to Vdd with source and drain grounded; an access
# transistor above a pull-down 1.6 times as wide, the line 40 mV below Vdd.
simulate 350 <<DECK
vg g 0 pwl(0 0 1n 0 2n $vdd 3n $vdd)
mn 0 g 0 0 nmos w=1u l=${node}n
vb b 0 $(calculate "$vdd - 0.04")
vw w 0 $vdd
ma b w x 0 nmos w=1u l=${node}n
mb x w 0 0 nmos w=1.6u l=${node}n
.control
tran 2p 3n
meas tran charge integ i(vg) from=1n to=2n
meas tran current avg i(vb) from=2.5n to=3n
.endc
.end
DECK
echo "350 K gate $(calculate "1e15 * $(value charge) / $vdd") fF/um"
echo "350 K stack $(calculate "1e6 * $(value current)") uA"

# inverter IN OUT COUNT: 10 F wide, drains of 2.5 F.
inverter() {
    local kind rail width
    for kind in nmos pmos; do
        rail=$([ $kind = nmos ] && echo 0 || echo d)
        width=$(calculate "10e-9 * $node * ($([ $kind = nmos ] && echo 1 || echo "$ratio"))")
        echo "m$kind$1$2 $2 $1 $rail $rail $kind w=$width l=${node}n m=$3" \
            "ad=$(calculate "2.5e-9 * $node * $width")" \
            "as=$(calculate "2.5e-9 * $node * $width")" \
            "pd=$(calculate "5e-9 * $node + $width")" \
            "ps=$(calculate "5e-9 * $node + $width")"
    done
}

# A chain whose inverters drive four each; slow cards need the longer window.
window=$(calculate "$node * 12e-12 * ($(value current) < 4e-4 ? 5 : 1)")
{
    echo "vd d 0 $vdd"
    echo "vi n0 0 pwl(0 0 $(calculate "$window / 20") 0 $(calculate "$window / 15") $vdd)"
    for i in 0 1 2 3 4 5; do
        inverter "n$i" "n$((i + 1))" 1
        inverter "n$((i + 1))" "o$i" 3
    done
    cat <<DECK
.options method=gear reltol=2e-3
.control
tran $(calculate "$window / 500") $window
meas tran two trig v(n3) val=$(calculate "$vdd / 2") cross=1 targ v(n5) val=$(calculate "$vdd / 2") cross=1
.endc
.end
DECK
} | simulate 350
echo "350 K FO4 $(calculate "0.5e12 * $(value two)") ps"
