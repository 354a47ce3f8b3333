/* SPDX-License-Identifier: MIT
 *
 * The kernel seam: contracts of the inner loops. The scalar versions in ref/
 * are the definition; a fast version is one file <arch>/<op>_<isa>.c and one
 * assignment in dispatch.c, and must give equal bits (tests/test_kernels.c
 * runs every level on edge sizes with guard pages).
 *
 * Each kernel comes with a `prepare`, called once when an engine is made: it
 * lays weights or multipliers out as the level likes them, in memory of the
 * caller's arena. What it returns is private to the level. The kernels proper
 * never allocate, touch no byte outside what their contract names, and may be
 * called from several threads on disjoint outputs. Sums are exact: a program
 * is only accepted when every one of its sums fits 32 bits, so that wrapping
 * 32-bit arithmetic in any order is exact too. */
#ifndef STN_KERNELS_KERNELS_H
#define STN_KERNELS_KERNELS_H

#include "base/memory.h"
#include "setun/engine.h"
#include <stdbool.h>

/* y = clamp((x0 * m0 + x1 * m1 + a) >> shift, lo, hi), per channel. */
typedef struct stn_rescale_shape {
    int channels;
    stn_type type0, type1, type; /* of x0, x1, y */
    int64_t lo0, hi0, lo1, hi1;  /* proven ranges of the inputs */
    const int32_t *m0, *m1;      /* m1 NULL: one input */
    const int64_t *a;
    int shift;
    int32_t lo, hi;
} stn_rescale_shape;

/* What becomes of sums: they are stored, or go through a map first, so that
 * they never reach memory. Where `prepare` cannot do so it leaves
 * stn_prepared.maps false, and calls store sums. */
typedef struct stn_ending {
    const stn_rescale_shape *map; /* NULL: none */
    bool second;                  /* the sums are its x1, not its x0 */
} stn_ending;

/* How a level may lay a dot out. AUTO lets its planner choose what its cost
 * model finds fastest, which is what engines ask for; tests and measurements
 * ask for one, and get AUTO where that cannot do the shape. */
typedef enum stn_dot_layout {
    STN_LAYOUT_AUTO,
    STN_LAYOUT_MULTIPLY, /* multiply-add, zeros skipped by block of filters */
    STN_LAYOUT_CODES,    /* multiply-add of packed codes by a lone patch */
    STN_LAYOUT_BITS,     /* planes of bits, ones are counted */
    STN_LAYOUT_TABLES,   /* sums are looked up */
    STN_LAYOUT_SPARSE,   /* zeros skipped by filter */
    STN_LAYOUT_PICKS,    /* few weights of every 16, of a lone patch */
    STN_LAYOUTS
} stn_dot_layout;

/* Patch-by-filter products. A patch is `runs` runs of `run` contiguous
 * elements, their starts `pitch` elements apart: the rows of a window in a
 * padded picture, so that a convolution needs no copy of every window. */
typedef struct stn_dot_shape {
    int runs, run;  /* products a sum: runs * run */
    size_t pitch;   /* elements; at least `run` when runs > 1 */
    int out;        /* filters */
    stn_type input; /* U8, S8 or S16 */
    int64_t lo, hi; /* proven range of the input, within its type */
    /* Patches start, and runs follow, at multiples of so many elements; 0 is
     * read as 1. Bit planes need 8. */
    int align;
    int patches; /* most patches of a call; 0: unknown */
    size_t band; /* bytes from the first patch's start to the last's end, at
                    most; 0: unknown */
    stn_dot_layout layout;
    stn_ending ending;
} stn_dot_shape;

typedef struct stn_dot_call {
    const stn_dot_shape *shape; /* as it was prepared */
    const void *prepared;
    /* Patch p starts `patches[p]` bytes after `x`, any alignment, in ascending
     * order. All from the first's start to the last's end is readable, and
     * each run for max(run * element size, 4) bytes. */
    const void *x;
    const uint32_t *patches;
    int n; /* patches, >= 0 */
    /* Parts [part, part_end) of those that were prepared: each writes its own
     * filters. Calls on different parts may run at once, each with its own
     * scratch. */
    int part, part_end;
    void *scratch; /* of the prepared size, aligned as stn_alloc's */
    /* acc[p * out + o] = sum of w[o][run][element] * x, patch p; or, where the
     * map was prepared, y[p * out + o] = map of that and of other[p * out + o]
     * (read when the map has two inputs). */
    int32_t *acc;
    const void *other;
    void *y;
} stn_dot_call;

/* Weights of a dot that are circulant (stn_layout): at each of the positions
 * of `in` elements that a patch consists of, the plane of filters x elements
 * is cut into p x p blocks, which the first column of each gives. */
typedef struct stn_circulant_blocks {
    int p, in; /* in divides runs * run; 1 <= p <= in and filters */
} stn_circulant_blocks;

