/* SPDX-License-Identifier: MIT
 *
 * Where values and instructions lie, and how many sub-arrays that takes. */
#include "accel/bitwise_noise.h"

static int div_up(int a, int b)
{
    return (a + b - 1) / b;
}

void bw_line_size(bw_line *line)
{
    line->is_signed = line->lo < 0;
    int bits = line->lo || line->hi ? 1 : 0;
    if (line->is_signed)
        while (line->lo < -((int64_t)1 << (bits - 1)) ||
               line->hi >= (int64_t)1 << (bits - 1))
            bits++;
    else
        while (line->hi >= (int64_t)1 << bits)
            bits++;
    line->width = bits;
}

int bw_input_line(const bw_mapping *m, const stn_instruction *in, int o, int c)
{
    const bw_value *x = &m->values[in->inputs[0]];
    int channel = in->opcode == STN_DEPTHWISE ? o % x->shape.c : c;
    return x->flat ? 0 : channel;
}

/* P·lo − N·hi <= y <= P·hi − N·lo, product by product since each input line
 * has its own range, widened by the 0 of padding. A filter without nonzero
 * codes has width 0. */
void bw_filter_ranges(const bw_mapping *m, const stn_instruction *in,
                      bw_line *lines)
{
    const stn_weights *w = &in->weights;
    const bw_value *x = &m->values[in->inputs[0]];
    const int8_t *code = w->codes;
    for (int o = 0; o < w->out; o++) {
        bw_line y = {0};
        for (int k = 0; k < w->kh * w->kw; k++)
            for (int c = 0; c < w->in; c++, code++) {
                const bw_line *l = bw_line_of(x, bw_input_line(m, in, o, c));
                int64_t lo = l->lo < 0 ? l->lo : 0, hi = l->hi > 0 ? l->hi : 0;
                if (!l->width)
                    continue;
                y.lo += *code > 0 ? *code * lo : *code * hi;
                y.hi += *code > 0 ? *code * hi : *code * lo;
            }
        bw_line_size(&y);
        lines[o] = y;
    }
}

/* A fully connected layer: every output position sees the whole input. */
static bool is_neurons(const bw_mapping *m, const stn_instruction *in)
{
    const stn_shape y = m->program->values[in->output].shape;
    return in->opcode == STN_CONV && y.h == 1 && y.w == 1;
}

/* Ranges and rows of a value's lines; `in` is the conv or depthwise that
 * writes it, or NULL. */
static stn_status place_lines(bw_mapping *m, const stn_value *v,
                              const stn_instruction *in, bw_value *y,
                              stn_error *err)
{
    bool own = in && !in->weights.outline; /* each filter has its own range */
    bw_line *lines =
        stn_arena_alloc(&m->arena, own ? (size_t)v->shape.c : 1, sizeof *lines);
    if (!lines)
        return stn_fail_memory(err, "the lines of a value");
    y->lines = lines;
    y->line_step = own;
    if (own) {
        bw_filter_ranges(m, in, lines);
    } else {
        lines[0] = (bw_line){.lo = v->lo, .hi = v->hi};
        bw_line_size(&lines[0]);
    }
    if (own && y->flat) { /* all neurons share the rows: the widest range */
        for (int o = 1; o < v->shape.c; o++) {
            lines[0].lo = lines[o].lo < lines[0].lo ? lines[o].lo : lines[0].lo;
            lines[0].hi = lines[o].hi > lines[0].hi ? lines[o].hi : lines[0].hi;
        }
        bw_line_size(&lines[0]);
    }
    for (int l = 0; l < (own ? y->n_lines : 1); l++) {
        y->bits = lines[l].width > y->bits ? lines[l].width : y->bits;
        y->rows += (uint64_t)lines[l].width;
    }
    if (!own)
        y->rows *= (uint64_t)y->n_lines;
    return STN_OK;
}

/* Lines and rows of value `index`, written by `in` (NULL: the picture). */
static stn_status place_value(bw_mapping *m, int index,
                              const stn_instruction *in, stn_error *err)
{
    const stn_value *v = &m->program->values[index];
    bool product =
        in && (in->opcode == STN_CONV || in->opcode == STN_DEPTHWISE);
    bw_value y = {.shape = v->shape};
    y.flat =
        v->shape.h == 1 && v->shape.w == 1 && (!product || is_neurons(m, in));
    y.n_lines = y.flat ? 1 : v->shape.c;
    y.columns = y.flat ? v->shape.c : v->shape.h * v->shape.w;
    y.words = div_up(y.columns, 64 * BW_WORDS) * BW_WORDS;
    y.tiles = div_up(y.columns, m->columns);
    STN_TRY(place_lines(m, v, product ? in : NULL, &y, err));
    y.offset = m->n_words;
    size_t words = (size_t)y.n_lines * (size_t)y.bits * (size_t)y.words;
    y.step_words = v->steps > 1 ? words : 0;
    m->n_words += (size_t)v->steps * words;
    size_t numbers = stn_shape_count(v->shape);
    m->n_numbers = numbers > m->n_numbers ? numbers : m->n_numbers;
    m->values[index] = y;
    return STN_OK;
}

