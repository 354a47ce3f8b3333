/* SPDX-License-Identifier: MIT
 *
 * Layers with weights: codes and their layout go into the program, scales and
 * biases into the map that is owed. Integers times integers stand for reals
 * only where the input has no constant left over and one scale for all
 * channels; another input is refused. */
#include "nn/circulant.h"
#include "nn/ops.h"
#include "pack/lowering.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* An input that an integer sum may read: one value, no constant, one scale. */
static stn_status paid_input(stn_lowering *l, const stn_node *node)
{
    const stn_owed *x = stn_lowering_input(l, node, 0);
    bool paid = x->n_terms == 1 && !x->relu;
    for (int c = 0; paid && c < node->in[0].c; c++)
        paid = x->q[c] == 0 && x->p[0][c] == x->p[0][0];
    if (paid)
        return STN_OK;
    return stn_lowering_refuse(l, node,
                               "its input %s is not quantised; put a quantise "
                               "node between them",
                               stn_lowering_input_name(l, node, 0));
}

/* The program has no groups: filters of one read the others with weights 0,
 * which are not stored. */
static int8_t *spread_groups(stn_lowering *l, const int8_t *from, int groups,
                             stn_weights *w)
{
    int part = w->in / groups, area = w->kh * w->kw;
    int8_t *codes = stn_arena_alloc(&l->image->arena, stn_weights_count(w), 1);
    for (int o = 0; codes && o < w->out; o++)
        for (int k = 0; k < area; k++)
            memcpy(codes +
                       ((size_t)o * (size_t)area + (size_t)k) * (size_t)w->in +
                       (size_t)(o / (w->out / groups) * part),
                   from + ((size_t)o * (size_t)area + (size_t)k) * (size_t)part,
                   (size_t)part);
    w->chunk = w->chunk < part ? w->chunk : part;
    return codes;
}

/* The program has every weight of circulant blocks, a file first columns. */
static int8_t *unfold(stn_lowering *l, const stn_node *node, const int8_t *from,
                      const stn_weights *w)
{
    bool linear = node->type == &stn_op_linear;
    size_t area = linear ? 1 : (size_t)w->kh * (size_t)w->kw, k = 0;
    size_t in = stn_weights_count(w) / ((size_t)w->out * area);
    int p = node->circulant;
    size_t cols = (in + (size_t)p - 1) / (size_t)p * (size_t)p;
    int8_t *codes = stn_arena_alloc(&l->image->arena, stn_weights_count(w), 1);
    for (int o = 0; codes && o < w->out; o++)
        for (size_t a = 0; a < area; a++) {
            const int8_t *row = from + ((size_t)(o / p) * area + a) * cols;
            for (int c = 0; c < (int)in; c++)
                codes[k++] = row[stn_circulant_column(p, o, c)];
        }
    return codes;
}

static int groups_of(const stn_node *node)
{
    return node->type == &stn_op_conv
               ? ((const stn_conv_attrs *)node->attrs)->groups
               : 1;
}

/* The codes of a binding as the program has them; NULL: memory is out. */
static const int8_t *place_codes(stn_lowering *l, const stn_node *node,
                                 const int8_t *from, stn_weights *w)
{
    int groups = groups_of(node);
    size_t n = stn_weights_count(w);
    int8_t *codes;
    if (groups > 1)
        return spread_groups(l, from, groups, w);
    if (node->circulant)
        return unfold(l, node, from, w);
    codes = stn_arena_alloc(&l->image->arena, n, 1);
    if (codes)
        memcpy(codes, from, n);
    return codes;
}

/* `n` entries in the image's memory: those given, or 0, 1, 2 … */
static stn_status copy_index(stn_lowering *l, stn_layout *layout, size_t n,
                             const uint32_t *from)
{
    uint32_t *index = stn_arena_alloc(&l->image->arena, n, sizeof *index);
    if (!index)
        return stn_fail_memory(l->err, "an index of weights");
    for (size_t i = 0; i < n; i++)
        index[i] = from ? from[i] : (uint32_t)i;
    layout->index = index;
    layout->n_index = n;
    return STN_OK;
}

typedef struct group_walk {
    const int8_t *codes;
    size_t n, nonzero;
} group_walk;

static void count_nonzero(void *context, size_t first, size_t n)
{
    group_walk *walk = context;
    walk->n += n;
    for (size_t k = first; k < first + n; k++)
        walk->nonzero += walk->codes[k] != 0;
}

