/* SPDX-License-Identifier: MIT
 *
 * Sums by AND, bit-count and shift on bit-planes (IMCE; Angizi, He et al.,
 * ASP-DAC 2018): with planes p of the inputs and q of the weights,
 *     sum_i x_i w_i = sum_m sum_n 2^(m+n) count(p_m & q_n),
 * the sign planes of two's complement counting negative. Codes that are all
 * odd are w = 2q - z with unsigned q (binary: z = 1, one plane), and
 *     sum x w = 2 sum x q - z sum x,
 * where the last sum is counted once a window.
 *
 * Columns are the elements of a window, `fold` filters side by side where it
 * is short, cut into `slices` in as many sub-arrays where it is long. Rows
 * hold the weights' planes; the input's planes of one window are written
 * beside them, and each activation of one row of either goes to the counter
 * of the sub-array, whose accumulators hold one number a filter. */
#include "accel/bitwise_noise.h"
#include "base/compiler.h"

static int min(int a, int b)
{
    return a < b ? a : b;
}

static int div_up(int a, int b)
{
    return (a + b - 1) / b;
}

/* Blocks of filters that read a part of the channels each: those of an
 * outline, or those of weights whose live groups say so. */
static int blocks_of(const stn_weights *w)
{
    if (w->outline)
        return w->outline->blocks;
    int blocks = w->in / w->chunk;
    if (w->in % w->chunk || w->out % blocks)
        return 1;
    for (int g = 0; g < w->n_groups; g++)
        if (w->live[g] && g % blocks != g / blocks / (w->out / blocks))
            return 1;
    return blocks;
}

/* Planes of the weights. */
static void choose_planes(const stn_weights *w, bw_count *c)
{
    int lo = 0, hi = 0, odd = 1;
    size_t n = (size_t)w->out * (size_t)(w->kh * w->kw) * (size_t)w->in;
    c->planes = w->outline ? w->outline->bits : 1;
    c->offset = w->outline && w->outline->bits == 1;
    for (size_t i = 0; !w->outline && i < n; i++) {
        lo = w->codes[i] < lo ? w->codes[i] : lo;
        hi = w->codes[i] > hi ? w->codes[i] : hi;
        odd &= w->codes[i];
    }
    if (w->outline)
        return;
    if (odd)
        while (lo < -(1 << c->planes) || hi > 1 << c->planes)
            c->planes++;
    else
        while (lo < -(1 << (c->planes - 1)) || hi >= 1 << (c->planes - 1))
            c->planes++;
    c->offset = odd ? (1 << c->planes) - 1 : 0;
}

/* The o-th filter in the order of the columns. */
static int filter_at(const bw_layer *layer, const bw_value *x, int i)
{
    int out = layer->in->weights.out;
    if (layer->in->opcode != STN_DEPTHWISE)
        return i;
    int each = out / x->shape.c; /* filters of one channel side by side */
    return i % each * x->shape.c + i / each;
}

/* Planes of one filter's codes, block channels only. */
static void fill_planes(const bw_layer *layer, const bw_value *x, int i)
{
    const stn_weights *w = &layer->in->weights;
    const bw_count *c = &layer->count;
    int o = filter_at(layer, x, i), part = w->in / c->blocks;
    int first = o / (w->out / c->blocks) * part;
    uint64_t *planes =
        c->codes + (size_t)i * (size_t)c->planes * (size_t)c->words;
    for (int k = 0; k < c->window; k++) {
        size_t tap = (size_t)o * (size_t)(w->kh * w->kw) + (size_t)(k / part);
        int code = w->codes[tap * (size_t)w->in + (size_t)(first + k % part)];
        unsigned q = (unsigned)(c->offset ? (code + c->offset) / 2 : code);
        for (int n = 0; n < c->planes; n++)
            planes[n * c->words + k / 64] |= (uint64_t)(q >> n & 1) << (k % 64);
    }
}

