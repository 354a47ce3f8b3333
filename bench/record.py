# SPDX-License-Identifier: MIT
# Turns the lines that the programs of bench.sh printed into
# results/bench/kernels.json and networks.json: for each row the median over
# rounds of the rounds' medians, and the extremes; and the tables that
# docs/performance.md shows.
#   record.py KERNELS.jsonl NETWORKS.jsonl FOLDER ROUNDS
import collections
import json
import os
import statistics
import sys

from machine import commit, cpu_name


def read(path):
    with open(path) as file:
        return [json.loads(line) for line in file]


def merge(lines, keys):
    """One row for each combination of `keys`, in order of appearance."""
    groups = collections.OrderedDict()
    for line in lines:
        if "median" in line:
            key = tuple(line.get(k, "") for k in keys)
            groups.setdefault(key, []).append(line)
    rows = []
    for key, group in groups.items():
        rows.append({**dict(zip(keys, key)),
                     **{k: group[-1][k] for k in group[-1]
                        if k not in ("median", "min", "max", *keys)},
                     "median": round(statistics.median(
                         g["median"] for g in group), 2),
                     "min": min(g["min"] for g in group),
                     "max": max(g["max"] for g in group)})
    return rows


def number(x):
    return f"{x:.0f}" if x >= 99.5 else f"{x:.3g}"


def spread(row):
    return f"{number(row['median'])} ({number(row['min'])} … " \
           f"{number(row['max'])})" if row else ""


def find(rows, **want):
    for row in rows:
        if all(row.get(k) == v for k, v in want.items()):
            return row
    return None


def best(*rows):
    rows = [r for r in rows if r]
    return max(rows, key=lambda r: r["median"]) if rows else None


def ratio(ours, theirs):
    return f"{ours / theirs:.2f}" if theirs else ""


def layer_table(rows, limits, level, peer_level):
    """Setun's rows of one kernel level beside the peers of the same layer."""
    table = []
    for row in rows:
        if row["program"] != "setun" or row["level"] != level or \
                row["layout"]:
            continue
        peers = [r for r in rows if r["layer"] == row["layer"] and
                 r["program"] != "setun" and r["level"] == peer_level]
        limit = limits.get((row["limit"], level),
                           limits.get((row["limit"], "")))
        passes = row.get("passes", 1)
        limit = limit / passes if limit else None
        over = f" / {passes}" if passes > 1 else ""
        onednn = find(peers, program="onednn", arithmetic="int8 x 8 bits")
        runtime = find(peers, program="onnxruntime",
                       arithmetic="int8 x 8 bits")
        fp32 = best(*[r for r in peers if r["arithmetic"] == "float"])
        top = best(onednn, runtime, fp32)
        cells = [row["layer"], row["arithmetic"], spread(row),
                 f"{number(limit)} ({row['limit'].rstrip('0123456789')}{over})"
                 if limit else "",
                 f"{100 * row['median'] / limit:.0f} %" if limit else "",
                 number(onednn["median"]) if onednn else "",
                 number(runtime["median"]) if runtime else "",
                 f"{number(fp32['median'])} {fp32['program']}" if fp32 else "",
                 ratio(row["median"], top["median"]) if top else ""]
        if level != "avx512":
            del cells[6]
        table.append(cells)
    columns = ["layer", "weights x inputs", "Setun GOP/s", "limit",
               "of limit", "oneDNN int8", "ONNX Runtime int8", "best float",
               "Setun / best peer"]
    if level != "avx512":
        del columns[6]
    return {"columns": columns, "numbers_from": 2, "rows": table}


LAYOUTS = ("multiply", "codes", "bits", "tables", "sparse", "picks")


def planner_table(rows, level):
    """Every layout that can do a layer, and the one that was chosen."""
    table = []
    for row in rows:
        if row["program"] != "setun" or row["level"] != level or \
                row["layout"]:
            continue
        ways = [find(rows, layer=row["layer"], program="setun", level=level,
                     arithmetic=row["arithmetic"], layout=w) for w in LAYOUTS]
        if sum(w is not None for w in ways) < 2:
            continue
        top = best(*ways)
        chosen = next(w for w in ways if w and w["isa"] == row["isa"])
        table.append([row["layer"], row["arithmetic"], chosen["layout"],
                      *[number(w["median"]) if w else "" for w in ways],
                      ratio(chosen["median"], top["median"])])
    return {"columns": ["layer", "weights x inputs", "chosen", *LAYOUTS,
                        "chosen / best"], "numbers_from": 3, "rows": table}


