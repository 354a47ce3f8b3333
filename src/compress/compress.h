/* SPDX-License-Identifier: MIT
 *
 * The compression seam: quantisers (what values a weight may take),
 * structures (which weights exist, and which are one) and penalties (what is
 * added to the loss so that groups of weights vanish), bound to parameters of
 * a graph by rules of a recipe. The three are chosen freely of each other.
 *
 * A new quantiser is one file quant_<name>.c exporting
 * stn_quantiser_<name>, and one line in quantisers.def; a new penalty or
 * structure likewise. The tests of tests/test_compress.c and
 * tests/test_structures.c run over the lists. */
#ifndef STN_COMPRESS_COMPRESS_H
#define STN_COMPRESS_COMPRESS_H

#include "base/attributes.h"
#include "base/layout.h"
#include "base/pool.h"
#include "base/rng.h"
#include "nn/graph.h"
#include <stdbool.h>

/* A weight tensor as compression sees it: `out` filters, each of `area`
 * kernel positions times `in` channels, stored out, area, in. A depthwise
 * weight has in = 1; a linear weight has area = 1. */
typedef struct stn_weight_shape {
    int out, area, in;
} stn_weight_shape;

static inline size_t stn_weight_count(stn_weight_shape s)
{
    return (size_t)s.out * (size_t)s.area * (size_t)s.in;
}

stn_weight_shape stn_weight_shape_of(const stn_param *param);

/* How weights are cut into groups that live or die together: group (o, b)
 * holds, of filter o, all kernel positions of input channels
 * [b * chunk, (b + 1) * chunk). chunk = in: one group a filter ("filter row",
 * and for depthwise "kernel"); smaller: the share of one processing element
 * ("PE chunk"). The last chunk may be shorter. */
typedef struct stn_groups {
    stn_weight_shape shape;
    int chunk;    /* 1 … in */
    int n_chunks; /* ceil(in / chunk) */
    int n;        /* out * n_chunks; group index g = o * n_chunks + b */
} stn_groups;

/* A chunk larger than `in` means the whole filter. */
stn_groups stn_groups_make(stn_weight_shape shape, int chunk);
/* Calls visit(context, first, n) for each contiguous run of group `g`. */
void stn_groups_visit(const stn_groups *groups, int g,
                      void (*visit)(void *context, size_t first, size_t n),
                      void *context);

/* The weights that a quantiser works on. */
typedef struct stn_quantiser_call {
    const void *attrs; /* attrs_size bytes, parsed by the type's `attrs` */
    stn_weight_shape shape;
    const float *latent;
    float learned; /* the quantiser's own trainable number; 0 without */
} stn_quantiser_call;

#define STN_LOW_RADIX_WIDE 255 /* of two sets of codes in -127 … 127 */

/* A quantiser: latent weights → effective weights = code * scale, with a
 * gradient rule. Under a structure it sees the stored weights only, as one
 * run: of all filters as shape {1, 1, n} or, where scales are per filter, of
 * one filter after the other; so it may count weights, but not look at where
 * they stand. */
typedef struct stn_quantiser_type {
    const char *name;
    const char *help;
    const stn_attr *attrs;
    size_t attrs_size;
    /* The latent weights decide by what they are drawn as: nothing may move
     * them. */
    bool is_drawn;
    /* The integers that codes may be, and so how a file stores them. */
    stn_alphabet (*alphabet)(const void *attrs);
    /* Writes codes[count] and n_scales scales: one for all filters, or one
     * per filter. effective = codes * scale by definition, computed by the
     * caller in one multiplication. Scales are >= 0, and 0 only where every
     * latent weight is 0; infinite weights give non-finite scales. */
    void (*encode)(const stn_quantiser_call *call, int8_t *codes,
                   float *scales);
    /* Optional, for more than 8 bits: where the radix r is above 1, a second
     * set of codes, written after the first:
     * effective = (r * code + low) * (scale / r). r is 2, with low in -1, 0,
     * 1, or STN_LOW_RADIX_WIDE, with low in -127 … 127. */
    int (*low_radix)(const void *attrs);
    void (*encode_low)(const stn_quantiser_call *call, const float *scales,
                       int8_t *low);
    /* Optional: one scale for each filter; without, one for all. */
    bool (*scale_per_filter)(const void *attrs);
    /* dL/d(latent) from dL/d(effective), in place in `grad`. NULL: equal. */
    void (*backward)(const stn_quantiser_call *call, float *grad);
    /* Optional: a trainable number of the quantiser. It is a parameter
     * LAYER.<learned> of the graph, moved by the recipe's optimiser without
     * decay and stored in checkpoints. `start` gives its first value from the
     * weights that a run begins with, and is not 0 unless they all are;
     * `learn` gives dL/d(learned) from dL/d(effective). */
    const char *learned;
    float (*start)(const stn_quantiser_call *call);
    float (*learn)(const stn_quantiser_call *call, const float *grad);
} stn_quantiser_type;

