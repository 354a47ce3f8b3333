/* SPDX-License-Identifier: MIT
 *
 * Comparison from the highest bit down, as in CMP-PIM (Angizi, He, Rakin &
 * Fan, DAC 2018; its micro-program is not available to us, docs/bitwise.md
 * has ours).
 *
 * A depthwise filter of one +1 and one -1, whose sums are only asked whether
 * they are negative, compares two positions of a channel. The shifted rows of
 * a channel lie under each other in one sub-array. For each pair and bit, two
 * rows are sensed together: their XOR tells the columns that are decided now.
 * If there are any, the first row is read again and its bit, latched, is the
 * result (its complement where the bit is a sign). When no column is left
 * undecided the rest is skipped; equal numbers leave a 1. */
#include "accel/bitwise_noise.h"
#include "base/compiler.h"
#include <math.h>
#include <string.h>

/* Only whether a sum is negative matters: clamp(1 + x, 0, 1). An outline has
 * no multipliers. */
static bool is_step(const stn_instruction *in, int channels)
{
    if (in->opcode != STN_RESCALE || in->n_inputs != 1 || in->shift ||
        in->lo != 0 || in->hi != 1)
        return false;
    for (int c = 0; in->m0 && c < channels; c++)
        if (in->m0[c] != 1 || in->a[c] != 1)
            return false;
    return true;
}

/* Places of the +1 and the -1 of filter o, when it has nothing else. */
static bool find_pair(const stn_weights *w, int o, bw_pair *pair)
{
    int taps = w->kh * w->kw, above = -1, below = -1;
    for (int t = 0; t < taps; t++) {
        int code = w->codes[o * taps + t];
        if (code == 0)
            continue;
        if ((code == 1 && above >= 0) || (code == -1 && below >= 0) ||
            (code != 1 && code != -1))
            return false;
        *(code == 1 ? &above : &below) = t;
    }
    *pair = (bw_pair){.filter = o, .above = above, .below = below};
    return above >= 0 && below >= 0;
}

bool bw_is_comparison(const bw_mapping *m, int index)
{
    const stn_program *p = m->program;
    const stn_instruction *in = &p->instructions[index];
    if (!m->options.comparator || m->options.logic != BW_LOGIC_SENSE ||
        in->opcode != STN_DEPTHWISE || in->kh * in->kw > BW_MAX_TAPS ||
        p->values[in->output].steps > 1 || index + 1 == p->n_instructions ||
        p->instructions[index + 1].inputs[0] != in->output ||
        !is_step(&p->instructions[index + 1], in->weights.out) ||
        p->values[p->instructions[index + 1].output].hi != 1)
        return false;
    for (int i = index + 2; i < p->n_instructions; i++)
        for (int k = 0; k < p->instructions[i].n_inputs; k++)
            if (p->instructions[i].inputs[k] == in->output)
                return false;
    bw_pair pair;
    for (int o = 0; in->weights.codes && o < in->weights.out; o++)
        if (!find_pair(&in->weights, o, &pair))
            return false;
    return true;
}

/* ---- layout */

/* Channel c: its pairs, and the kernel positions that any of them needs. */
static void fill_channel(const bw_layer *layer, int c, int channels,
                         bw_channel *channel, bw_pair *pairs)
{
    const stn_weights *w = &layer->in->weights;
    int n = w->out / channels, taps = w->kh * w->kw;
    *channel = (bw_channel){.line = c, .n = n};
    if (w->outline) { /* positions that n random pairs leave untouched */
        double missed = pow(1.0 - 2.0 / taps, n);
        channel->n_taps = (int)lround(taps * (1.0 - missed));
        return;
    }
    for (int k = 0; k < n; k++) {
        find_pair(w, c + k * channels, &pairs[k]);
        channel->taps |= 1u << pairs[k].above | 1u << pairs[k].below;
    }
    for (int t = 0; t < taps; t++)
        channel->n_taps += (int)(channel->taps >> t & 1u);
}

/* Channels share a sub-array while their rows fit: shifted operands, and one
 * row of results for each pair. */
static stn_status form_groups(const bw_mapping *m, bw_layer *layer,
                              stn_error *err)
{
    bw_compare *p = &layer->compare;
    const bw_value *x = &m->values[layer->in->inputs[0]];
    for (int c = 0; c < p->n_channels;) {
        bw_group group = {.first = c};
        int rows = 0;
        for (; c < p->n_channels; c++, group.n++) {
            const bw_channel *channel = &p->channels[c];
            int more = channel->n_taps * bw_line_of(x, channel->line)->width +
                       channel->n;
            if (rows + more > m->rows ||
                (m->options.filters && group.n &&
                 (group.n + 1) * channel->n > m->options.filters))
                break;
            rows += more;
        }
        if (!group.n)
            return stn_fail(err, STN_E_UNSUPPORTED,
                            "%s: %d shifted operands of %d rows and %d results "
                            "do not fit a sub-array of %d rows",
                            layer->in->name, p->channels[c].n_taps, x->bits,
                            p->channels[c].n, m->rows);
        p->groups[p->n_groups++] = group;
    }
    return STN_OK;
}

