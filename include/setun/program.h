/* SPDX-License-Identifier: MIT
 *
 * The integer program: what a packed network (.stn) computes. Its meaning is
 * defined by docs/semantics.md, its file by docs/format.md; every executor
 * returns the bits that stn_reference_run returns. Part of libsetun-rt.
 *
 * A program is a list of instructions over values. Value 0 is the picture
 * (8-bit pixels); the last instruction's output, one number a class, is the
 * result. Every value is written once, by the instruction that names it. */
#ifndef STN_PROGRAM_H
#define STN_PROGRAM_H

#include "setun/layout.h"
#include "setun/status.h"
#include "setun/types.h"
#include <stdbool.h>

/* An integer tensor, h x w x c for each of `steps` time steps of a picture,
 * step after step. real = integer * scale where scale
 * is known (> 0); it is for people and costs nothing at run time. lo and hi
 * bound every element for every input: they are proven by the reader, from
 * the instruction and its weights, not believed from the file. */
typedef struct stn_value {
    char name[STN_NAME_CAPACITY + 16];
    stn_shape shape;
    stn_type type;
    double scale;
    int64_t lo, hi;
    int steps; /* 1 where there is no time; derived, as lo and hi are */
} stn_value;

/* Elements of all steps of a picture, and bytes. */
static inline size_t stn_value_count(const stn_value *value)
{
    return (size_t)value->steps * stn_shape_count(value->shape);
}

static inline size_t stn_value_bytes(const stn_value *value)
{
    return stn_value_count(value) * stn_type_size(value->type);
}

typedef enum stn_opcode {
    STN_CONV,      /* y = sum of w * x over a window and all channels */
    STN_DEPTHWISE, /* the same, channel o mod C only */
    STN_RESCALE,   /* y = clamp((x0 * m0 + x1 * m1 + a) >> shift) */
    STN_MAX_POOL,
    STN_SUM_POOL,
    STN_RATE_CODE,  /* begins time: spikes of pixels */
    STN_LIF,        /* leaky integrate-and-fire neurons over time */
    STN_SPLIT_TIME, /* at most one spike a window, its time their number */
    STN_PREFIX_SUM, /* sums over time that begin anew in each window */
    STN_SUM_STEPS,  /* ends time: the sum over it */
    STN_CONCAT      /* channels of two values side by side; outlines only */
} stn_opcode;

/* Weights that are known by number only, for a program that is costed and
 * never run. A code of 1 bit is -1 or +1; of b bits, any integer of magnitude
 * below 2^(b-1), all nonzero ones alike often. */
typedef struct stn_weight_outline {
    int bits;       /* 1 … 8 */
    double density; /* share of nonzero codes, in (0, 1] */
    int blocks;     /* filters read only their block of the input channels */
} stn_weight_outline;

/* Weights of a conv or depthwise instruction, decoded. */
typedef struct stn_weights {
    stn_code code;       /* of all weights, zeros of the layout included */
    int out, kh, kw, in; /* in = 1 for depthwise */
    const int8_t *codes; /* out, kh, kw, in */
    /* How they are stored. Before the check of a program made in memory,
     * alphabet.bits = 0 stands for the usual way to store `code`. */
    stn_alphabet alphabet;
    stn_layout layout;
    int chunk;            /* input channels a group, see docs/format.md */
    int n_groups, n_live; /* live groups have at least one nonzero code */
    const uint8_t *live;  /* n_groups bytes, 0 or 1 */
    size_t n_nonzero;
    size_t n_stored;               /* values that the layout stores */
    size_t value_bits, index_bits; /* to store them, and to place them */
    size_t stored_bytes;           /* in the file, all tensors of this weight */
    const stn_weight_outline *outline; /* not NULL: codes and live are NULL */
} stn_weights;

typedef struct stn_instruction {
    stn_opcode opcode;
    char name[STN_NAME_CAPACITY + 16];
    int n_inputs;  /* 2 only for a concat, or a rescale of two values */
    int inputs[2]; /* value indices */
    int output;    /* value index */
    int kh, kw, stride, pad; /* windows: conv, depthwise, pools */
    stn_weights weights;     /* conv, depthwise */
    /* rescale: per output channel; m1 is NULL for one input */
    const int32_t *m0, *m1;
    const int64_t *a;
    int shift;
    int32_t lo, hi;
    int steps;           /* rate_code: that it makes */
    int leak, threshold; /* lif: leak in 256ths */
    int window;          /* split_time, prefix_sum: steps */
} stn_instruction;

/* Whether it works across time steps; all others do each step alike. */
static inline bool stn_opcode_is_time(stn_opcode opcode)
{
    return opcode >= STN_RATE_CODE && opcode <= STN_SUM_STEPS;
}

