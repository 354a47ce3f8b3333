/* SPDX-License-Identifier: MIT
 *
 * Convolutions: columns are output positions, filters are sums of shifted
 * input lines, streamed through one operand slot.
 *
 * A sub-array holds the accumulators of a group of filters, one operand and a
 * carry row. For each input line and kernel position that some filter of the
 * group needs, the operand is written once; each filter then adds it at the
 * row offset of each nonzero digit of its weight. Weights are recoded to
 * canonical signed digits (no two neighbours nonzero: the fewest digits), so
 * a ternary weight is one digit and an int8 weight at most four. A weight 0
 * is no step; an operand that nobody needs is not fetched. */
#include "accel/bitwise.h"
#include <string.h>

/* Growing lists while groups are formed. */
typedef struct builder {
    bw_mapping *m;
    const stn_instruction *in;
    const bw_value *x, *y;
    bw_window *window;
    int *order; /* filters, those that share an input side by side */
    int capacity_operands, capacity_steps;
} builder;

static void *grow(bw_mapping *m, const void *old, int n, int *capacity,
                  size_t size)
{
    *capacity = *capacity ? 2 * *capacity : 256;
    void *now = stn_arena_alloc(&m->arena, (size_t)*capacity, size);
    if (now && n)
        memcpy(now, old, (size_t)n * size);
    return now;
}

/* Canonical signed digits of `code`, least first: digit[k] in {-1, 0, 1}. */
static void signed_digits(int code, int8_t digit[9])
{
    for (int k = 0; k < 9; k++) {
        digit[k] = 0;
        if (code & 1) {
            digit[k] = (int8_t)(2 - (code & 3)); /* 1 for ..01, -1 for ..11 */
            code -= digit[k];
        }
        code /= 2;
    }
}

static int8_t code_at(const stn_weights *w, int o, int tap, int c)
{
    return w->codes[((size_t)o * (size_t)(w->kh * w->kw) + (size_t)tap) *
                        (size_t)w->in +
                    (size_t)c];
}

/* Steps of filter o for one weight. `invert` holds the digit's sign until
 * finish_steps makes the mask. */
static stn_status add_digits(builder *b, int o, int code, stn_error *err)
{
    bw_window *w = b->window;
    int8_t digit[9];
    signed_digits(code, digit);
    for (int k = 0; k < 9 && k < b->y->lines[o].width; k++) {
        if (!digit[k])
            continue;
        if (w->n_steps == b->capacity_steps) {
            w->steps = grow(b->m, w->steps, w->n_steps, &b->capacity_steps,
                            sizeof *w->steps);
            if (!w->steps)
                return stn_fail_memory(err, "the steps of a filter");
        }
        w->steps[w->n_steps++] = (bw_step){.filter = o,
                                           .invert = digit[k] < 0,
                                           .kind = BW_ADD,
                                           .shift = (uint8_t)k};
    }
    return STN_OK;
}

/* All that the group's filters do with one shifted input line. */
static stn_status add_operand(builder *b, const int *filters, int n_filters,
                              int c, int tap, stn_error *err)
{
    bw_window *w = b->window;
    bool depthwise = b->in->opcode == STN_DEPTHWISE;
    int line = b->x->flat ? 0 : c, first = w->n_steps;
    if (!bw_line_of(b->x, line)->width)
        return STN_OK;
    for (int f = 0; f < n_filters; f++) {
        int o = filters[f];
        if (!depthwise || o % b->x->shape.c == c)
            STN_TRY(add_digits(
                b, o, code_at(&b->in->weights, o, tap, depthwise ? 0 : c),
                err));
    }
    if (w->n_steps == first)
        return STN_OK;
    if (w->n_operands == b->capacity_operands) {
        w->operands = grow(b->m, w->operands, w->n_operands,
                           &b->capacity_operands, sizeof *w->operands);
        if (!w->operands)
            return stn_fail_memory(err, "the operands of a layer");
    }
    w->operands[w->n_operands++] = (bw_operand){.line = line,
                                                .column = b->x->flat ? c : 0,
                                                .tap = tap,
                                                .first = first,
                                                .n = w->n_steps - first};
    return STN_OK;
}

/* Walks the steps of one group backwards to find in which polarity each row
 * is wanted next, and forwards to find each filter's first step. */