uint64_t bw_bank_arrays(const bw_mapping *m, const bw_value *v)
{
    uint64_t per_tile = (v->rows + (uint64_t)m->rows - 1) / (uint64_t)m->rows;
    return per_tile * (uint64_t)v->tiles;
}

void bw_place_digital(bw_mapping *m, bw_layer *layer)
{
    const bw_value *y = &m->values[layer->in->output];
    layer->placement = (stn_placement){
        .sub_arrays = bw_bank_arrays(m, y),
        .lanes = (uint64_t)m->options.lanes,
        .utilisation = (double)y->columns / (double)(y->tiles * m->columns)};
}

/* Sums that are never formed: no rows. */
static void place_nothing(bw_mapping *m, int index)
{
    static bw_line none; /* of width 0; nobody writes to it */
    bw_value y = {.shape = m->program->values[index].shape, .lines = &none};
    y.n_lines = y.shape.c;
    y.columns = y.shape.h * y.shape.w;
    y.words = div_up(y.columns, 64 * BW_WORDS) * BW_WORDS;
    y.tiles = div_up(y.columns, m->columns);
    m->values[index] = y;
}

/* A comparison and the step behind it are one. */
static stn_status place_compare(bw_mapping *m, int index, stn_error *err)
{
    bw_layer *layer = &m->layers[index];
    const stn_instruction *step = &m->program->instructions[index + 1];
    layer->unit = BW_COMPARE;
    m->layers[index + 1].in = step;
    m->layers[index + 1].unit = BW_NONE;
    m->layers[index + 1].placement.utilisation = 1.0;
    place_nothing(m, layer->in->output);
    STN_TRY(place_value(m, step->output, step, err));
    return bw_map_compare(m, layer, err);
}

/* Counted windows are composed of the whole input, and their results are
 * collected, in the buffer; what digital units work on passes it a line at a
 * time. Rows of other layers stay in sub-arrays. */
static uint64_t buffered_bits(const bw_mapping *m, const bw_layer *l)
{
    if (l->unit == BW_NONE || l->unit == BW_WINDOW || l->unit == BW_NEURONS)
        return 0;
    const bw_value *x = &m->values[l->in->inputs[0]];
    const bw_value *y = &m->values[l->in->output];
    uint64_t x_rows = l->unit == BW_COUNT ? x->rows : (uint64_t)x->bits;
    uint64_t y_rows = l->unit == BW_COUNT ? y->rows : (uint64_t)y->bits;
    return x_rows * (uint64_t)x->columns + y_rows * (uint64_t)y->columns;
}

static stn_status place_layer(bw_mapping *m, int index, stn_error *err)
{
    bw_layer *layer = &m->layers[index];
    const stn_instruction *in = &m->program->instructions[index];
    if (index && m->layers[index - 1].unit == BW_COMPARE)
        return STN_OK;
    layer->in = in;
    layer->steps = stn_neurons_steps(m->program, in);
    bool outline = in->weights.outline != NULL;
    if (bw_is_comparison(m, index))
        return place_compare(m, index, err);
    STN_TRY(place_value(m, in->output, in, err));
    if (in->opcode == STN_CONCAT) { /* lines stay where they are */
        layer->unit = BW_NONE;
        layer->placement.utilisation = 1.0;
    } else if (stn_opcode_is_time(in->opcode)) {
        layer->unit = BW_TIME;
        STN_TRY(bw_map_time(m, layer, err));
    } else if (in->opcode != STN_CONV && in->opcode != STN_DEPTHWISE) {
        layer->unit = BW_DIGITAL;
        bw_place_digital(m, layer);
    } else if (m->options.sums == BW_SUMS_COUNT) {
        layer->unit = BW_COUNT;
        STN_TRY(bw_map_count(m, layer, err));
    } else if (is_neurons(m, in)) {
        layer->unit = BW_NEURONS;
        STN_TRY(outline ? bw_outline_neurons(m, layer, err)
                        : bw_map_neurons(m, layer, err));
    } else {
        layer->unit = BW_WINDOW;
        STN_TRY(outline ? bw_outline_window(m, layer, err)
                        : bw_map_window(m, layer, err));
    }
    if (index == 0)
        layer->placement.sub_arrays += bw_bank_arrays(m, &m->values[0]);
    layer->placement.buffer_bits = buffered_bits(m, layer);
    return STN_OK;
}