stn_status bw_map_compare(bw_mapping *m, bw_layer *layer, stn_error *err)
{
    const bw_value *x = &m->values[layer->in->inputs[0]];
    const bw_value *y = &m->values[layer->in->output];
    bw_compare *p = &layer->compare;
    int per_channel = layer->in->weights.out / x->shape.c;
    p->n_channels = x->shape.c;
    p->result =
        m->program->instructions[layer->in - m->program->instructions + 1]
            .output;
    size_t n = (size_t)p->n_channels;
    p->channels = stn_arena_alloc(&m->arena, n, sizeof *p->channels);
    p->groups = stn_arena_alloc(&m->arena, n, sizeof *p->groups);
    p->pairs =
        stn_arena_alloc(&m->arena, n * (size_t)per_channel, sizeof *p->pairs);
    if (!p->channels || !p->groups || !p->pairs)
        return stn_fail_memory(err, "the pairs of a comparison");
    for (int c = 0; c < p->n_channels; c++) {
        fill_channel(layer, c, p->n_channels, &p->channels[c],
                     p->pairs + (size_t)c * (size_t)per_channel);
        p->channels[c].first = c * per_channel;
    }
    STN_TRY(form_groups(m, layer, err));
    if (!layer->in->weights.outline)
        STN_TRY(bw_map_taps(m, layer, err));
    p->offset = m->n_words;
    m->n_words +=
        ((size_t)BW_MAX_TAPS * (size_t)x->bits + 1) * (size_t)y->words;
    bw_place_window(m, layer, (uint64_t)p->n_groups);
    return STN_OK;
}

/* ---- execution */

static uint64_t column_mask(int columns, int word)
{
    int left = columns - 64 * word;
    return left >= 64 ? UINT64_MAX : left > 0 ? ((uint64_t)1 << left) - 1 : 0;
}

/* One bit of all columns; `sensed` says where they differ, NULL: where they
 * do. Returns whether any was decided, and in *left whether any is not. */
STN_CLONES
static bool compare_bit(int words, const uint64_t *a, const uint64_t *b,
                        const uint64_t *sensed, uint64_t flip,
                        uint64_t *undecided, uint64_t *result, bool *left)
{
    uint64_t some = 0, rest = 0;
    for (int w = 0; w < words; w++) {
        uint64_t differ = sensed ? sensed[w] : a[w] ^ b[w];
        uint64_t decided = undecided[w] & differ;
        result[w] = (result[w] & ~decided) | ((a[w] ^ flip) & decided);
        undecided[w] &= ~decided;
        some |= decided;
        rest |= undecided[w];
    }
    *left = rest != 0;
    return some != 0;
}

void bw_run_pair(const bw_comparison *c, stn_ledger_row *part)
{
    bool left = true;
    for (int w = 0; w < c->words; w++)
        c->undecided[w] = c->result[w] = column_mask(c->columns, w);
    for (int b = c->bits - 1; b >= 0 && left; b--) {
        const uint64_t *row_a = c->a + (size_t)b * (size_t)c->words;
        const uint64_t *row_b = c->b + (size_t)b * (size_t)c->words;
        bool sign = c->is_signed && b == c->bits - 1;
        stn_ledger_post(part, STN_EVENT_row_logic2, c->tiles, 1);
        const uint64_t *differ = NULL;
        if (c->noise)
            differ = bw_noise_differ(c->noise, c, b, &row_a);
        if (compare_bit(c->words, row_a, row_b, differ, sign ? UINT64_MAX : 0,
                        c->undecided, c->result, &left))
            stn_ledger_post(part, STN_EVENT_row_read, c->tiles, 1);
    }
    bw_noise_write(c->noise, c->result, c->cells_result, c->words);
    stn_ledger_post(part, STN_EVENT_row_write, c->tiles, 1);
}

/* One channel on its way through a group's sub-array. */
typedef struct passage {
    const bw_state *state;
    const bw_mapping *m;
    const bw_layer *layer;
    int group;
    stn_ledger_row *part;
} passage;

/* Cells of row b of the slot of kernel position t. */
static size_t slot_cells(const passage *s, int t, int b)
{
    const bw_value *x = &s->m->values[s->layer->in->inputs[0]];
    const bw_value *y = &s->m->values[s->layer->in->output];
    size_t slot = (size_t)s->group * BW_MAX_TAPS + (size_t)t;
    return s->layer->places.operand +
           (slot * (size_t)x->bits + (size_t)b) * 64 * (size_t)y->words;
}

/* Shifts row b of an input line into the slot of kernel position `tap`. */
static void fetch(const passage *s, int tap, int line, int b, uint64_t *to)
{
    const bw_value *x = &s->m->values[s->layer->in->inputs[0]];
    const bw_value *y = &s->m->values[s->layer->in->output];
    const uint64_t *from = bw_read_row(s->state, x, line, b);
    bw_row_gather(&s->layer->window.taps[tap], x, 0, from, y, to);
    bw_noise_write(s->state->noise, to, slot_cells(s, tap, b), y->words);
    stn_ledger_post(s->part, STN_EVENT_row_read, (uint64_t)x->tiles, 1);
    stn_ledger_post(s->part, STN_EVENT_link_bit, (uint64_t)y->columns, 1);
    stn_ledger_post(s->part, STN_EVENT_row_write, (uint64_t)y->tiles, 1);
}