static void finish_steps(builder *b, int from, uint32_t *wanted, bool *begun)
{
    bw_step *steps = b->window->steps;
    for (int i = b->window->n_steps - 1; i >= from; i--) {
        bw_step *s = &steps[i];
        uint32_t touched = UINT32_MAX << s->shift;
        uint32_t negative = s->invert ? touched : 0;
        s->invert = wanted[s->filter] ^ negative;
        wanted[s->filter] = (wanted[s->filter] & ~touched) | negative;
    }
    for (int i = from; i < b->window->n_steps; i++) {
        bw_step *s = &steps[i];
        if (begun[s->filter])
            continue;
        /* Nothing lies there yet: `wanted` now tells the first digit's sign
         * at its top row. */
        begun[s->filter] = true;
        s->kind = (uint8_t)(wanted[s->filter] >> 31 ? BW_NEGATE : BW_COPY);
    }
}

static stn_status add_group(builder *b, const int *filters, int n,
                            uint32_t *wanted, bool *begun, stn_error *err)
{
    bw_window *w = b->window;
    bw_group group = {.first = w->n_operands};
    int from = w->n_steps, taps = b->in->kh * b->in->kw;
    bool depthwise = b->in->opcode == STN_DEPTHWISE;
    int last = -1;
    if (!depthwise)
        for (int c = 0; c < b->in->weights.in; c++)
            for (int tap = 0; tap < taps; tap++)
                STN_TRY(add_operand(b, filters, n, c, tap, err));
    for (int f = 0; depthwise && f < n; f++) {
        int c = filters[f] % b->x->shape.c;
        for (int tap = 0; c != last && tap < taps; tap++)
            STN_TRY(add_operand(b, filters, n, c, tap, err));
        last = c;
    }
    group.n = w->n_operands - group.first;
    finish_steps(b, from, wanted, begun);
    w->groups[w->n_groups++] = group;
    return STN_OK;
}

/* Depthwise filters that read the same channel stand side by side. */
static void order_filters(builder *b)
{
    int n = 0, out = b->in->weights.out;
    int stride = b->in->opcode == STN_DEPTHWISE ? b->x->shape.c : 1;
    for (int c = 0; c < stride; c++)
        for (int o = c; o < out; o += stride)
            b->order[n++] = o;
}

int bw_window_room(const bw_mapping *m, const bw_value *x)
{
    return m->rows - x->bits - bw_reserved_rows(&m->options);
}

/* Greedy: filters join a sub-array while their rows fit. */
static stn_status form_groups(builder *b, uint32_t *wanted, bool *begun,
                              stn_error *err)
{
    const bw_mapping *m = b->m;
    int limit = m->options.filters ? m->options.filters : INT32_MAX;
    int room = bw_window_room(m, b->x);
    int out = b->in->weights.out;
    for (int i = 0; i < out;) {
        int first = i, rows = 0, n = 0;
        for (; i < out && n < limit; i++) {
            int width = b->y->lines[b->order[i]].width;
            if (rows + width > room)
                break;
            rows += width;
            n += width > 0;
        }
        if (i == first)
            return stn_fail(err, STN_E_UNSUPPORTED,
                            "%s: a sum of %d rows beside an operand of %d "
                            "does not fit a sub-array of %d rows",
                            b->in->name, b->y->lines[b->order[i]].width,
                            b->x->bits, m->rows);
        if (n)
            STN_TRY(
                add_group(b, b->order + first, i - first, wanted, begun, err));
    }
    return STN_OK;
}

/* Column p = (r, q) of the output reads input position
 * (r·stride + i − pad, q·stride + j − pad). */
static int source_of(const builder *b, int tap, int p)
{
    const stn_instruction *in = b->in;
    int width = b->y->shape.w;
    int r = p / width * in->stride + tap / in->kw - in->pad;
    int q = p % width * in->stride + tap % in->kw - in->pad;
    if (r < 0 || r >= b->x->shape.h || q < 0 || q >= b->x->shape.w)
        return -1;
    return r * b->x->shape.w + q;
}

/* Neighbours that stay neighbours move together; t->runs is NULL when there
 * is no memory. */
