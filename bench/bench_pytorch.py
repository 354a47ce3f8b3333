# SPDX-License-Identifier: MIT
# Speed of PyTorch on one thread for the layers of bench_kernels, in float,
# with both memory formats. One JSON line each, as bench_kernels prints them.
#   bench_pytorch.py [ROUNDS]
import json
import sys
import time

import torch

LAYERS = [  # name, side, channels, out, window, groups
    ("3x3 256-256 @14", 14, 256, 256, 3, 1),
    ("3x3 64-64 @56", 56, 64, 64, 3, 1),
    ("1x1 512-512 @14", 14, 512, 512, 1, 1),
    ("1x1 16-16 @32", 32, 16, 16, 1, 1),
    ("linear 4096-4096", 1, 4096, 4096, 0, 1),
    ("depthwise 3x3 256 @14", 14, 256, 256, 3, 256),
    ("depthwise 3x3 64 @112", 112, 64, 64, 3, 64),
    ("depthwise 3x3 16 @32", 32, 16, 16, 3, 16),
]
ROUND_S = 0.005


def measure(run, x, operations):
    start, n = time.thread_time(), 0
    while True:
        run(x)
        n += 1
        seconds = time.thread_time() - start
        if seconds >= ROUND_S:
            return n * operations / seconds * 1e-9


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 25
    torch.set_num_threads(1)
    print(json.dumps({"version": "pytorch", "is": torch.__version__}))
    for name, side, channels, out, window, groups in LAYERS:
        for form in ("plain", "channels_last"):
            if window:
                layer = torch.nn.Conv2d(channels, out, window, groups=groups,
                                        padding=window // 2, bias=False)
                x = torch.rand(1, channels, side, side)
            elif form == "plain":
                layer = torch.nn.Linear(channels, out, bias=False)
                x = torch.rand(1, channels)
            else:
                continue
            if form == "channels_last":
                layer = layer.to(memory_format=torch.channels_last)
                x = x.to(memory_format=torch.channels_last)
            k = max(window, 1)
            operations = 2 * side * side * out * k * k * channels / groups
            with torch.inference_mode():
                measure(layer, x, operations)
                gops = sorted(measure(layer, x, operations)
                              for _ in range(rounds))
            print(json.dumps({
                "layer": name, "arithmetic": "float",
                "program": "pytorch" if form == "plain"
                           else "pytorch channels_last",
                "level": "best",
                "limit": "float" if window else "memory32",
                "median": round(gops[rounds // 2], 2),
                "min": round(gops[0], 2), "max": round(gops[-1], 2)}))


main()