static void run_channel(const passage *s, const bw_channel *channel)
{
    const bw_value *x = &s->m->values[s->layer->in->inputs[0]];
    const bw_value *y = &s->m->values[s->layer->in->output];
    const bw_value *result = &s->m->values[s->layer->compare.result];
    const bw_line *line = bw_line_of(x, channel->line);
    uint64_t *slots = s->state->words + s->layer->compare.offset;
    size_t slot = (size_t)x->bits * (size_t)y->words;
    size_t amplifiers = s->layer->places.amplifiers + (size_t)s->group * 64 *
                                                          BW_REFERENCES *
                                                          (size_t)y->words;
    for (int t = 0; t < BW_MAX_TAPS; t++)
        for (int b = 0; channel->taps >> t & 1 && b < line->width; b++)
            fetch(s, t, channel->line, b,
                  slots + (size_t)t * slot + (size_t)b * (size_t)y->words);
    for (int k = 0; k < channel->n; k++) {
        const bw_pair *pair = &s->layer->compare.pairs[channel->first + k];
        bw_run_pair(
            &(bw_comparison){
                .a = slots + (size_t)pair->above * slot,
                .b = slots + (size_t)pair->below * slot,
                .bits = line->width,
                .is_signed = line->is_signed,
                .words = y->words,
                .columns = y->columns,
                .tiles = (uint64_t)y->tiles,
                .undecided = slots + BW_MAX_TAPS * slot,
                .result = s->state->words + result->offset +
                          (size_t)pair->filter * (size_t)result->words,
                .noise = s->state->noise,
                .cells_a = slot_cells(s, pair->above, 0),
                .cells_b = slot_cells(s, pair->below, 0),
                .cells_result = result->cells + 64 * (size_t)pair->filter *
                                                    (size_t)result->words,
                .amplifiers = amplifiers},
            s->part);
    }
}

void bw_run_compare(const bw_state *state, const bw_layer *layer,
                    stn_ledger_row *row)
{
    const bw_mapping *m = state->m;
    const bw_compare *p = &layer->compare;
    stn_ledger_row slowest = {0};
    double slowest_s = -1.0;
    bw_post_kernels(layer, row);
    for (int g = 0; g < p->n_groups; g++) {
        stn_ledger_row part = {0};
        const bw_group *group = &p->groups[g];
        for (int c = group->first; c < group->first + group->n; c++)
            run_channel(&(passage){state, m, layer, g, &part}, &p->channels[c]);
        stn_ledger_join(row, &part, m->machine->event_latency_s, &slowest,
                        &slowest_s);
    }
    bw_join_end(layer, row, &slowest);
}

/* ---- prediction */

/* Expected activations of a pair: bits are independent, and differ with
 * probability 2 d (1 - d). Before bit k from the top a column is undecided
 * with probability q^k. */
static void expect(int columns, int bits, double density, double *logic,
                   double *reads)
{
    double q = 1.0 - 2.0 * density * (1.0 - density), undecided = 1.0;
    *logic = *reads = 0.0;
    for (int k = 0; k < bits; k++) {
        *logic += 1.0 - pow(1.0 - undecided, columns);
        *reads += 1.0 - pow(1.0 - undecided * (1.0 - q), columns);
        undecided *= q;
    }
}

void bw_predict_compare(const bw_mapping *m, const bw_layer *layer,
                        double density, stn_ledger_row *row)
{
    const bw_compare *p = &layer->compare;
    const bw_value *x = &m->values[layer->in->inputs[0]];
    const bw_value *y = &m->values[layer->in->output];
    uint64_t tiles = (uint64_t)y->tiles;
    stn_ledger_row slowest = {0};
    double slowest_s = -1.0;
    bw_post_kernels(layer, row);
    for (int g = 0; g < p->n_groups; g++) {
        stn_ledger_row part = {0};
        const bw_group *group = &p->groups[g];
        for (int c = group->first; c < group->first + group->n; c++) {
            const bw_channel *channel = &p->channels[c];
            int width = bw_line_of(x, channel->line)->width;
            uint64_t n = (uint64_t)channel->n;
            double logic = 0.0, reads = 0.0;
            expect(y->columns, width, density, &logic, &reads);
            bw_predict_fetch(m, layer, (uint64_t)(channel->n_taps * width),
                             &part);
            stn_ledger_post_steps(&part, STN_EVENT_row_logic2,
                                  (uint64_t)llround((double)n * logic), tiles);
            stn_ledger_post_steps(&part, STN_EVENT_row_read,
                                  (uint64_t)llround((double)n * reads), tiles);
            stn_ledger_post_steps(&part, STN_EVENT_row_write, n, tiles);
        }
        stn_ledger_join(row, &part, m->machine->event_latency_s, &slowest,
                        &slowest_s);
    }
    bw_join_end(layer, row, &slowest);
}
