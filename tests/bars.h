/* SPDX-License-Identifier: MIT
 *
 * A made-up data set for runs of the tiny network: bright bars at a place
 * that tells the class. Small enough to train in a blink. */
#ifndef STN_TEST_BARS_H
#define STN_TEST_BARS_H

#include "tiny.h"

#include "base/memory.h"
#include "base/rng.h"
#include "setun/train.h"

enum { SIDE = 8, CLASSES = 3, N_TRAIN = 203, N_TEST = 50 };

static void put_u32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* Row `label * 2 + 1` is bright, everything is noisy. */
static void write_split(const char *prefix, uint32_t n, uint64_t counter)
{
    static uint8_t pixels[16 + N_TRAIN * SIDE * SIDE], labels[8 + N_TRAIN];
    stn_rng rng = stn_rng_make(3, STN_RNG_TEST, counter);
    char path[512];
    stn_error err;

    put_u32(pixels, 0x803);
    put_u32(pixels + 4, n);
    put_u32(pixels + 8, SIDE);
    put_u32(pixels + 12, SIDE);
    put_u32(labels, 0x801);
    put_u32(labels + 4, n);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t label = i % CLASSES;
        labels[8 + i] = (uint8_t)label;
        for (uint32_t k = 0; k < SIDE * SIDE; k++) {
            uint32_t bright = k / SIDE == 2 * label + 1 ? 120 : 0;
            pixels[16 + i * SIDE * SIDE + k] =
                (uint8_t)(bright + stn_rng_below(&rng, 100));
        }
    }
    snprintf(path, sizeof(path), "%s/bars/%s-images-idx3-ubyte", folder,
             prefix);
    assert_ok(stn_file_write_atomic(path, pixels, 16 + n * SIDE * SIDE, &err),
              err);
    snprintf(path, sizeof(path), "%s/bars/%s-labels-idx1-ubyte", folder,
             prefix);
    assert_ok(stn_file_write_atomic(path, labels, 8 + n, &err), err);
}

/* Makes the folder of the program with recipe, network and data. */
static void make_bars(const char *program)
{
    char bars[300];
    stn_error err;

    make_folder(program);
    snprintf(bars, sizeof(bars), "%s/bars", folder);
    assert_ok(stn_make_directories(bars, &err), err);
    write_split("train", N_TRAIN, 1);
    write_split("t10k", N_TEST, 2);
}

/* Paths live in the struct, since the options only point at them. */
struct job {
    stn_train_options options;
    char recipe[512], data[512], out[512];
};

static struct job *make_job(struct job *job, const char *run)
{
    snprintf(job->recipe, sizeof(job->recipe), "%s/tiny.yaml", folder);
    snprintf(job->data, sizeof(job->data), "%s/bars", folder);
    snprintf(job->out, sizeof(job->out), "%s/%s", folder, run);
    job->options = stn_train_defaults();
    job->options.recipe = job->recipe;
    job->options.data = job->data;
    job->options.out = job->out;
    job->options.threads = 1;
    return job;
}

static void read_file(const char *run, const char *name, uint8_t **bytes,
                      size_t *size)
{
    char path[1024];
    stn_error err;

    snprintf(path, sizeof(path), "%s/%s/%s", folder, run, name);
    assert_ok(stn_file_read(path, bytes, size, &err), err);
}

static void assert_same_checkpoint(const char *run_a, const char *run_b)
{
    uint8_t *a, *b;
    size_t size_a, size_b;

    read_file(run_a, "checkpoint.safetensors", &a, &size_a);
    read_file(run_b, "checkpoint.safetensors", &b, &size_b);
    assert_int_equal(size_a, size_b);
    assert_memory_equal(a, b, size_a);
    stn_free(a);
    stn_free(b);
}

#endif