/* Filters to groups: a sub-array, per slice, holds as many as its rows do. */
static stn_status form_groups(bw_mapping *m, bw_layer *layer, stn_error *err)
{
    bw_count *c = &layer->count;
    const bw_value *x = &m->values[layer->in->inputs[0]];
    int rows = (m->rows - x->bits) / c->planes;
    int out = layer->in->weights.out / c->blocks;
    if (rows < 1)
        return stn_fail(err, STN_E_UNSUPPORTED,
                        "%s: %d rows of weights beside %d of an input do not "
                        "fit a sub-array of %d rows",
                        layer->in->name, c->planes, x->bits, m->rows);
    if (m->options.filters)
        rows = min(rows, div_up(m->options.filters, c->fold));
    c->per = rows * c->fold;
    int each = div_up(out, c->per);
    c->n_groups = each * c->blocks;
    c->rows = (out / c->per * rows + div_up(out % c->per, c->fold)) * c->blocks;
    if (layer->in->weights.outline)
        return STN_OK;
    c->groups =
        stn_arena_alloc(&m->arena, (size_t)c->n_groups, sizeof *c->groups);
    if (!c->groups)
        return stn_fail_memory(err, "groups of filters");
    for (int g = 0; g < c->n_groups; g++) {
        int first = g % each * c->per;
        c->groups[g] =
            (bw_group){g / each * out + first, min(c->per, out - first)};
    }
    return STN_OK;
}

void bw_place_count(bw_mapping *m, bw_layer *layer)
{
    const bw_count *c = &layer->count;
    const bw_value *y = &m->values[layer->in->output];
    uint64_t copies = (uint64_t)c->slices * (uint64_t)c->replicas;
    double used = (double)c->window * layer->in->weights.out;
    layer->placement = (stn_placement){
        .sub_arrays = (uint64_t)c->n_groups * copies + bw_bank_arrays(m, y),
        .utilisation = used / ((double)c->rows * c->slices * m->columns),
        .weight_rows = (uint64_t)(c->rows * c->planes) * copies};
}

stn_status bw_map_count(bw_mapping *m, bw_layer *layer, stn_error *err)
{
    const stn_weights *w = &layer->in->weights;
    const bw_value *x = &m->values[layer->in->inputs[0]];
    const bw_value *y = &m->values[layer->in->output];
    bw_count *c = &layer->count;
    if (m->options.logic != BW_LOGIC_SENSE)
        return stn_fail(err, STN_E_UNSUPPORTED,
                        "%s: options.sums is count, which needs "
                        "options.logic: sense",
                        m->machine->name);
    choose_planes(w, c);
    c->blocks = layer->in->opcode == STN_DEPTHWISE ? 1 : blocks_of(w);
    c->window = w->kh * w->kw * (w->in / c->blocks);
    c->words = div_up(c->window, 64 * BW_WORDS) * BW_WORDS;
    c->fold = c->window < m->columns ? m->columns / c->window : 1;
    c->slices = div_up(c->window, m->columns);
    c->positions = y->shape.h * y->shape.w;
    c->replicas =
        min(m->options.replicas ? m->options.replicas : 1, c->positions);
    STN_TRY(form_groups(m, layer, err));
    bw_place_count(m, layer);
    size_t planes = (size_t)x->bits * (size_t)c->words;
    m->window_words = planes > m->window_words ? planes : m->window_words;
    if ((size_t)c->window > m->n_numbers)
        m->n_numbers = (size_t)c->window;
    if (w->outline)
        return STN_OK;
    c->codes = stn_arena_alloc(
        &m->arena, (size_t)w->out * (size_t)c->planes * (size_t)c->words,
        sizeof *c->codes);
    if (!c->codes)
        return stn_fail_memory(err, "the planes of a layer's weights");
    for (int i = 0; i < w->out; i++)
        fill_planes(layer, x, i);
    return STN_OK;
}

/* --- execution ------------------------------------------------------------*/

/* One window of the input on its way through one group. */
typedef struct passage {
    const bw_mapping *m;
    const bw_layer *layer;
    const bw_value *x, *y;
    const int32_t *numbers; /* of x, line by line */
    int32_t *window;        /* of one filter's channels */
    uint64_t *planes;       /* the same as rows */
    stn_ledger_row *part;
    bw_noise *noise; /* or NULL */
    int copy, slot;  /* of the weights, of the operand's rows */
} passage;