static void map_runs(const builder *b, int tap, bw_tap *t)
{
    bw_run *runs =
        stn_arena_alloc(&b->m->arena, (size_t)b->y->columns, sizeof *runs);
    t->runs = runs;
    for (int p = 0; runs && p < b->y->columns; p++) {
        int from = source_of(b, tap, p);
        bw_run *last = t->n_runs ? &runs[t->n_runs - 1] : NULL;
        if (from < 0)
            continue;
        if (last && last->to + last->n == p && last->from + last->n == from)
            last->n++;
        else
            runs[t->n_runs++] = (bw_run){from, p, 1};
    }
}

static stn_status map_taps(builder *b, stn_error *err)
{
    bw_window *w = b->window;
    const stn_instruction *in = b->in;
    bool same = in->stride == 1 && b->x->shape.h == b->y->shape.h &&
                b->x->shape.w == b->y->shape.w && !b->x->flat;
    w->n_taps = in->kh * in->kw;
    w->taps = stn_arena_alloc(&b->m->arena, (size_t)w->n_taps, sizeof *w->taps);
    for (int tap = 0; w->taps && tap < w->n_taps; tap++) {
        bw_tap t = {.shift = (tap / in->kw - in->pad) * b->x->shape.w +
                             tap % in->kw - in->pad};
        uint64_t *mask = NULL;
        if (same)
            t.mask = mask = stn_arena_alloc(&b->m->arena, (size_t)b->y->words,
                                            sizeof *mask);
        else
            map_runs(b, tap, &t);
        for (int p = 0; mask && p < b->y->columns; p++)
            if (source_of(b, tap, p) >= 0)
                mask[p / 64] |= (uint64_t)1 << (p % 64);
        w->taps[tap] = t;
        if (!mask && !t.runs)
            w->taps = NULL;
    }
    return w->taps ? STN_OK : stn_fail_memory(err, "kernel positions");
}

/* A bit a group, a bit a weight and a sign a nonzero weight for the ternary
 * weights of an outline; else what a file stores. */
uint64_t bw_kernel_bits(const stn_weights *w)
{
    uint64_t count =
        (uint64_t)w->out * (uint64_t)w->kh * (uint64_t)w->kw * (uint64_t)w->in;
    if (!w->outline)
        return w->value_bits + w->index_bits;
    count /= (uint64_t)w->outline->blocks;
    if (w->outline->bits != 2)
        return (uint64_t)w->outline->bits * count;
    return (uint64_t)w->n_groups + count + w->n_nonzero;
}

void bw_place_window(bw_mapping *m, bw_layer *layer, uint64_t n_groups)
{
    const bw_value *y = &m->values[layer->in->output];
    uint64_t columns = (uint64_t)m->columns, rows = (uint64_t)m->rows;
    layer->kernel_bits = bw_kernel_bits(&layer->in->weights);
    uint64_t kernel_rows = (layer->kernel_bits + columns - 1) / columns;
    layer->placement = (stn_placement){
        .sub_arrays =
            n_groups * (uint64_t)y->tiles + (kernel_rows + rows - 1) / rows,
        .utilisation = (double)y->columns / (double)(y->tiles * m->columns),
        .weight_rows = kernel_rows};
}

stn_status bw_map_taps(bw_mapping *m, bw_layer *layer, stn_error *err)
{
    builder b = {.m = m,
                 .in = layer->in,
                 .x = &m->values[layer->in->inputs[0]],
                 .y = &m->values[layer->in->output],
                 .window = &layer->window};
    return map_taps(&b, err);
}

stn_status bw_map_window(bw_mapping *m, bw_layer *layer, stn_error *err)
{
    size_t out = (size_t)layer->in->weights.out;
    builder b = {.m = m,
                 .in = layer->in,
                 .x = &m->values[layer->in->inputs[0]],
                 .y = &m->values[layer->in->output],
                 .window = &layer->window};
    uint32_t *wanted = stn_arena_alloc(&m->arena, out, sizeof *wanted);
    bool *begun = stn_arena_alloc(&m->arena, out, sizeof *begun);
    b.order = stn_arena_alloc(&m->arena, out, sizeof *b.order);
    b.window->groups =
        stn_arena_alloc(&m->arena, out, sizeof *b.window->groups);
    if (!wanted || !begun || !b.order || !b.window->groups)
        return stn_fail_memory(err, "groups of filters");
    order_filters(&b);
    STN_TRY(bw_map_taps(m, layer, err));
    STN_TRY(form_groups(&b, wanted, begun, err));
    bw_place_window(m, layer, (uint64_t)b.window->n_groups);
    return bw_predict_window_parts(m, layer, err);
}
