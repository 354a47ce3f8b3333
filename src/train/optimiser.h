/* SPDX-License-Identifier: MIT
 *
 * Optimisers: gradient → new weights. A new one is a const stn_optimiser_type
 * and one line in optimisers.def. All arithmetic is element by element, so
 * the bits do not depend on how the work is split. */
#ifndef STN_TRAIN_OPTIMISER_H
#define STN_TRAIN_OPTIMISER_H

#include "base/attributes.h"
#include "base/pool.h"
#include "nn/graph.h"
#include <stdbool.h>

#define STN_OPTIMISER_MOMENTS 2

/* One step of one parameter. */
typedef struct stn_optimiser_call {
    size_t n;
    float *w;
    const float *grad;
    float *const *moments; /* n floats each, 0 before the first step */
    float factor;          /* of the schedule, times the optimiser's lr */
    uint64_t t;            /* number of this step, from 1 */
    bool decay;            /* weight decay applies */
} stn_optimiser_call;

typedef struct stn_optimiser_type {
    const char *name;
    const char *help;
    const stn_attr *attrs;
    size_t attrs_size;
    int n_moments; /* 0 … STN_OPTIMISER_MOMENTS */
    void (*step)(const void *attrs, const stn_optimiser_call *call);
} stn_optimiser_type;

extern const stn_optimiser_type *const stn_optimiser_types[]; /* NULL ends */
extern const char *const stn_optimiser_names[];               /* NULL ends */

/* An optimiser with its memory for one graph. */
typedef struct stn_optimiser {
    const stn_optimiser_type *type;
    const void *attrs; /* borrowed */
    stn_graph *graph;  /* borrowed */
    /* [parameter][moment]; NULL for parameters that are not trained. */
    float *(*moments)[STN_OPTIMISER_MOMENTS];
    bool *failed; /* one per parameter: non-finite gradient in this step */
    stn_arena arena;
} stn_optimiser;

stn_status stn_optimiser_create(const stn_optimiser_type *type,
                                const void *attrs, stn_graph *graph,
                                stn_optimiser **out, stn_error *err);
void stn_optimiser_destroy(stn_optimiser *optimiser); /* NULL is legal */

/* Step `t` (from 1) of all parameters. Returns NULL, or the name of the first
 * parameter whose gradient is not finite, which is then left as it was. */
const char *stn_optimiser_step(stn_optimiser *optimiser, stn_pool *pool,
                               float factor, uint64_t t);

#endif