def network_table(rows, starts, level):
    table = []
    for row in rows:
        if row["program"] != "setun" or row["level"] != level or \
                row["batch"] != 1 or row["threads"] != 1:
            continue
        name = row["network"]
        mine = [r for r in rows if r["network"] == name]
        ours = [r for r in mine if r["program"] == "setun" and
                r["level"] == level]
        two = find(ours, threads=2, batch=1)
        many, many2 = (find(ours, threads=t, batch=64) for t in (1, 2))
        int8, fp32 = (find(mine, program="onnxruntime", threads=1,
                           arithmetic=a) for a in ("int8 x 8 bits", "float"))
        table.append([
            name, spread(row), number(two["median"]),
            ratio(row["median"], two["median"]), number(many["median"]),
            ratio(many["median"], many2["median"]),
            number(int8["median"]) if int8 else "",
            number(fp32["median"]) if fp32 else "",
            ratio(int8["median"], row["median"]) if int8 else "",
            ratio(fp32["median"], row["median"]) if fp32 else "",
            f"{statistics.median(starts[name]):.2f}",
            f"{row['activation_bytes'] / 1024:.0f}",
            f"{row['weight_bytes'] / 1024:.0f}"])
    return {"columns": [
        "network", "1 thread, µs", "2 threads, µs", "gain",
        "64 at once, µs each", "gain of 2 threads", "ONNX Runtime int8, µs",
        "ONNX Runtime float, µs", "faster than int8", "faster than float",
        "first result, ms", "activations, KiB", "weights, KiB"],
        "numbers_from": 1, "rows": table}


def write(path, benchmark, unit, lines, rows, tables, more, rounds):
    versions = {line["version"]: line["is"] for line in lines
                if "version" in line}
    with open(path, "w") as file:
        json.dump({"benchmark": benchmark, "unit": unit, "cpu": cpu_name(),
                   "commit": commit(), "versions": versions,
                   "command": f"make bench ROUNDS={rounds}",
                   "method": "median of the rounds' medians (minimum … "
                             "maximum); programs interleaved",
                   **more, "measurements": rows, "tables": tables}, file,
                  indent=1, ensure_ascii=False)
        file.write("\n")


def main():
    kernels, networks, folder, rounds = sys.argv[1:]
    lines = read(kernels)
    limits = {}
    for line in lines:
        if "gops" in line:
            key = (line["limit"], line["level"])
            limits[key] = max(limits.get(key, 0), line["gops"])
    rows = merge(lines, ("layer", "arithmetic", "program", "level",
                         "layout"))
    tables = {}
    for level, peers in (("avx512", "best"), ("avx2", "avx2")):
        if find(rows, program="setun", level=level):
            tables[level] = layer_table(rows, limits, level, peers)
            tables[f"planner-{level}"] = planner_table(rows, level)
    write(os.path.join(folder, "kernels.json"), "kernels", "GOP/s", lines,
          rows, tables, {"threads": 1, "limits": {
              " ".join(filter(None, k)): v for k, v in limits.items()}}, rounds)

    lines = read(networks)
    starts = collections.defaultdict(list)
    for line in lines:
        if "first_ms" in line:
            starts[line["network"]].append(line["first_ms"])
    rows = merge(lines, ("network", "program", "level", "arithmetic",
                         "threads", "batch"))
    tables = {level: network_table(rows, starts, level)
              for level in ("avx512", "avx2")
              if find(rows, program="setun", level=level)}
    write(os.path.join(folder, "networks.json"), "networks",
          "microseconds a picture", lines, rows, tables,
          {"first_ms": {k: statistics.median(v) for k, v in starts.items()}}, rounds)


if __name__ == "__main__":
    main()
