// SPDX-License-Identifier: MIT
// Speed of ONNX Runtime on one thread for the layers of bench_kernels and for
// the twins of packed networks, in float and in 8 bits (QLinearConv, u8 by
// s8). Models are written here, with weights that mean nothing. A layer is
// timed as a chain of equal layers, so that the call costs little. Time is
// that of the process on its CPUs: other threads have nothing to do.
//   node bench_onnxruntime.js MODULE_FOLDER ROUNDS [INSPECT.json...]
// INSPECT.json is what `setun inspect --json` prints for a network.
'use strict';
const fs = require('fs');
const path = require('path');

// Protocol buffers: just what ONNX's ModelProto needs.
function varint(n) {
    const bytes = [];
    for (n = BigInt(n); n > 127n; n >>= 7n)
        bytes.push(Number(n & 127n) | 128);
    bytes.push(Number(n));
    return Buffer.from(bytes);
}
const number = (field, n) => Buffer.concat([varint(field * 8), varint(n)]);
function block(field, data) {
    data = Buffer.isBuffer(data) ? data : Buffer.from(data);
    return Buffer.concat([varint(field * 8 + 2), varint(data.length), data]);
}
const FLOAT = 1, U8 = 2, S8 = 3, S32 = 6;

function tensor(name, type, dims, data) {
    return Buffer.concat([...dims.map(d => number(1, d)), number(2, type),
        block(8, name), block(9, data)]);
}
function valueInfo(name, type, dims) {
    const shape = Buffer.concat(dims.map(d => block(1, number(1, d))));
    const t = Buffer.concat([number(1, type), block(2, shape)]);
    return Buffer.concat([block(1, name), block(2, block(1, t))]);
}
function attribute(name, value) {
    if (Array.isArray(value))
        return Buffer.concat([block(1, name),
            ...value.map(v => number(8, v)), number(20, 7)]);
    return Buffer.concat([block(1, name), number(3, value), number(20, 2)]);
}

// A graph as it grows; node() returns the name of its output.
class Graph {
    constructor(int8) {
        this.int8 = int8;
        this.nodes = [];
        this.initializers = [];
        this.count = 0;
        if (int8) {
            this.scale = this.constant(FLOAT, [], floats(1, () => 0.01));
            this.zero = this.constant(U8, [], Buffer.alloc(1));
            this.zero8 = this.constant(S8, [], Buffer.alloc(1));
        }
    }
    constant(type, dims, data) {
        const name = `c${this.count++}`;
        this.initializers.push(block(5, tensor(name, type, dims, data)));
        return name;
    }
    node(op, inputs, attributes = {}, domain = '') {
        const name = `v${this.count++}`;
        this.nodes.push(block(1, Buffer.concat([
            ...inputs.map(i => block(1, i)), block(2, name), block(4, op),
            ...Object.entries(attributes).map(
                ([k, v]) => block(5, attribute(k, v))),
            ...(domain ? [block(7, domain)] : [])])));
        return name;
    }
    // With bias, and in float with a ReLU, as batch-norm folds into them.
    conv(x, {out, channels, groups, window, stride, pad}) {
        const dims = [out, channels / groups, window, window];
        const n = dims.reduce((a, b) => a * b);
        const attributes = {group: groups, strides: [stride, stride],
            pads: [pad, pad, pad, pad], kernel_shape: [window, window]};
        if (!this.int8) {
            const w = this.constant(FLOAT, dims,
                floats(n, () => (Math.random() - 0.5) / Math.sqrt(n / out)));
            const b = this.constant(FLOAT, [out], floats(out, () => 0.1));
            return this.node('Relu', [this.node('Conv', [x, w, b], attributes)]);
        }
        const w = this.constant(S8, dims, bytes(n, 127));
        const b = this.constant(S32, [out], Buffer.alloc(4 * out));
        return this.node('QLinearConv', [x, this.scale, this.zero, w,
            this.scale, this.zero8, this.scale, this.zero, b], attributes);
    }
    linear(x, channels, out) {
        return this.conv(x, {out, channels, groups: 1, window: 1, stride: 1,
            pad: 0});
    }
    add(a, b) {
        if (!this.int8)
            return this.node('Relu', [this.node('Add', [a, b])]);
        return this.node('QLinearAdd', [a, this.scale, this.zero, b,
            this.scale, this.zero, this.scale, this.zero], {},
            'com.microsoft');
    }
    maxPool(x, window, stride) {
        return this.node('MaxPool', [x], {kernel_shape: [window, window],
            strides: [stride, stride]});
    }
    averagePool(x, window, stride) {
        const attributes = {kernel_shape: [window, window],
            strides: [stride, stride]};
        if (!this.int8)
            return this.node('AveragePool', [x], attributes);
        return this.node('QLinearAveragePool', [x, this.scale, this.zero,
            this.scale, this.zero], attributes, 'com.microsoft');
    }
    model(inDims, output) {
        const type = this.int8 ? U8 : FLOAT;
        const graph = Buffer.concat([...this.nodes, block(2, 'bench'),
            ...this.initializers, block(11, valueInfo('x', type, inDims)),
            block(12, Buffer.concat([block(1, output), block(2,
                block(1, number(1, type)))]))]);
        const opset = (domain, version) => block(8, Buffer.concat(
            [...(domain ? [block(1, domain)] : []), number(2, version)]));
        return Buffer.concat([number(1, 8), block(7, graph), opset('', 13),
            opset('com.microsoft', 1)]);
    }
}
function floats(n, f) {
    return Buffer.from(Float32Array.from({length: n}, f).buffer);
}
function bytes(n, top) {
    return Buffer.from(Int8Array.from({length: n},
        () => Math.floor(Math.random() * (2 * top + 1)) - top).buffer);
}