/* Cells of row b of the window in `segment`, of filter i's plane, and the
 * amplifiers of the segment. */
static size_t operand_cells(const passage *s, int segment, int b)
{
    const bw_count *c = &s->layer->count;
    size_t slot = (size_t)s->slot * (size_t)c->fold + (size_t)segment;
    return s->layer->places.operand +
           (slot * (size_t)s->x->bits + (size_t)b) * bw_count_columns(c);
}

static size_t weight_cells(const passage *s, int i, int plane)
{
    const bw_count *c = &s->layer->count;
    size_t filter = (size_t)s->copy * (size_t)s->layer->in->weights.out;
    return s->layer->places.weights +
           ((filter + (size_t)i) * (size_t)c->planes + (size_t)plane) *
               bw_count_columns(c);
}

static size_t segment_amplifiers(const passage *s, int segment)
{
    const bw_count *c = &s->layer->count;
    size_t slot = (size_t)s->slot * (size_t)c->fold + (size_t)segment;
    return s->layer->places.amplifiers +
           slot * BW_REFERENCES * bw_count_columns(c);
}

/* Elements that the filters of `channel` on see at position p. */
static void gather(const passage *s, int p, int channel)
{
    const stn_instruction *in = s->layer->in;
    const bw_count *c = &s->layer->count;
    int part = c->window / (in->kh * in->kw);
    size_t size = (size_t)(s->x->shape.h * s->x->shape.w);
    int32_t *to = s->window;
    for (int tap = 0; tap < in->kh * in->kw; tap++, to += part) {
        int r = p / s->y->shape.w * in->stride + tap / in->kw - in->pad;
        int q = p % s->y->shape.w * in->stride + tap % in->kw - in->pad;
        bool inside =
            r >= 0 && r < s->x->shape.h && q >= 0 && q < s->x->shape.w;
        const int32_t *from = s->numbers + (size_t)channel * size +
                              (size_t)(inside ? r * s->x->shape.w + q : 0);
        for (int k = 0; k < part; k++)
            to[k] = inside ? from[(size_t)k * size] : 0;
    }
}

/* The window as rows; a short one is packed element by element, which takes
 * less than transposing whole blocks. */
static void pack(const passage *s)
{
    const bw_count *c = &s->layer->count;
    if (c->window > 64) {
        const bw_value row = {
            .columns = c->window, .words = c->words, .lines = s->x->lines};
        bw_line_pack(&row, 0, s->window, s->planes);
        return;
    }
    for (int b = 0; b < s->x->bits; b++) {
        uint64_t word = 0;
        for (int k = 0; k < c->window; k++)
            word |= ((uint64_t)(uint32_t)s->window[k] >> b & 1) << k;
        s->planes[b * c->words] = word;
    }
}

/* The window as written to its segment of the operand rows. */
static void write_segment(const passage *s, int segment)
{
    const bw_count *c = &s->layer->count;
    pack(s);
    for (int b = 0; b < s->x->bits; b++)
        bw_noise_write(s->noise, s->planes + b * c->words,
                       operand_cells(s, segment, b), div_up(c->window, 64));
}

/* The planes of `segments` windows reach one operand row each. */
static void post_operand(const passage *s, int segments)
{
    const bw_count *c = &s->layer->count;
    uint64_t bits = (uint64_t)(c->window * segments);
    for (int b = 0; b < s->x->bits; b++) {
        stn_ledger_post(s->part, STN_EVENT_buffer_bit, bits, 1);
        stn_ledger_post(s->part, STN_EVENT_link_bit, bits, 1);
        stn_ledger_post(s->part, STN_EVENT_row_write, (uint64_t)c->slices, 1);
    }
}

/* One activation, whose result the counters of all slices take. */
static void post_count(const passage *s, stn_event activation)
{
    uint64_t slices = (uint64_t)s->layer->count.slices;
    stn_ledger_post(s->part, activation, slices, 1);
    stn_ledger_post(s->part, STN_EVENT_count_bit,
                    slices * (uint64_t)s->m->columns, 1);
}

