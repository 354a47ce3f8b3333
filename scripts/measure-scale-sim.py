#!/usr/bin/env python3
"""Writes share/setun/references/scale-sim.csv: cycles that SCALE-Sim v2 takes
for layers of ResNet-18 and AlexNet on an array of 32 x 32 elements.

    scripts/measure-scale-sim.py SCALESIM > share/setun/references/scale-sim.csv

SCALESIM is a folder of its source (github.com/scalesim-project/scale-sim-v2);
needs Debian's python3-numpy, python3-pandas and python3-tqdm. A layer is the
product of its positions x window and window x filters matrices, which is how
SCALE-Sim sees it; cycles are the rows of results that it makes, memory being
no limit."""
import importlib
import sys

import numpy

SIZE = 32
# network, layer, blocks, positions, window, filters; of layers that are alike
# the first. A grouped convolution is as many products as it has groups.
LAYERS = [
    ("resnet18", "stem", 1, 112 * 112, 7 * 7 * 3, 64),
    ("resnet18", "block0.conv1", 1, 56 * 56, 3 * 3 * 64, 64),
    ("resnet18", "stage0.conv1", 1, 28 * 28, 3 * 3 * 64, 128),
    ("resnet18", "stage0.conv2", 1, 28 * 28, 3 * 3 * 128, 128),
    ("resnet18", "stage0.shortcut", 1, 28 * 28, 64, 128),
    ("resnet18", "stage1.conv1", 1, 14 * 14, 3 * 3 * 128, 256),
    ("resnet18", "stage1.conv2", 1, 14 * 14, 3 * 3 * 256, 256),
    ("resnet18", "stage1.shortcut", 1, 14 * 14, 128, 256),
    ("resnet18", "stage2.conv1", 1, 7 * 7, 3 * 3 * 256, 512),
    ("resnet18", "stage2.conv2", 1, 7 * 7, 3 * 3 * 512, 512),
    ("resnet18", "stage2.shortcut", 1, 7 * 7, 256, 512),
    ("resnet18", "fc", 1, 1, 512, 1000),
    ("alexnet", "conv1", 1, 55 * 55, 11 * 11 * 3, 96),
    ("alexnet", "conv2", 2, 27 * 27, 5 * 5 * 48, 128),
    ("alexnet", "conv3", 1, 13 * 13, 3 * 3 * 256, 384),
    ("alexnet", "conv4", 2, 13 * 13, 3 * 3 * 192, 192),
    ("alexnet", "conv5", 2, 13 * 13, 3 * 3 * 192, 128),
    ("alexnet", "fc6", 1, 1, 6 * 6 * 256, 4096),
    ("alexnet", "fc7", 1, 1, 4096, 4096),
    ("alexnet", "fc8", 1, 1, 4096, 1000),
]


def cycles(flow, positions, window, filters):
    module = importlib.import_module("scalesim.compute.systolic_compute_" + flow)
    config = importlib.import_module("scalesim.scale_config").scale_config()
    config.array_rows = config.array_cols = SIZE
    config.valid_conf_flag = True
    compute = getattr(module, "systolic_compute_" + flow)()
    compute.set_params(
        config_obj=config,
        ifmap_op_mat=numpy.zeros((positions, window), numpy.float32),
        filter_op_mat=numpy.zeros((window, filters), numpy.float32),
        ofmap_op_mat=numpy.zeros((positions, filters), numpy.float32),
    )
    compute.create_ofmap_demand_mat()
    return compute.ofmap_demand_matrix.shape[0]


def main():
    sys.path.insert(0, sys.argv[1])
    print("network,layer,rows,columns,flow,cycles")
    for network, layer, blocks, *shape in LAYERS:
        for flow, name in (("os", "output"), ("ws", "weight")):
            n = blocks * cycles(flow, *shape)
            print(f"{network},{layer},{SIZE},{SIZE},{name},{n}", flush=True)


main()
