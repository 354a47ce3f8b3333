# SPDX-License-Identifier: MIT
# Turns the lines that run.sh gathered into results/bench/by-hand.json and its
# tables. Where a peer's figure holds the way back to 8 bits or 1 bit, the time
# of our rescaling is added to ours.
#   record.py LINES ROUNDS OUT NOTE VERSION=IS...
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import record  # noqa: E402
from machine import commit, cpu_name  # noqa: E402

# Of ours beside a peer's arithmetic that we have no like of.
OURS = {"float": "int8 x 8 bits", "4 bits x 8 bits": "int8 x 8 bits"}


def operations_an_output(layer):
    if layer.startswith("depthwise"):
        return 2 * 9
    window, channels = re.match(r"(\dx\d|linear) (\d+)", layer).groups()
    return 2 * int(channels) * (9 if window == "3x3" else 1)


def ours(rows, row, level):
    """Ours for a peer's row: GOP/s median, least, most; None without one."""
    arithmetic = re.sub(r" \(.*", "", row["arithmetic"])
    arithmetic = OURS.get(arithmetic, arithmetic)
    mine = record.find(rows, program="setun", level=level, layout="",
                       layer=row["layer"], arithmetic=arithmetic)
    if not mine or row["program"] not in ("ncnn", "darknet") or \
            row["layer"].startswith("linear"):
        return mine
    bit = arithmetic == "binary x 1 bit"
    rescale = record.find(rows, program="setun", level=level,
                          layer="rescale 256 @14",
                          arithmetic="s32 to 1 bit" if bit
                          else "s32 to 8 bits")
    work = operations_an_output(row["layer"])
    return {k: 1 / (1 / mine[k] + 1 / (work * rescale[k]))
            for k in ("median", "min", "max")}


def table(rows, level):
    lines = []
    for row in rows:
        if row["program"] == "setun":
            continue
        better = record.find(rows, **{k: row[k] for k in (
            "layer", "arithmetic", "program")}, level=level)
        if row["level"] != level and (level == "avx2" or better):
            continue
        mine = ours(rows, row, level)
        if not mine:
            continue
        name = row["program"] + ("" if row["level"] == level
                                 else " (AVX2 only)")
        lines.append([row["layer"], row["arithmetic"], name,
                      record.spread(row), record.spread(mine),
                      record.ratio(mine["median"], row["median"]),
                      "Setun" if mine["median"] > row["median"]
                      else row["program"]])
    return {"columns": ["layer", "weights x inputs", "peer", "peer GOP/s",
                        "Setun GOP/s", "Setun / peer", "faster"],
            "numbers_from": 3, "rows": lines}


def main():
    path, rounds, out, note, *versions = sys.argv[1:]
    rows = [{"layout": "", **r} for r in record.merge(
        [line for line in record.read(path) if not line.get("layout")],
        ("layer", "arithmetic", "program", "level"))]
    with open(out, "w") as file:
        json.dump({"benchmark": "peers measured by hand", "unit": "GOP/s",
                   "cpu": cpu_name(), "threads": 1,
                   "commit": commit(),
                   "versions": {k: v[:10] for k, v in (
                       text.split("=", 1) for text in versions)},
                   "command": "bench/by-hand/run.sh build PEERS " + rounds +
                              (f" ({note})" if note else ""),
                   "method": "median of the rounds' medians (minimum … "
                             "maximum), CPU time; programs interleaved",
                   "measurements": rows,
                   "tables": {level: table(rows, level)
                              for level in ("avx512", "avx2")}},
                  file, indent=1, ensure_ascii=False)
        file.write("\n")


main()
