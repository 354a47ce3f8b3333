/* SPDX-License-Identifier: MIT
 *
 * What the engine decides once for a program: which instructions run as one
 * step, where values lie in memory, how many rows a step does at a time, and
 * the weights as the kernels want them. */
#ifndef STN_RUN_PLAN_H
#define STN_RUN_PLAN_H

#include "base/memory.h"
#include "kernels/kernels.h"
#include "setun/program.h"

#define STN_STEP_NAME 64

/* One instruction, or a conv, depthwise or sum_pool together with the rescale
 * that alone reads it: its 32-bit sums then never leave the scratch. */
typedef struct stn_step {
    const stn_instruction *op;      /* what runs first */
    const stn_instruction *rescale; /* fused into it, or NULL */
    int input;                      /* value that op reads */
    int other;        /* value that the rescale reads beside, or -1 */
    int output;       /* value that is written */
    bool sums_second; /* the sums are x1 of the rescale, not x0 */
    /* Time steps follow each other in memory. Where that looks like one taller
     * picture to the op, in.h and out.h are those of all steps, and `steps` is
     * 1; else the op runs `steps` times. Ops across time run once. */
    int steps;
    stn_shape in, out;
    int stride; /* from one output row to the next, input rows */
    stn_type in_type, out_type;
    /* Input rows are first copied into the scratch, with their padding. */
    bool banded;
    size_t pitch;   /* elements from one input row to the next, as kernels
                       read them */
    int chunk_rows; /* output rows at a time, at most */
    size_t band_bytes, sum_bytes; /* scratch, beside what kernels need */
    uint64_t operations;          /* of one picture, for cutting work */

    stn_dot_shape dot;
    stn_depthwise_shape depthwise;
    stn_prepared weights;
    bool circulant;    /* the kernel for such weights was prepared, not dot's */
    uint32_t *patches; /* chunk_rows * out.w byte offsets, for conv */
    stn_rescale_shape map;
    stn_prepared multipliers; /* unused where the op's kernel maps */
} stn_step;

typedef struct stn_plan {
    const stn_program *program;
    const stn_kernels *kernels;
    stn_arena arena; /* owns everything below */
    stn_step *steps;
    int n_steps;
    size_t *offsets; /* of each value in a picture's memory, bytes */
    char (*names)[STN_NAME_CAPACITY + 48]; /* kernel of each instruction */
    size_t value_bytes;                    /* memory of one picture's values */
    size_t scratch_bytes; /* memory of one thread beside them */
    size_t weight_bytes;
} stn_plan;

/* Initialise *plan with {0} first; deinit also after a failure. */
stn_status stn_plan_init(stn_plan *plan, const stn_program *program,
                         const stn_kernels *kernels, stn_error *err);
void stn_plan_deinit(stn_plan *plan);

/* Places the values of the planned steps: offsets and value_bytes. Values
 * that are never alive together share memory. */
stn_status stn_plan_place(stn_plan *plan, stn_error *err);

/* Where one picture's values are while it is run. */
typedef struct stn_picture {
    const uint8_t *pixels; /* value 0 */
    int32_t *logits;       /* the last value */
    uint8_t *values;       /* value_bytes for the others */
} stn_picture;

/* What of a step is computed at once: output rows [first, last), and of a
 * conv whose kernel has several, parts [part, part_end). */
typedef struct stn_piece {
    int first, last;
    int part, part_end;
} stn_piece;

/* All of a step. */
stn_piece stn_step_whole(const stn_step *step);
/* Whether parts of it may be computed apart: nothing comes after them. */
bool stn_step_has_parts(const stn_step *step);

/* First element of row `row` of a value at time step t. */
uint8_t *stn_picture_row(const stn_plan *plan, const stn_picture *picture,
                         int value, int t, int row);
/* The same of an input, which may be the picture. */
const uint8_t *stn_picture_input(const stn_plan *plan,
                                 const stn_picture *picture, int value, int t,
                                 int row);

/* Runs rows [first, last) of all time steps of an op across time; the scratch
 * has sum_bytes. */
void stn_step_run_time(const stn_plan *plan, const stn_step *step,
                       const stn_picture *picture, int first, int last,
                       void *scratch);

/* Computes a piece of a step, chunk by chunk. */
void stn_step_run(const stn_plan *plan, const stn_step *step,
                  const stn_picture *picture, stn_piece piece,
                  uint8_t *scratch);

#endif