/* Whether the weights of groups that are all 0 are worth a bit a group. */
static bool groups_pay(const stn_weights *w)
{
    stn_weight_shape shape = {w->out, w->kh * w->kw, w->in};
    stn_groups groups = stn_groups_make(shape, w->chunk);
    size_t saved = 0;
    for (int g = 0; g < groups.n; g++) {
        group_walk walk = {w->codes, 0, 0};
        stn_groups_visit(&groups, g, count_nonzero, &walk);
        saved += walk.nonzero ? 0 : walk.n * (size_t)w->alphabet.bits;
    }
    return saved > (size_t)groups.n;
}

/* Without a structure ternary weights are stored by groups, as are those of
 * more bits of which a penalty has emptied enough groups; levels that leave
 * out 0 store none; filters of one group of a convolution are a row of blocks,
 * of which each keeps its own. */
static stn_structure usual_structure(const stn_binding *binding,
                                     const stn_weights *w, int groups)
{
    for (size_t k = 0; k < binding->param->count; k++)
        if (w->alphabet.levels == STN_LEVELS_NONZERO && !binding->codes[k])
            return STN_SPARSE;
    if (groups > 1)
        return STN_BLOCKS;
    if (w->alphabet.levels == STN_LEVELS_TERNARY)
        return STN_GROUPS;
    return w->alphabet.levels == STN_LEVELS_WHOLE && groups_pay(w) ? STN_GROUPS
                                                                   : STN_DENSE;
}

static stn_status lower_layout(stn_lowering *l, const stn_node *node,
                               const stn_binding *binding, stn_weights *w)
{
    stn_layout *layout = &w->layout;
    int groups = groups_of(node);
    if (binding->structure)
        *layout = binding->layout;
    else
        *layout = (stn_layout){.structure = usual_structure(binding, w, groups),
                               .n_grids = 1,
                               .grids = {{w->out / groups, w->in / groups, 1}}};
    if (layout->structure == STN_BLOCKS && !binding->structure)
        return copy_index(l, layout, (size_t)groups, NULL);
    if (!stn_structure_is_plane(layout->structure))
        return STN_OK;
    if (groups > 1)
        return stn_lowering_refuse(l, node,
                                   "%s weights of a convolution in groups "
                                   "have no form in a file; leave the layer "
                                   "out of the rule with the structure",
                                   binding->structure->name);
    layout->flat = binding->param->rank == 2 && w->kh * w->kw > 1;
    return layout->index ? copy_index(l, layout, layout->n_index, layout->index)
                         : STN_OK;
}

/* Smallest shift that brings r x0 + x1 into 32 bits, for all that x0 and x1
 * may be. */
static int sum_shift(const stn_lowering *l, const int inputs[2], int64_t r)
{
    int64_t most = 1;
    int shift = 0;
    for (int k = 0; k < 2; k++) {
        const stn_value *v = &l->image->values[inputs[k]];
        int64_t magnitude = v->hi > -v->lo ? v->hi : -v->lo;
        most += magnitude * (k ? 1 : r);
    }
    while (most >> shift > INT32_MAX)
        shift++;
    return shift;
}

/* Codes too large for 8 bits are r * code + low: a second instruction over the
 * low codes, and the sum of both outputs, of which as few of the lowest bits
 * are rounded away as 32 bits ask for; with r = 2 none are. `high` has just
 * been emitted; a step of r x0 + x1 is worth `scale`. */
static stn_status add_low(stn_lowering *l, const stn_node *node,
                          stn_instruction high, const stn_binding *binding,
                          double scale, stn_owed *y)
{
    stn_instruction in = high, sum = {.opcode = STN_RESCALE, .n_inputs = 2};
    int32_t *m[2];
    size_t n = (size_t)node->out.c;
    int r = binding->low_radix;
    in.weights.alphabet = r == 2 ? (stn_alphabet){STN_LEVELS_TERNARY, 2}
                                 : (stn_alphabet){STN_LEVELS_WHOLE, 8};
    in.weights.codes = place_codes(l, node, binding->low, &in.weights);
    for (int k = 0; k < 2; k++) {
        m[k] = stn_arena_alloc(&l->image->arena, n, sizeof *m[k]);
        for (size_t c = 0; m[k] && c < n; c++)
            m[k][c] = k ? 1 : r;
    }
    int64_t *a = stn_arena_alloc(&l->image->arena, n, sizeof *a);
    if (!in.weights.codes || !m[0] || !m[1] || !a)
        return stn_fail_memory(l->err, "weights");
    STN_TRY(lower_layout(l, node, binding, &in.weights));
    snprintf(in.name, sizeof in.name, "%s" STN_LOW_SUFFIX, node->name);
    snprintf(sum.name, sizeof sum.name, "%s.sum", node->name);
    sum.inputs[0] = y->value[0];
    STN_TRY(stn_lowering_emit(l, node, in, node->out, STN_TYPE_S32, scale,
                              &sum.inputs[1]));
    sum.shift = r == 2 ? 0 : sum_shift(l, sum.inputs, r);
    for (size_t c = 0; c < n; c++) {
        a[c] = sum.shift ? (int64_t)1 << (sum.shift - 1) : 0;
        y->p[0][c] = ldexp(y->p[0][c], sum.shift);
    }
    sum.m0 = m[0];
    sum.m1 = m[1];
    sum.a = a;
    sum.lo = INT32_MIN;
    sum.hi = INT32_MAX;
    return stn_lowering_emit(l, node, sum, node->out, STN_TYPE_S32,
                             ldexp(scale, sum.shift), &y->value[0]);
}