const LAYERS = [
    ['3x3 256-256 @14', 14, 256, 256, 3, 1],
    ['3x3 64-64 @56', 56, 64, 64, 3, 1],
    ['1x1 512-512 @14', 14, 512, 512, 1, 1],
    ['1x1 16-16 @32', 32, 16, 16, 1, 1],
    ['linear 4096-4096', 1, 4096, 4096, 1, 1],
    ['depthwise 3x3 256 @14', 14, 256, 256, 3, 256],
    ['depthwise 3x3 64 @112', 112, 64, 64, 3, 64],
    ['depthwise 3x3 16 @32', 32, 16, 16, 3, 16],
];
const ROUND_S = 0.02;

function cpuSeconds() {
    const u = process.cpuUsage();
    return (u.user + u.system) * 1e-6;
}
const wallSeconds = () => Number(process.hrtime.bigint()) * 1e-9;

// Seconds a run, one for each round.
async function measure(ort, model, dims, int8, rounds, threads, clock) {
    const session = await ort.InferenceSession.create(model,
        {intraOpNumThreads: threads, interOpNumThreads: 1,
            executionMode: 'sequential', graphOptimizationLevel: 'all'});
    const n = dims.reduce((a, b) => a * b);
    const data = int8 ? Uint8Array.from({length: n}, (_, i) => i % 256)
        : Float32Array.from({length: n}, (_, i) => i % 7 / 7);
    const x = new ort.Tensor(int8 ? 'uint8' : 'float32', data, dims);
    const times = [];
    for (let i = -1; i < rounds; i++) { // the first warms up
        const start = clock();
        let runs = 0, seconds;
        do {
            await session.run({x});
            runs++;
            seconds = clock() - start;
        } while (seconds < ROUND_S);
        if (i >= 0)
            times.push(seconds / runs);
    }
    await session.release();
    return times.sort((a, b) => a - b);
}

async function layers(ort, rounds) {
    for (const [name, side, channels, out, window, groups] of LAYERS)
        for (const int8 of [false, true]) {
            const operations = 2 * side * side * out * window * window *
                channels / groups;
            const lone = side === 1; // weights of one layer only, as they are
            const chain = lone ? 1 : Math.max(4, Math.min(32,
                Math.round(5e7 / operations)));
            const g = new Graph(int8);
            let x = 'x';
            for (let i = 0; i < chain; i++)
                x = g.conv(x, {out, channels, groups, window, stride: 1,
                    pad: window >> 1});
            const dims = [1, channels, side, side];
            const s = await measure(ort, g.model(dims, x), dims, int8, rounds,
                1, cpuSeconds);
            const gops = t => +(operations * chain / t * 1e-9).toFixed(2);
            console.log(JSON.stringify({layer: name,
                arithmetic: int8 ? 'int8 x 8 bits' : 'float',
                program: 'onnxruntime', level: 'best',
                limit: lone ? int8 ? 'memory8' : 'memory32'
                    : int8 ? 'bytes' : 'float',
                median: gops(s[s.length >> 1]), min: gops(s[s.length - 1]),
                max: gops(s[0])}));
        }
}

// The network that a packed one stands for: its sums, pools and additions;
// maps become the biases and ReLUs that frameworks fold.
function twin(net, int8) {
    const g = new Graph(int8), at = ['x'], shapes = [net.input];
    let last;
    for (const i of net.instructions) {
        const x = at[i.inputs[0]], [h, , c] = shapes[i.inputs[0]];
        const whole = i.op === 'conv' && i.output[0] === 1 && !i.pad;
        if (i.op === 'conv' || i.op === 'depthwise')
            last = g.conv(x, {out: i.output[2], channels: c,
                groups: i.op === 'conv' ? 1 : c,
                window: whole ? h : i.kernel_height,
                stride: whole ? 1 : i.stride, pad: i.pad});
        else if (i.op === 'max_pool')
            last = g.maxPool(x, i.kernel_height, i.stride);
        else if (i.op === 'sum_pool')
            last = g.averagePool(x, i.kernel_height, i.stride);
        else if (i.inputs.length === 2)
            last = g.add(x, at[i.inputs[1]]);
        else
            last = x;
        at[i.value] = last;
        shapes[i.value] = i.output;
    }
    const [h, w, c] = net.input;
    return [g.model([1, c, h, w], last), [1, c, h, w]];
}

async function networks(ort, rounds, files) {
    for (const file of files) {
        const net = JSON.parse(fs.readFileSync(file));
        for (const int8 of [false, true])
            for (const threads of [1, 2]) {
                const [model, dims] = twin(net, int8);
                const s = await measure(ort, model, dims, int8, rounds,
                    threads, wallSeconds);
                const us = t => +(t * 1e6).toFixed(1);
                console.log(JSON.stringify({
                    network: path.basename(file, '.json'),
                    program: 'onnxruntime',
                    arithmetic: int8 ? 'int8 x 8 bits' : 'float', threads,
                    batch: 1, median: us(s[s.length >> 1]), min: us(s[0]),
                    max: us(s[s.length - 1])}));
            }
    }
}

async function main() {
    const [folder, rounds, ...files] = process.argv.slice(2);
    const ort = require(path.resolve(folder, 'node_modules',
        'onnxruntime-node'));
    const version = require(path.resolve(folder, 'node_modules',
        'onnxruntime-node', 'package.json')).version;
    console.log(JSON.stringify({version: 'onnxruntime', is: version}));
    if (files.length)
        await networks(ort, +rounds, files);
    else
        await layers(ort, +rounds);
}
main();