STN_CLONES
static int64_t count_and(const uint64_t *a, const uint64_t *b, int words)
{
    int64_t sum = 0;
    for (int i = 0; i < words; i++)
        sum += __builtin_popcountll(a[i] & b[i]);
    return sum;
}

/* Weight of plane k among n, the last being the sign. */
static int64_t plane_weight(int k, int n, bool is_signed)
{
    int64_t weight = (int64_t)1 << k;
    return is_signed && k == n - 1 ? -weight : weight;
}

/* Sum of the window's elements; its counts are posted by the caller. */
static int64_t window_sum(const passage *s, int segment)
{
    const bw_count *c = &s->layer->count;
    int64_t sum = 0;
    int words = div_up(c->window, 64);
    for (int b = 0; b < s->x->bits; b++) {
        const uint64_t *plane = s->planes + b * c->words;
        const bw_row row = {plane, operand_cells(s, segment, b)};
        if (s->noise)
            plane = bw_noise_sense(s->noise, 1, &row,
                                   segment_amplifiers(s, segment), words);
        sum += plane_weight(b, s->x->bits, s->x->lines->is_signed) *
               count_and(plane, plane, words);
    }
    return sum;
}

/* Planes of weights, or of a window, in the simulator. */
typedef struct plane_set {
    const uint64_t *words; /* `stride` from plane to plane */
    int n;
    bool is_signed;
} plane_set;

/* Sum over all pairs of planes of their weighted counts. */
STN_CLONES
static int64_t weighted_counts(const plane_set *q, const plane_set *p,
                               int stride, int words)
{
    int64_t sum = 0;
    for (int n = 0; n < q->n; n++) {
        int64_t row = 0;
        for (int b = 0; b < p->n; b++) {
            const uint64_t *x = q->words + n * stride;
            const uint64_t *y = p->words + b * stride;
            int64_t count = __builtin_popcountll(x[0] & y[0]);
            for (int i = 1; i < words; i++)
                count += __builtin_popcountll(x[i] & y[i]);
            row += plane_weight(b, p->n, p->is_signed) * count;
        }
        sum += plane_weight(n, q->n, q->is_signed) * row;
    }
    return sum;
}

/* What errors of sensing add to that, for filter i. */
static int64_t weighted_errors(const passage *s, int i, int segment,
                               const plane_set *q, const plane_set *p)
{
    int stride = s->layer->count.words,
        words = div_up(s->layer->count.window, 64);
    size_t amplifiers = segment_amplifiers(s, segment);
    int64_t sum = 0;
    for (int n = 0; n < q->n; n++)
        for (int b = 0; b < p->n; b++) {
            const bw_row rows[2] = {
                {q->words + n * stride, weight_cells(s, i, n)},
                {p->words + b * stride, operand_cells(s, segment, b)}};
            sum += plane_weight(n, q->n, q->is_signed) *
                   plane_weight(b, p->n, p->is_signed) *
                   bw_noise_count(s->noise, rows, amplifiers, words);
        }
    return sum;
}

/* The counter's number for filter i, whose columns are those of `segment`. */
static int64_t filter_sum(const passage *s, int i, int segment, int64_t inputs)
{
    const bw_count *c = &s->layer->count;
    size_t filter = (size_t)s->copy * c->copy_words +
                    (size_t)i * (size_t)c->planes * (size_t)c->words;
    plane_set q = {c->codes + filter, c->planes, c->offset == 0};
    plane_set p = {s->planes, s->x->bits, s->x->lines->is_signed};
    int words = div_up(c->window, 64);
    int64_t sum = weighted_counts(&q, &p, c->words, words);
    if (s->noise)
        sum += weighted_errors(s, i, segment, &q, &p);
    return c->offset ? 2 * sum - c->offset * inputs : sum;
}

/* Filters [first, first + n) of the group's order share one weight row. A
 * depthwise row needs the windows of its own channels. */
