#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Milliseconds of a training step in PyTorch: the networks of bench_train.c,
forward, loss, backward and a plain SGD update. One JSON line per network and
memory format.  usage: bench_train_pytorch.py [--network NAME] [--threads N]
[--steps N] [--format plain|channels_last]"""
import argparse
import json
import statistics
import time

import torch
from torch import nn
import torch.nn.functional as F

WARM_UP = 3


class LeNet5(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(400, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = (x / 255 - 0.1307) / 0.3081
        x = F.max_pool2d(F.relu(self.conv1(x), inplace=True), 2)
        x = F.max_pool2d(F.relu(self.conv2(x), inplace=True), 2)
        x = F.relu(self.fc1(x.flatten(1)), inplace=True)
        return self.fc3(F.relu(self.fc2(x), inplace=True))


class Block(nn.Module):
    def __init__(self, c_in, c_out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, c_out, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(c_out)
        self.conv2 = nn.Conv2d(c_out, c_out, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(c_out)
        self.shortcut = None
        if stride != 1 or c_in != c_out:
            self.shortcut = nn.Sequential(
                nn.Conv2d(c_in, c_out, 1, stride, bias=False),
                nn.BatchNorm2d(c_out))

    def forward(self, x):
        y = F.relu(self.norm1(self.conv1(x)), inplace=True)
        y = self.norm2(self.conv2(y))
        y += x if self.shortcut is None else self.shortcut(x)
        return F.relu(y, inplace=True)


class ResNet20(nn.Module):
    def __init__(self, p=16):
        super().__init__()
        self.stem = nn.Conv2d(3, p, 3, 1, 1, bias=False)
        self.norm = nn.BatchNorm2d(p)
        self.register_buffer(
            "mean", torch.tensor([0.4914, 0.4822, 0.4465]).view(1, 3, 1, 1))
        self.register_buffer(
            "std", torch.tensor([0.2470, 0.2435, 0.2616]).view(1, 3, 1, 1))
        blocks, c = [], p
        for stage in range(3):
            for i in range(3):
                c_out = p << stage
                blocks.append(Block(c, c_out, 2 if stage and not i else 1))
                c = c_out
        self.blocks = nn.Sequential(*blocks)
        self.fc = nn.Linear(c, 10)

    def forward(self, x):
        x = (x / 255 - self.mean) / self.std
        x = F.relu(self.norm(self.stem(x)), inplace=True)
        return self.fc(self.blocks(x).mean((2, 3)))


class StraightThrough(torch.autograd.Function):
    """clamp and round; the gradient passes inside the range."""

    @staticmethod
    def forward(ctx, x, lo, hi, scale):
        ctx.save_for_backward(x)
        ctx.bounds = (lo * scale, hi * scale)
        return x.div(scale).round_().clamp_(lo, hi).mul_(scale)

    @staticmethod
    def backward(ctx, dy):
        x, = ctx.saved_tensors
        lo, hi = ctx.bounds
        return dy * ((x >= lo) & (x <= hi)), None, None, None


class Quantise(nn.Module):
    def __init__(self, bits, signed=False, fixed=0.0):
        super().__init__()
        self.hi = (1 << (bits - 1 if signed else bits)) - 1
        self.lo = -self.hi if signed else 0
        self.signed, self.fixed, self.range = signed, fixed, fixed

    def forward(self, x):
        used = self.range
        if not self.fixed:
            low, high = torch.aminmax(x.detach())
            top = max(float(high), -float(low) if self.signed else 0.0)
            self.range = 0.9 * self.range + 0.1 * top if self.range else top
        if not used:
            return x
        return StraightThrough.apply(x, self.lo, self.hi, used / self.hi)


class BdBlock(nn.Module):
    def __init__(self, p, m):
        super().__init__()
        self.norm = nn.BatchNorm2d(p)
        self.dw_in = Quantise(8, True)
        self.dw = nn.Conv2d(p, m * p, 3, padding=1, groups=p, bias=False)
        self.pw_in = Quantise(8)
        self.pw = nn.Conv2d(m * p, p, 1, bias=False)
        self.out = Quantise(16, True)

    def forward(self, x):
        y = self.dw(self.dw_in(self.norm(x)))
        y = self.pw(self.pw_in(F.relu(y, inplace=True)))
        return self.out(y + x)


class BdNet(nn.Module):
    def __init__(self, p=32, m=2, d=3, full=128, channels=1):
        super().__init__()
        self.pixels = Quantise(8, True, 1.0)
        self.stem = nn.Conv2d(channels, p, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(p)
        self.stem_out = Quantise(16, True)
        self.blocks = nn.Sequential(*[BdBlock(p, m) for _ in range(d)])
        self.fc1_in = Quantise(8, True)
        self.fc1 = nn.Linear(36 * p, full)
        self.fc2_in = Quantise(8)
        self.fc2 = nn.Linear(full, 10)

    def forward(self, x):
        x = self.pixels((x / 255 - 0.5) / 0.5)
        x = F.relu(self.norm(self.stem(x)), inplace=True)
        x = F.avg_pool2d(self.blocks(self.stem_out(x)), 5, 5)
        x = F.dropout(self.fc1_in(x.flatten(1)), 0.5)
        x = self.fc2_in(F.relu(self.fc1(x), inplace=True))
        return self.fc2(F.dropout(x, 0.5))


WORKLOADS = {
    "lenet5": (LeNet5, 64, (1, 28, 28)),
    "resnet20": (ResNet20, 128, (3, 32, 32)),
    "bdnet": (BdNet, 128, (1, 32, 32)),
}


def measure(name, memory_format, steps):
    make, batch, shape = WORKLOADS[name]
    torch.manual_seed(1)
    net = make().train()
    x = torch.randint(0, 256, (batch, *shape)).float()
    if memory_format == "channels_last":
        net = net.to(memory_format=torch.channels_last)
        x = x.contiguous(memory_format=torch.channels_last)
    labels = torch.arange(batch) % 10
    sgd = torch.optim.SGD(net.parameters(), lr=0.01)
    ms = []
    for i in range(-WARM_UP, steps):
        start = time.perf_counter()
        sgd.zero_grad(set_to_none=True)
        loss = F.cross_entropy(net(x), labels)
        loss.backward()
        sgd.step()
        if i >= 0:
            ms.append(1e3 * (time.perf_counter() - start))
    return {"program": "pytorch", "network": name, "batch": batch,
            "threads": torch.get_num_threads(), "format": memory_format,
            "version": torch.__version__, "steps": steps,
            "median_ms": round(statistics.median(ms), 3),
            "min_ms": round(min(ms), 3), "max_ms": round(max(ms), 3)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--network", choices=WORKLOADS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--format", choices=["plain", "channels_last"])
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    for name in [args.network] if args.network else WORKLOADS:
        for memory_format in ([args.format] if args.format
                              else ["plain", "channels_last"]):
            print(json.dumps(measure(name, memory_format, args.steps)),
                  flush=True)


if __name__ == "__main__":
    main()