static inline bool stn_quantiser_per_filter(const stn_quantiser_type *type,
                                            const void *attrs)
{
    return type->scale_per_filter && type->scale_per_filter(attrs);
}

static inline void stn_quantiser_backward(const stn_quantiser_type *type,
                                          const stn_quantiser_call *call,
                                          float *grad)
{
    if (type->backward)
        type->backward(call, grad);
}

/* Code i in the finer of two sets of codes (low = NULL: there is one). */
static inline int stn_whole_code(const int8_t *codes, const int8_t *low,
                                 int low_radix, size_t i)
{
    return low ? low_radix * codes[i] + low[i] : codes[i];
}

/* A structure: which weights of a tensor exist, or, where it folds, which
 * share one value. */
typedef struct stn_structure_type {
    const char *name;
    const char *help;
    const stn_attr *attrs;
    size_t attrs_size;
    /* Lays itself on a weight: fills `layout` (zeroed; its index from
     * `arena`), drawing what is random from `rng`; or refuses with the reason
     * by stn_yaml_fail at `where`, the structure's place in the recipe. A
     * sparse layout stores what is nonzero in the latent weights, at any
     * time; all others are static. What folds also makes the node hold each
     * value once, and the binding is about those. */
    stn_status (*lay)(const void *attrs, stn_weight_shape shape, stn_rng *rng,
                      const stn_yaml *where, stn_arena *arena,
                      stn_layout *layout, stn_error *err);
    /* Optional. After `lay`: makes `node` of the graph hold each value that
     * is shared once, so that its parameter becomes smaller. */
    stn_status (*fold)(stn_graph *graph, stn_node *node,
                       const stn_layout *layout, stn_error *err);
} stn_structure_type;

#define STN_PENALTY_STATES 2

/* The parameter that a penalty acts on. */
typedef struct stn_penalty_call {
    const stn_groups *groups;
    size_t n; /* weights */
    float *latent, *grad;
    const int8_t *codes; /* of the last apply */
    const int8_t *low;   /* likewise; NULL: there is one set of codes */
    int low_radix;       /* 1: there is one set */
    const float *scales; /* likewise: 1 or `out` of them */
    int n_scales;
    float *norms;        /* scratch for groups->n floats */
    float *const *state; /* n_states of n floats, 0 when a run starts */
    int epoch;           /* complete epochs */
} stn_penalty_call;

/* A term R(latent) of the loss on one parameter. With a state (targets,
 * multipliers, what is frozen) it may change from epoch to epoch, and may
 * move the latent weights itself; the state is part of checkpoints. */
typedef struct stn_penalty_type {
    const char *name;
    const char *help;
    const stn_attr *attrs;
    size_t attrs_size;
    int n_states; /* 0 … STN_PENALTY_STATES */
    /* R follows the codes, which only jump: `apply` adds a gradient that is
     * an estimate, not the derivative. */
    bool is_estimate;
    /* Reads whole codes, of magnitudes up to 255. */
    bool reads_codes;
    /* Whether it is there to make weights 0. NULL: no. */
    bool (*makes_zeros)(const void *attrs);
    /* Adds dR/d(latent) to `grad`; returns R, weighted as in the loss. Leaves
     * the latent weights alone. */
    double (*apply)(const void *attrs, const stn_penalty_call *call);
    /* After `epoch` of `n_epochs` epochs, with epoch = 0 before the first
     * step; `grad` means nothing then. NULL: nothing to do. */
    void (*turn)(const void *attrs, const stn_penalty_call *call, int epoch,
                 int n_epochs);
    /* After each step of the optimiser: puts back latent weights that must
     * not move. NULL: all may. */
    void (*settle)(const void *attrs, const stn_penalty_call *call);
} stn_penalty_type;

/* The l2 norm of each group of `latent`, into groups->n floats; summed in
 * double in storage order. */
void stn_groups_norms(const stn_groups *groups, const float *latent,
                      float *norms);
/* grad += factor[g] * latent over the weights of every group g. */
void stn_groups_add_scaled(const stn_groups *groups, const float *factor,
                           const float *latent, float *grad);

extern const stn_quantiser_type *const stn_quantiser_types[]; /* NULL ends */
extern const stn_penalty_type *const stn_penalty_types[];
extern const stn_structure_type *const stn_structure_types[];

/* The weights that a structure stores, of one parameter that is not folded.
 */