static int64_t run_row(const passage *s, int p, int first, int n,
                       int64_t inputs, int32_t *out)
{
    const bw_count *c = &s->layer->count;
    bool own = s->layer->in->opcode == STN_DEPTHWISE;
    for (int k = 0; k < c->planes * s->x->bits; k++)
        post_count(s, STN_EVENT_row_logic2);
    for (int i = first; i < first + n; i++) {
        int o = filter_at(s->layer, s->x, i);
        if (own) {
            gather(s, p, o % s->x->shape.c);
            write_segment(s, i - first);
            if (i == first)
                post_operand(s, n);
            inputs = c->offset ? window_sum(s, i - first) : 0;
        }
        out[(size_t)o * (size_t)c->positions + (size_t)p] =
            (int32_t)filter_sum(s, i, i - first, inputs);
    }
    if (own && c->offset)
        for (int b = 0; b < s->x->bits; b++)
            post_count(s, STN_EVENT_row_read);
    return inputs;
}

/* Partial counts of the slices meet; numbers leave the accumulators. */
static void post_results(const passage *s, const bw_group *group)
{
    const bw_count *c = &s->layer->count;
    uint64_t n = (uint64_t)group->n, others = (uint64_t)(c->slices - 1);
    uint64_t bits = bw_group_bits(s->layer, s->x, s->y, group);
    uint64_t rounds = 0, columns = (uint64_t)s->m->columns;
    while ((1 << rounds) < c->slices)
        rounds++;
    stn_ledger_post(s->part, STN_EVENT_pool, n * others, n * rounds);
    stn_ledger_post(s->part, STN_EVENT_link_bit, bits * (others + 1),
                    (bits + columns - 1) / columns * (rounds + 1));
    stn_ledger_post(s->part, STN_EVENT_buffer_bit, bits,
                    (bits + columns - 1) / columns);
}

static void run_position(const passage *s, const bw_group *group, int p,
                         int32_t *out)
{
    const bw_count *c = &s->layer->count;
    int64_t inputs = 0;
    if (s->layer->in->opcode != STN_DEPTHWISE) {
        int out_each = s->layer->in->weights.out / c->blocks;
        gather(s, p,
               group->first / out_each *
                   (s->layer->in->weights.in / c->blocks));
        write_segment(s, 0);
        post_operand(s, 1);
        if (c->offset) {
            inputs = window_sum(s, 0);
            for (int b = 0; b < s->x->bits; b++)
                post_count(s, STN_EVENT_row_read);
        }
    }
    for (int f = 0; f < group->n; f += c->fold)
        run_row(s, p, group->first + f, min(c->fold, group->n - f), inputs,
                out);
    post_results(s, group);
}

void bw_run_count(const bw_mapping *m, const bw_layer *layer,
                  const bw_count_memory *memory, stn_ledger_row *row)
{
    const bw_count *c = &layer->count;
    stn_ledger_row slowest = {0};
    double slowest_s = -1.0;
    passage s = {.m = m,
                 .layer = layer,
                 .x = &m->values[layer->in->inputs[0]],
                 .y = &m->values[layer->in->output],
                 .numbers = memory->in,
                 .window = memory->window,
                 .planes = memory->planes,
                 .noise = memory->noise};
    for (int r = 0; r < c->replicas; r++)
        for (int g = 0; g < c->n_groups; g++) {
            stn_ledger_row part = {0};
            s.part = &part;
            s.copy = r;
            s.slot = r * c->n_groups + g;
            for (int p = r; p < c->positions; p += c->replicas)
                run_position(&s, &c->groups[g], p, memory->out);
            stn_ledger_join(row, &part, m->machine->event_latency_s, &slowest,
                            &slowest_s);
        }
    bw_join_end(layer, row, &slowest);
}

/* --- prediction -----------------------------------------------------------*/

uint64_t bw_group_bits(const bw_layer *layer, const bw_value *x,
                       const bw_value *y, const bw_group *group)
{
    if (y->flat || y->line_step == 0)
        return (uint64_t)group->n * (uint64_t)y->bits;
    uint64_t bits = 0;
    for (int i = group->first; i < group->first + group->n; i++)
        bits += (uint64_t)bw_line_of(y, filter_at(layer, x, i))->width;
    return bits;
}