typedef struct stn_program {
    char name[STN_NAME_CAPACITY];
    stn_shape input;
    int n_classes;
    const char *const *class_names; /* n_classes texts */
    int n_values, n_instructions;
    const stn_value *values;
    const stn_instruction *instructions;
    size_t file_bytes; /* 0 for a program not read from a file */
    size_t peak_bytes; /* largest sum of values alive at once, one picture */
    /* Programs that use the leading channels of one network and share its
     * weights, in one file: their shares of the channels, ascending, the last
     * one 1; and this one's. n_widths is 0 where there is one program. */
    int n_widths;
    const double *widths;
    double width;
} stn_program;

#define STN_PROGRAM_WIDTHS 8

/* Reads and checks a .stn file: every shape, index, range and accumulator
 * bound, so that an executor need not. */
stn_status stn_program_read(const char *path, stn_program **out,
                            stn_error *err);
/* The program of `width`, which is one of program->widths, for networks of
 * several widths; any of them gives all others, so that the width may change
 * from picture to picture. It lives as long as `program`. STN_E_ARGUMENT,
 * naming those that exist, where there is none. */
stn_status stn_program_at_width(const stn_program *program, double width,
                                const stn_program **out, stn_error *err);
/* Programs of several widths die together, with whichever is destroyed. */
void stn_program_destroy(stn_program *program); /* NULL is legal */
/* Bytes of the rescales' multipliers and constants in its file; those of other
 * widths are not counted. */
size_t stn_program_constant_bytes(const stn_program *program);
/* NULL when absent: "recipe", "accuracy", … as the packer wrote them. */
const char *stn_program_metadata(const stn_program *program, const char *key);

/* What becomes of the bits that a narrower program does without. */
typedef enum stn_narrow_rounding {
    STN_NARROW_ROUND,   /* to nearest, ties towards +∞ */
    STN_NARROW_TRUNCATE /* towards −∞: the bits are left out */
} stn_narrow_rounding;

/* The program with weights and values of at most `bits` bits (2 … 8; a sign
 * included), their lowest ones dropped; what has no more stays as it is.
 * Sums, and with them the result, stay at the old scale. It borrows from
 * `program`, which must outlive it. docs/semantics.md, "Fewer bits".
 * STN_E_UNSUPPORTED when pixels are multiplied as they come, or weights have
 * more than 8 bits. */
stn_status stn_program_narrow(const stn_program *program, int bits,
                              stn_narrow_rounding rounding, stn_program **out,
                              stn_error *err);

/* Split-time temporal coding: the program with at most one spike of a neuron
 * in each window of so many time steps, whose place says how many there were.
 * What reads spikes to sum them (conv, depthwise, sum_pool) reads these, and
 * sums over time within the window restore their number: docs/methods/
 * stt-snn.md. *out borrows from the program, which must outlive it.
 * STN_E_UNSUPPORTED when nothing reads spikes. */
stn_status stn_program_split_time(const stn_program *program, int window,
                                  stn_program **out, stn_error *err);

/* Multiply-accumulates of one picture: steps * positions * window * channels;
 * and those that are left when zero weights are skipped. 0 for others. */
void stn_instruction_operations(const stn_program *program, int index,
                                uint64_t *dense, uint64_t *nonzero);

/* The reference interpreter: docs/semantics.md as plain scalar C. Runs one
 * picture (h * w * c pixels). `values` has n_values caller-owned buffers of
 * stn_value_bytes, aligned for the values' types; values[0] is not read and may
 * be NULL. */
stn_status stn_reference_run(const stn_program *program, const uint8_t *pixels,
                             void *const *values, stn_error *err);
/* The same with its own memory, keeping only the result: n_classes int32. */
stn_status stn_reference_classify(const stn_program *program,
                                  const uint8_t *pixels, int32_t *logits,
                                  stn_error *err);

/* Weights too large for 8 bits are 2 * code + low, or, where the low codes are
 * not ternary, 255 * code + low: the instruction that follows, named NAME.low,
 * holds the low codes. */
#define STN_LOW_SUFFIX ".low"

/* Two bits a slice: slice k of a weight is bits 2k and 2k + 1 of its
 * magnitude, low code included; of weights of 16 bits, bits 2k + 7 and 2k + 8. */
#define STN_SLICES 4
typedef struct stn_slices {
    size_t n, n_nonzero;        /* weights */
    size_t nonzero[STN_SLICES]; /* weights whose slice k is not 0 */
} stn_slices;

/* All 0 for an instruction without weights, or of low codes. */
stn_slices stn_program_slices(const stn_program *program, int index);

const char *stn_opcode_name(stn_opcode opcode); /* "conv", … */
const char *stn_code_name(stn_code code);       /* "int8", … */
const char *stn_type_name(stn_type type);       /* "u8", … */

#endif
