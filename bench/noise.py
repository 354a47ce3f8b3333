# SPDX-License-Identifier: MIT
# Writes two small data sets of noise into the folder ARGV[1], so that networks
# can be made without a download: noise/ (32 x 32, colour, in CIFAR-10's form)
# and bars/ (28 x 28, grey, in MNIST's).
import os
import random
import struct
import sys

N = 64
folder = sys.argv[1]
random.seed(1)
for name in ("noise", "bars"):
    os.makedirs(os.path.join(folder, name), exist_ok=True)
for name in [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]:
    with open(os.path.join(folder, "noise", name + ".bin"), "wb") as file:
        for i in range(N):
            file.write(bytes([i % 10]) + random.randbytes(3 * 32 * 32))
for name in ("train", "t10k"):
    with open(os.path.join(folder, "bars", name + "-images-idx3-ubyte"),
              "wb") as file:
        file.write(struct.pack(">4i", 2051, 4 * N, 28, 28))
        file.write(random.randbytes(4 * N * 28 * 28))
    with open(os.path.join(folder, "bars", name + "-labels-idx1-ubyte"),
              "wb") as file:
        file.write(struct.pack(">2i", 2049, 4 * N))
        file.write(bytes(i % 10 for i in range(4 * N)))