static void post(stn_ledger_row *part, stn_event event, uint64_t each,
                 uint64_t steps)
{
    stn_ledger_post(part, event, each * steps, steps);
}

/* One group's work for `positions` windows. */
static void predict_group(const bw_mapping *m, const bw_layer *layer,
                          const bw_group *group, uint64_t positions,
                          stn_ledger_row *part)
{
    const bw_count *c = &layer->count;
    const bw_value *x = &m->values[layer->in->inputs[0]];
    const bw_value *y = &m->values[layer->in->output];
    bool own = layer->in->opcode == STN_DEPTHWISE;
    uint64_t n = (uint64_t)group->n, planes = (uint64_t)x->bits;
    uint64_t rows = (n + (uint64_t)c->fold - 1) / (uint64_t)c->fold;
    uint64_t operands = positions * planes * (own ? rows : 1);
    uint64_t moved = positions * planes * (uint64_t)c->window * (own ? n : 1);
    uint64_t ands = positions * planes * rows * (uint64_t)c->planes;
    uint64_t sums = c->offset ? operands : 0;
    uint64_t slices = (uint64_t)c->slices, columns = (uint64_t)m->columns;
    stn_ledger_post(part, STN_EVENT_buffer_bit, moved, operands);
    stn_ledger_post(part, STN_EVENT_link_bit, moved, operands);
    post(part, STN_EVENT_row_write, slices, operands);
    post(part, STN_EVENT_row_logic2, slices, ands);
    post(part, STN_EVENT_row_read, slices, sums);
    post(part, STN_EVENT_count_bit, slices * columns, ands + sums);

    uint64_t bits = bw_group_bits(layer, x, y, group), rounds = 0;
    uint64_t moves = positions * ((bits + columns - 1) / columns);
    while (((uint64_t)1 << rounds) < slices)
        rounds++;
    stn_ledger_post(part, STN_EVENT_pool, positions * n * (slices - 1),
                    positions * n * rounds);
    stn_ledger_post(part, STN_EVENT_link_bit, positions * bits * slices,
                    moves * (rounds + 1));
    stn_ledger_post(part, STN_EVENT_buffer_bit, positions * bits, moves);
}

/* `alike` groups beside each other, in full replicas and in those with one
 * position less. */
static void join_groups(const bw_mapping *m, const bw_layer *layer,
                        const bw_group *group, uint64_t alike,
                        stn_ledger_row *row, stn_ledger_row *slowest,
                        double *slowest_s)
{
    const bw_count *c = &layer->count;
    uint64_t longer = (uint64_t)(c->positions % c->replicas);
    uint64_t each = (uint64_t)(c->positions / c->replicas);
    for (uint64_t more = 0; more < 2; more++) {
        uint64_t times = more ? longer : (uint64_t)c->replicas - longer;
        stn_ledger_row part = {0};
        if (!times)
            continue;
        predict_group(m, layer, group, each + more, &part);
        for (int e = 0; e < STN_EVENT_COUNT; e++)
            part.total[e] *= alike * times;
        stn_ledger_join(row, &part, m->machine->event_latency_s, slowest,
                        slowest_s);
    }
}

/* Of an outline, groups are full but for the last of each block. */
void bw_predict_count(const bw_mapping *m, const bw_layer *layer,
                      stn_ledger_row *row)
{
    const bw_count *c = &layer->count;
    stn_ledger_row slowest = {0};
    double slowest_s = -1.0;
    uint64_t blocks = (uint64_t)c->blocks;
    int out = layer->in->weights.out / c->blocks;
    bw_group full = {.n = c->per}, rest = {.n = out % c->per};
    for (int g = 0; c->groups && g < c->n_groups; g++)
        join_groups(m, layer, &c->groups[g], 1, row, &slowest, &slowest_s);
    if (!c->groups && out >= c->per)
        join_groups(m, layer, &full, blocks * (uint64_t)(out / c->per), row,
                    &slowest, &slowest_s);
    if (!c->groups && rest.n)
        join_groups(m, layer, &rest, blocks, row, &slowest, &slowest_s);
    bw_join_end(layer, row, &slowest);
}
