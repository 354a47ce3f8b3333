/* SPDX-License-Identifier: MIT
 *
 * A tiny network and recipe, as files in a folder of the test's own. */
#ifndef STN_TEST_TINY_H
#define STN_TEST_TINY_H

#include "test.h"

#include "base/file.h"
#include <unistd.h>

static char folder[64]; /* of this program; removed at the end */

static const char network_text[] =
    "name: tiny\n"
    "parameters: {p: 4}\n"
    "input: {height: 8, width: 8, channels: 1}\n"
    "layers:\n"
    "  - normalise: {mean: 0.5, std: 0.5}\n"
    "  - conv: {name: stem, out: p, kernel: 3, pad: 1}\n"
    "  - batch_norm: {name: norm}\n"
    "  - quantise: {name: range, bits: 8, signed: true}\n"
    "  - depthwise: {name: dw, multiplier: 2, kernel: 3, pad: 1}\n"
    "  - relu:\n"
    "  - conv: {name: pw, out: p, kernel: 1}\n"
    "  - dropout: {name: drop, rate: 0.1}\n"
    "  - linear: {name: fc, out: 3}\n";

static const char recipe_text[] =
    "id: tiny\n"
    "title: a tiny recipe\n"
    "network: tiny-network.yaml\n"
    "data: bars\n"
    "variants: [sparse, plain, round]\n"
    "epochs: 3\n"
    "batch: 16\n"
    "shards: 4\n"
    "validation: 20\n"
    "label_smoothing: 0.05\n"
    "augment: {crop_pad: 1}\n"
    "optimiser: {sgd: {lr: 0.05, weight_decay: 1e-4}}\n"
    "schedule: {cosine: {warmup: 0.1}}\n"
    "penalise_until: 0.7\n"
    "compress:\n"
    "  - {layers: \"*\", quantiser: uniform}\n"
    "  - {layers: fc, quantiser: uniform, penalty: {admm: {keep: 0.5}}}\n"
    "  - {layers: stem, quantiser: uniform, penalty: freeze}\n"
    "  - {layers: \"?w\", quantiser: sparse_binary,\n"
    "     penalty: {group_lasso: {lambda: 1e-3, clip_ratio: 0.5}}}\n"
    "  - {layers: pw, quantiser: ternary_gauss}\n"
    "when:\n"
    "  variant:\n"
    "    plain: {compress: []}\n"
    "    round:\n"
    "      compress:\n"
    "        - layers: \"[pf]*\"\n"
    "          quantiser: uniform\n"
    "          structure: {circulant: {p: 3}}\n"
    "  data+budget:\n"
    "    bars+full: {epochs: 6}\n";

static void write_text(const char *name, const char *text)
{
    char path[512];
    stn_error err;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    assert_ok(stn_file_write_atomic(path, text, strlen(text), &err), err);
}

/* Makes the folder, named after the program, and writes both files. */
static void make_folder(const char *program)
{
    stn_error err;

    snprintf(folder, sizeof(folder), "%s-%ld", program, (long)getpid());
    assert_ok(stn_make_directories(folder, &err), err);
    write_text("tiny-network.yaml", network_text);
    write_text("tiny.yaml", recipe_text);
}

static int remove_folder(void **unused)
{
    char command[128];

    (void)unused;
    snprintf(command, sizeof(command), "rm -r '%s'", folder);
    return system(command);
}

#endif