/* conv, depthwise, linear: codes into the program, scales into the map. */
static stn_status lower_weights(stn_lowering *l, const stn_node *node,
                                stn_instruction in, const float *bias)
{
    const stn_param *weight = &l->graph->params[node->params[0]];
    const stn_binding *binding =
        l->compression ? stn_compression_find(l->compression, weight) : NULL;
    STN_TRY(paid_input(l, node));
    if (!binding)
        return stn_lowering_refuse(l, node,
                                   "its weights are floats; add a quantiser "
                                   "for it to the recipe's compress rules");
    stn_weights *w = &in.weights;
    w->alphabet = binding->alphabet;
    w->kh = in.kh;
    w->kw = in.kw;
    /* A linear layer's chunks run over its flattened input. Where that is
     * more than one pixel, chunks of the program run over channels. */
    w->chunk = binding->groups.chunk < w->in ? binding->groups.chunk : w->in;
    w->codes = place_codes(l, node, binding->codes, w);
    if (!w->codes)
        return stn_fail_memory(l->err, "weights");
    STN_TRY(lower_layout(l, node, binding, w));

    const stn_owed *x = stn_lowering_input(l, node, 0);
    stn_owed *y = &l->owed[node - l->graph->nodes];
    STN_TRY(stn_lowering_owe(l, w->out, 1, y));
    bool equal = true;
    int shared = node->circulant ? node->circulant : 1; /* filters a scale */
    for (int o = 0; o < w->out; o++) {
        double scale = binding->scales[binding->n_scales > 1 ? o / shared : 0] /
                       (float)binding->low_radix;
        y->p[0][o] = x->p[0][0] * scale;
        y->q[o] = bias ? bias[o] : 0;
        equal = equal && y->p[0][o] == y->p[0][0];
    }
    double scale = equal ? fabs(y->p[0][0]) : 0;
    STN_TRY(stn_lowering_emit(l, node, in, node->out, STN_TYPE_S32,
                              scale * binding->low_radix, &y->value[0]));
    return binding->low ? add_low(l, node, in, binding, scale, y) : STN_OK;
}

stn_status stn_lower_conv(stn_lowering *l, const stn_node *node)
{
    const stn_conv_attrs *attrs = node->attrs;
    stn_instruction in = stn_lowering_start(l, node, STN_CONV);
    in.kh = in.kw = attrs->kernel;
    in.stride = attrs->stride;
    in.pad = attrs->pad;
    in.weights.out = attrs->out;
    in.weights.in = node->in[0].c;
    return lower_weights(l, node, in,
                         attrs->bias ? stn_lowering_param(l, node, 1) : NULL);
}

stn_status stn_lower_depthwise(stn_lowering *l, const stn_node *node)
{
    const stn_depthwise_attrs *attrs = node->attrs;
    stn_instruction in = stn_lowering_start(l, node, STN_DEPTHWISE);
    in.kh = in.kw = attrs->kernel;
    in.stride = attrs->stride;
    in.pad = attrs->pad;
    in.weights.out = node->out.c;
    in.weights.in = 1;
    return lower_weights(l, node, in, NULL);
}

stn_status stn_lower_linear(stn_lowering *l, const stn_node *node)
{
    const stn_linear_attrs *attrs = node->attrs;
    stn_instruction in = stn_lowering_start(l, node, STN_CONV);
    in.kh = node->in[0].h;
    in.kw = node->in[0].w;
    in.weights.out = attrs->out;
    in.weights.in = node->in[0].c;
    return lower_weights(l, node, in,
                         attrs->bias ? stn_lowering_param(l, node, 1) : NULL);
}