typedef struct stn_stored {
    /* For each weight the index of its stored value, or -1. Stored values run
     * in the order of the weights. */
    int32_t *position;
    int32_t *where; /* of each stored value its weight */
    size_t n;       /* stored values */
    size_t *first;  /* of each filter its first stored value; out + 1 */
    float *latent;  /* one number a stored value, scratch like all below */
    float *grad;
    int8_t *codes;
} stn_stored;

/* What compresses one parameter. */
typedef struct stn_binding {
    stn_param *param;
    stn_weight_shape shape;
    stn_groups groups;
    const stn_quantiser_type *quantiser; /* never NULL */
    void *quantiser_attrs;
    stn_alphabet alphabet; /* of the quantiser with these options */
    stn_param *learned;    /* the quantiser's trainable number, or NULL */
    const stn_structure_type *structure; /* NULL: none, all are stored */
    void *structure_attrs;
    stn_layout layout;               /* of the structure */
    stn_stored *stored;              /* NULL without one, and for what folds */
    const stn_penalty_type *penalty; /* NULL: none */
    void *penalty_attrs;
    int8_t *codes; /* of the last apply, shape order */
    int8_t *low;   /* likewise; NULL: there is one set of codes */
    int low_radix; /* 1: there is one set */
    float *scales; /* 1 or `out` */
    int n_scales;
    float *norms;                             /* scratch, groups.n */
    float *penalty_state[STN_PENALTY_STATES]; /* param->count each, or NULL */
    double penalty_value; /* of the last backward; 0 when not penalised */
} stn_binding;

typedef struct stn_compression {
    stn_graph *graph;
    int n;
    stn_binding *bindings; /* in the order of the graph's parameters */
    int epoch;             /* complete ones of the run; set by the loop */
    stn_arena arena;
} stn_compression;

/* Binds by the recipe's `compress:` sequence (NULL: nothing is compressed):
 *   - {layers: "block*.dw", quantiser: {sparse_binary: {…}},
 *      structure: {blocks: {…}}, penalty: {group_lasso: {…}},
 *      group: filter | INTEGER chunk}
 * `layers` is a shell pattern over node names; of several rules that match a
 * weight the last one holds, alone; a rule that matches no weight is refused.
 * `quantiser` is required (a weight without codes cannot be packed) and may
 * be a bare name, as may `structure` and `penalty`, which are optional;
 * `group` (default filter) is what the penalty and the density count. What a
 * structure draws follows from `seed`. Initial weights that a structure keeps
 * are widened so that sums keep their variance. Points the parameters'
 * `effective` at memory of the compression, until it is destroyed. The graph
 * must outlive it. */
stn_status stn_compression_create(stn_graph *graph, const stn_yaml *rules,
                                  const stn_yaml_scope *scope, uint64_t seed,
                                  stn_compression **out, stn_error *err);
void stn_compression_destroy(stn_compression *compression);

/* latent → codes, scales, effective, for every binding. Latent weights of a
 * structure are first projected onto it: those that are not stored become 0.
 */
void stn_compression_apply(stn_compression *compression, stn_pool *pool);
/* grad: effective → latent; then penalties when `penalise`; then, under a
 * structure, 0 for weights that are not stored. Returns the sum of the
 * penalties. The sum is taken in the order of bindings. */
double stn_compression_backward(stn_compression *compression, stn_pool *pool,
                                bool penalise);
/* Penalties that change by the epoch: `epoch` of `n_epochs` are complete, 0
 * before a run's first step. Codes must be those of the latent weights; apply
 * anew afterwards, since latent weights may have moved. */
void stn_compression_turn(stn_compression *compression, stn_pool *pool,
                          int epoch, int n_epochs);
/* After each step of the optimiser. */
void stn_compression_settle(stn_compression *compression, stn_pool *pool);
/* NULL when the parameter is not compressed. */
const stn_binding *stn_compression_find(const stn_compression *compression,
                                        const stn_param *param);

/* Sparsity of the last apply. */
typedef struct stn_density {
    size_t n_weights, n_nonzero;
    int n_groups, n_live;     /* live: at least one nonzero code */
    double min_live_sparsity; /* min over live groups of the zero share */
} stn_density;
stn_density stn_binding_density(const stn_binding *binding);
/* Over all bindings with ternary codes: group density = live / groups, and
 * the authors' compression 16 / (density * (1 - min sparsity)), where min is
 * over bindings' live groups (Sparse BD-Net notebooks; papers/mram-pim 1d). */
stn_density stn_compression_density(const stn_compression *compression);
/* live / groups, and that compression; NaN when there is no (live) group. */
double stn_density_group_share(stn_density density);
double stn_density_compression(stn_density density);

#endif