/* Rows of the largest input of a fully connected layer, which is read once. */
static size_t read_words(const bw_mapping *m)
{
    size_t most = 0;
    for (int i = 0; i < m->program->n_instructions; i++) {
        const bw_layer *layer = &m->layers[i];
        if (layer->unit != BW_NEURONS)
            continue;
        const bw_value *x = &m->values[layer->in->inputs[0]];
        size_t words = (size_t)x->n_lines * (size_t)x->bits * (size_t)x->words;
        most = words > most ? words : most;
    }
    return most;
}

/* One operand slot and one carry row, wide enough for every value. */
static void place_scratch(bw_mapping *m)
{
    size_t words = 0;
    for (int v = 0; v < m->program->n_values; v++)
        if ((size_t)m->values[v].words > words)
            words = (size_t)m->values[v].words;
    m->operand_offset = m->n_words;
    m->n_words += BW_MAX_WIDTH * words;
    m->carry_offset = m->n_words;
    m->n_words += words;
    m->window_offset = m->n_words;
    m->n_words += m->window_words;
    if (!bw_is_noisy(m->machine))
        return;
    m->noise_words = words > m->window_words ? words : m->window_words;
    m->noise_offset = m->n_words;
    m->n_words += BW_NOISE_ROWS * m->noise_words;
    m->read_offset = m->n_words;
    m->n_words += read_words(m);
}

static stn_status check_logic(const bw_mapping *m, stn_error *err)
{
    const stn_array *a = &m->machine->array;
    if (a->shares_charge ? m->options.logic != BW_LOGIC_SENSE
                         : m->options.logic != BW_LOGIC_MAJORITY)
        return STN_OK;
    return stn_fail(
        err, STN_E_UNSUPPORTED,
        "%s: options.logic: got %s, but rows of %s that are activated together "
        "%s; expected %s",
        m->machine->name, a->shares_charge ? "sense" : "majority", a->cell,
        a->shares_charge ? "share charge and cannot be told apart"
                         : "are sensed and keep their bits",
        a->shares_charge ? "majority or gates" : "sense or gates");
}

static stn_status map_all(bw_mapping *m, stn_error *err)
{
    const stn_program *p = m->program;
    m->values =
        stn_arena_alloc(&m->arena, (size_t)p->n_values, sizeof *m->values);
    m->layers = stn_arena_alloc(&m->arena, (size_t)p->n_instructions,
                                sizeof *m->layers);
    if (!m->values || !m->layers)
        return stn_fail_memory(err, "a mapping");
    if (m->machine->array.cell_bits > 1)
        return stn_fail(err, STN_E_UNSUPPORTED,
                        "%s: cells of %d bits have no row logic, one bit a "
                        "cell is needed",
                        m->machine->name, m->machine->array.cell_bits);
    STN_TRY(check_logic(m, err));
    if ((bw_is_noisy(m->machine) || m->machine->aged) &&
        m->options.logic != BW_LOGIC_SENSE)
        return stn_fail(err, STN_E_UNSUPPORTED,
                        "%s: errors are modelled where rows are sensed "
                        "together, options.logic: sense",
                        m->machine->name);
    STN_TRY(place_value(m, 0, NULL, err));
    for (int i = 0; i < p->n_instructions; i++)
        STN_TRY(place_layer(m, i, err));
    place_scratch(m);
    return bw_fit(m, err);
}

stn_status bw_map(const stn_machine *machine, const stn_program *program,
                  void **mapping, stn_error *err)
{
    bw_mapping *m = stn_alloc(1, sizeof *m);
    if (!m)
        return stn_fail_memory(err, "a mapping");
    m->machine = machine;
    m->program = program;
    m->options = *(const bw_options *)machine->attrs;
    m->rows = machine->array.rows;
    m->columns = machine->array.columns;
    stn_status status = map_all(m, err);
    if (status != STN_OK) {
        bw_unmap(m);
        return status;
    }
    *mapping = m;
    return STN_OK;
}

void bw_unmap(void *mapping)
{
    bw_mapping *m = mapping;
    if (!m)
        return;
    bw_cells_destroy(m->cells);
    stn_arena_deinit(&m->arena);
    stn_free(m);
}