/* Window sums of one channel each, one row of outputs. */
typedef struct stn_depthwise_shape {
    int channels, out; /* out is a multiple of channels */
    int kh, kw, stride;
    stn_type input; /* U8, S8 or S16 */
    int64_t lo, hi; /* proven range of the input */
    stn_ending ending;
} stn_depthwise_shape;

typedef struct stn_depthwise_call {
    const stn_depthwise_shape *shape;
    const void *prepared;
    /* (kh - 1) rows follow the one at x, `pitch` elements apart; each has
     * (width - 1) * stride + kw pixels of `channels`. */
    const void *x;
    size_t pitch;
    int width; /* output pixels, >= 0 */
    /* acc[q * out + o] = sum i, j of w[o][i][j] *
     *                    x[i][q * stride + j][o mod channels]
     * or y[q * out + o], as in stn_dot_call. */
    int32_t *acc;
    const void *other;
    void *y;
} stn_depthwise_call;

typedef struct stn_rescale_call {
    const stn_rescale_shape *shape;
    const void *prepared;
    const void *x0, *x1; /* n positions of `channels` each */
    int n;
    void *y; /* may be x0 or x1 when the types have equal sizes */
} stn_rescale_call;

/* Window maxima or sums per channel, one row of outputs. */
typedef struct stn_pool_call {
    /* (kh - 1) rows follow the one at x, `pitch` elements apart; each has
     * (width - 1) * stride + kw pixels of `channels`. */
    const void *x;
    size_t pitch;
    stn_type input;
    int channels, kh, kw, stride, width;
    void *y; /* width * channels: of the input's type, or int32 sums */
} stn_pool_call;

/* One time step of n leaky integrate-and-fire neurons:
 *     u = (u * leak >> 8) + x;  y = u > threshold, and then u = 0
 * |u| < 2^23 and leak <= 256, as the check of a program proves. */
typedef struct stn_lif_call {
    const int16_t *x;
    int32_t *u; /* membranes, read and written; 0 before a picture */
    uint8_t *y; /* 0 or 1 */
    size_t n;
    int leak, threshold;
} stn_lif_call;

/* Spikes of n pixels: y[i] = x[i] > stn_spike_threshold(0, first + i). */
typedef struct stn_rate_code_call {
    const uint8_t *x;
    uint8_t *y;
    size_t n;
    uint32_t first;
} stn_rate_code_call;

/* Prepared data: size for reports, and the name of what was chosen
 * ("avx2"; "ref" where a level has nothing faster for this shape). */
typedef struct stn_prepared {
    const void *data;
    size_t size_bytes;
    const char *isa;
    bool maps;             /* the shape's ending is part of the calls */
    int parts;             /* of a dot, at least 1 */
    stn_dot_layout layout; /* of a dot: what was chosen; AUTO: the only one */
    size_t scratch_bytes;  /* that a call of dot needs */
} stn_prepared;

/* `prepare` functions return STN_E_MEMORY or STN_OK and take codes in the
 * order filter, run, element (depthwise: filter, kh, kw). Shapes are
 * borrowed until the last call. */
typedef struct stn_kernels {
    stn_cpu_level level;
    const char *plain; /* what kernels without a `prepare` are compiled for */

    stn_status (*dot_prepare)(const stn_dot_shape *shape, const int8_t *codes,
                              stn_arena *arena, stn_prepared *out,
                              stn_error *err);
    void (*dot)(const stn_dot_call *call);

    /* The same sums for circulant weights, of which `codes` has all. Whether
     * that is faster than `dot`; and in place of the two above. Only sums are
     * made, in one part; prepared->data is NULL where floating-point numbers
     * would not do for exact sums, and is to be made by dot_prepare then. */
    bool (*circulant_pays)(const stn_dot_shape *shape,
                           stn_circulant_blocks blocks);
    stn_status (*circulant_prepare)(const stn_dot_shape *shape,
                                    stn_circulant_blocks blocks,
                                    const int8_t *codes, stn_arena *arena,
                                    stn_prepared *out, stn_error *err);
    void (*circulant)(const stn_dot_call *call);

    stn_status (*depthwise_prepare)(const stn_depthwise_shape *shape,
                                    const int8_t *codes, stn_arena *arena,
                                    stn_prepared *out, stn_error *err);
    void (*depthwise)(const stn_depthwise_call *call);

    stn_status (*rescale_prepare)(const stn_rescale_shape *shape,
                                  stn_arena *arena, stn_prepared *out,
                                  stn_error *err);
    void (*rescale)(const stn_rescale_call *call);

    void (*max_pool)(const stn_pool_call *call);
    void (*sum_pool)(const stn_pool_call *call);

    void (*lif)(const stn_lif_call *call);
    void (*rate_code)(const stn_rate_code_call *call);
} stn_kernels;

/* The table of a level; NULL above what this CPU has. */
const stn_kernels *stn_kernels_get(stn_cpu_level level);

#endif
