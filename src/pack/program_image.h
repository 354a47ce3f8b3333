/* SPDX-License-Identifier: MIT
 *
 * A program with the memory it points into: what the reader and the packer
 * fill. Part of libsetun-rt. */
#ifndef STN_PACK_PROGRAM_IMAGE_H
#define STN_PACK_PROGRAM_IMAGE_H

#include "base/memory.h"
#include "base/safetensors.h"
#include "setun/program.h"

/* Limits that keep every size and bound inside 64 bits, and a hostile file
 * from asking for more memory than a network of this kind can need. */
#define STN_PROGRAM_DIM (1 << 16)      /* any height, width, channels, … */
#define STN_PROGRAM_ELEMENTS (1 << 28) /* of a value */
#define STN_PROGRAM_WEIGHTS (1 << 28)  /* of all instructions together */
#define STN_PROGRAM_INSTRUCTIONS 4096
#define STN_PROGRAM_MULTIPLIER (1 << 24)        /* |m| of a rescale */
#define STN_PROGRAM_CONSTANT ((int64_t)1 << 60) /* |a| of a rescale */
#define STN_PROGRAM_SHIFT 40
#define STN_PROGRAM_STEPS 255       /* of time */
#define STN_PROGRAM_THRESHOLD 32767 /* of a lif */
#define STN_LIF_THRESHOLD 2048      /* of a neuron, as it is packed */

/* `program` comes first: its address is the image's. */
typedef struct stn_program_image {
    stn_program program;
    /* Of several widths: those below the last, which owns them; and the last
     * one, NULL in itself. */
    struct stn_program_image *narrower[STN_PROGRAM_WIDTHS];
    struct stn_program_image *widest;
    double widths[STN_PROGRAM_WIDTHS];
    stn_value *values; /* what program.values points to, writable */
    stn_instruction *instructions;
    stn_arena arena;   /* owns all of it, and decoded weights */
    stn_st_file *file; /* NULL for a program made in memory */
} stn_program_image;

/* Checks everything that docs/semantics.md demands of a program whose fields
 * are filled in, and fills in what follows from them: lo and hi of every
 * value, groups and counts of weights, peak_bytes. Pointers must be valid
 * (codes: out * kh * kw * in; m0, m1, a: channels of the output); nothing
 * else is believed. `where` starts error texts. */
stn_status stn_program_check(stn_program_image *image, const char *where,
                             stn_error *err);

/* The parts of it that look at one instruction: sizes, and then ranges. */
stn_status stn_program_check_shapes(const stn_program_image *image, int index,
                                    const char *where, stn_error *err);
stn_status stn_program_bound(stn_program_image *image, int index,
                             const char *where, stn_error *err);

/* program_widths.c. Makes programs of n - 1 narrower widths, ascending, part
 * of `widest`, to which they then belong, also on failure: they must take the
 * same pictures, give the same classes, and their weights be leading channels
 * of those of the widest's instructions of the same name. `widths` are n, the
 * last 1. */
stn_status stn_program_join(stn_program_image *widest,
                            stn_program_image *const *narrower,
                            const double *widths, int n, const char *where,
                            stn_error *err);
/* The instruction of `widest` that holds the weights of `in`, of which those
 * of `in` can be a leading part by shape and levels; NULL with an error. */
const stn_instruction *stn_program_find_whole(const stn_program *widest,
                                              const stn_instruction *in,
                                              const char *where,
                                              stn_error *err);
/* That part: codes in `to`, room for stn_weights_count(part). */
void stn_weights_take_leading(const stn_weights *whole, const stn_weights *part,
                              int8_t *to);
/* program_time.c: the same of instructions that stn_opcode_is_time. */
stn_status stn_program_check_time(const stn_instruction *in, const stn_value *x,
                                  const stn_value *y, const char *where,
                                  stn_error *err);
stn_status stn_program_bound_time(const stn_instruction *in, const stn_value *x,
                                  stn_value *y, const char *where,
                                  stn_error *err);
/* Range expected of sums whose weights are an outline: half of the nonzero
 * weights are positive, each is of the mean magnitude, and all inputs are at an
 * end of x.lo … x.hi or in the 0 of padding. */
void stn_outline_bound(const stn_weights *w, const stn_value *x, int64_t *lo,
                       int64_t *hi);
/* Time steps of an instruction's output. */
int stn_program_steps(const stn_instruction *in, const stn_value *x);

/* Names in the order of their enums, ended by NULL. */
extern const char *const stn_opcode_names[], *const stn_code_names[],
                                                 *const stn_type_names[];

/* Range of a type. */
int64_t stn_type_min(stn_type type);
int64_t stn_type_max(stn_type type);

/* out * kh * kw * in; only for weights that fit. */
static inline size_t stn_weights_count(const stn_weights *w)
{
    return (size_t)w->out * (size_t)w->kh * (size_t)w->kw * (size_t)w->in;
}

/* Codes that are not 0. */
static inline size_t stn_count_nonzero(const int8_t *codes, size_t n)
{
    size_t count = 0;
    while (n > 0) { /* counts of bytes vectorise without widening */
        size_t block = n < UINT8_MAX ? n : UINT8_MAX;
        uint8_t some = 0;
        for (size_t k = 0; k < block; k++)
            some = (uint8_t)(some + (codes[k] != 0));
        count += some;
        codes += block;
        n -= block;
    }
    return count;
}

/* Whether sizes, each from 1 to STN_PROGRAM_DIM, multiply to no more than
 * STN_PROGRAM_WEIGHTS. */
static inline bool stn_weights_fit(const stn_weights *w)
{
    uint64_t filter = (uint64_t)w->kh * (uint64_t)w->kw * (uint64_t)w->in;
    return filter <= STN_PROGRAM_WEIGHTS &&
           filter * (uint64_t)w->out <= STN_PROGRAM_WEIGHTS;
}

#endif
