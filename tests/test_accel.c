/* SPDX-License-Identifier: MIT
 *
 * The accelerator seam and the bitwise family: random programs executed on
 * bits against the reference interpreter, counts against closed forms, costs
 * against their own sums. */
#include "test.h"
#include "accel/bitwise.h"
#include "base/rng.h"
#include "pack/program_image.h"
#include "setun/outline.h"
#include <math.h>
#include <stdlib.h>

/* ---- Random programs ---------------------------------------------------- */

typedef struct maker {
    stn_program_image *image;
    stn_rng rng;
    int last; /* value that the next instruction reads */
} maker;

static int below(maker *m, int bound)
{
    return (int)stn_rng_below(&m->rng, (uint32_t)bound);
}

static maker begin(uint64_t seed, stn_shape input, int n_classes)
{
    static const char *const names[] = {"0", "1", "2", "3", "4",
                                        "5", "6", "7", "8", "9"};
    maker m = {.rng = stn_rng_make(seed, STN_RNG_TEST, 0)};
    m.image = stn_alloc(1, sizeof *m.image);
    m.image->values = stn_arena_alloc(&m.image->arena, 64, sizeof(stn_value));
    m.image->instructions =
        stn_arena_alloc(&m.image->arena, 64, sizeof(stn_instruction));
    m.image->values[0] =
        (stn_value){.name = "pixels", .shape = input, .type = STN_TYPE_U8};
    stn_program *p = &m.image->program;
    p->values = m.image->values;
    p->instructions = m.image->instructions;
    p->input = input;
    p->n_values = 1;
    p->n_classes = n_classes;
    p->class_names = names;
    strcpy(p->name, "random");
    return m;
}

static stn_shape shape_of(const maker *m)
{
    return m->image->values[m->last].shape;
}

static void append(maker *m, const char *name, stn_instruction in,
                   stn_type type, stn_shape shape)
{
    stn_program *p = &m->image->program;
    in.n_inputs = in.n_inputs ? in.n_inputs : 1;
    in.inputs[0] = m->last;
    in.output = m->last = p->n_values++;
    stn_value *v = &m->image->values[in.output];
    *v = (stn_value){.shape = shape, .type = type};
    snprintf(in.name, sizeof in.name, "%s%d", name, p->n_instructions);
    snprintf(v->name, sizeof v->name, "value%d", in.output);
    m->image->instructions[p->n_instructions++] = in;
}

static int8_t random_code(maker *m, stn_code code)
{
    if (code == STN_CODE_BINARY)
        return below(m, 2) ? 1 : -1;
    if (code == STN_CODE_TERNARY)
        return (int8_t)(below(m, 3) - 1);
    return (int8_t)(below(m, 255) - 127);
}

/* Codes with whole groups of zeros, where the code has a zero. */
static int8_t *random_codes(maker *m, const stn_weights *w)
{
    int8_t *codes = stn_arena_alloc(&m->image->arena, stn_weights_count(w), 1);
    int8_t *code = codes;
    for (int o = 0; o < w->out; o++) {
        bool dead = w->code != STN_CODE_BINARY && below(m, 5) == 0;
        uint32_t dead_chunks = below(m, 2) ? (uint32_t)stn_rng_u64(&m->rng) : 0;
        for (int k = 0; k < w->kh * w->kw; k++)
            for (int c = 0; c < w->in; c++, code++) {
                int8_t v = random_code(m, w->code);
                bool zero = dead || dead_chunks >> (c / w->chunk) % 32 & 1;
                *code = zero && w->code != STN_CODE_BINARY ? 0 : v;
            }
    }
    return codes;
}

static void append_conv(maker *m, stn_opcode opcode, stn_code code, int out,
                        int kh, int kw, int stride, int pad)
{
    stn_shape x = shape_of(m);
    bool depthwise = opcode == STN_DEPTHWISE;
    stn_instruction in = {
        .opcode = opcode, .kh = kh, .kw = kw, .stride = stride, .pad = pad};
    in.weights = (stn_weights){.code = code,
                               .out = depthwise ? out * x.c : out,
                               .kh = kh,
                               .kw = kw,
                               .in = depthwise ? 1 : x.c};
    in.weights.chunk = 1 + below(m, in.weights.in);
    in.weights.codes = random_codes(m, &in.weights);
    stn_shape y = {(x.h + 2 * pad - kh) / stride + 1,
                   (x.w + 2 * pad - kw) / stride + 1, in.weights.out};
    append(m, depthwise ? "depthwise" : "conv", in, STN_TYPE_S32, y);
}

/* Multipliers that spread the input's range over the output's type. */
static void append_rescale(maker *m, stn_type type, int other)
{
    stn_shape shape = shape_of(m);
    size_t n = (size_t)shape.c;
    int32_t *m0 = stn_arena_alloc(&m->image->arena, 2 * n, sizeof *m0);
    int64_t *a = stn_arena_alloc(&m->image->arena, n, sizeof *a);
    for (size_t c = 0; c < 2 * n; c++)
        m0[c] = below(m, 2000) - 600;
    for (size_t c = 0; c < n; c++)
        a[c] = below(m, 100000) - 50000;
    stn_instruction in = {.opcode = STN_RESCALE,
                          .n_inputs = other >= 0 ? 2 : 1,
                          .inputs = {0, other},
                          .m0 = m0,
                          .m1 = other >= 0 ? m0 + n : NULL,
                          .a = a,
                          .shift = 6 + below(m, 10)};
    in.lo =
        type == STN_TYPE_U8 || below(m, 2) ? 0 : (int32_t)stn_type_min(type);
    in.hi = (int32_t)stn_type_max(type) >> below(m, 4);
    append(m, "rescale", in, type, shape);
}

static void append_pool(maker *m, stn_opcode opcode)
{
    stn_shape x = shape_of(m);
    int kh = 1 + below(m, x.h < 3 ? x.h : 3);
    int kw = 1 + below(m, x.w < 3 ? x.w : 3), stride = 1 + below(m, 3);
    stn_type type =
        opcode == STN_MAX_POOL ? m->image->values[m->last].type : STN_TYPE_S32;
    append(m, "pool",
           (stn_instruction){
               .opcode = opcode, .kh = kh, .kw = kw, .stride = stride},
           type,
           (stn_shape){(x.h - kh) / stride + 1, (x.w - kw) / stride + 1, x.c});
}

static void append_activation(maker *m)
{
    static const stn_type types[] = {STN_TYPE_U8, STN_TYPE_S8, STN_TYPE_S16};
    append_rescale(m, types[below(m, 3)], -1);
}

static void append_block(maker *m)
{
    stn_shape x = shape_of(m);
    stn_code code = (stn_code)below(m, 3);
    int k = 1 + below(m, 3), pad = below(m, k);
    int before = m->last;
    if (x.h + 2 * pad < k || x.w + 2 * pad < k)
        pad = k - 1;
    switch (below(m, 6)) {
    case 0:
    case 1:
        append_conv(m, STN_CONV, code, 1 + below(m, 12), k, k, 1 + below(m, 2),
                    pad);
        if (below(m, 4) == 0)
            append_pool(m, STN_MAX_POOL);
        append_activation(m);
        break;
    case 2:
    case 3:
        append_conv(m, STN_DEPTHWISE, code, 1 + below(m, 2), k, k,
                    1 + below(m, 2), pad);
        append_activation(m);
        break;
    case 4:
        append_pool(m, below(m, 2) ? STN_MAX_POOL : STN_SUM_POOL);
        append_activation(m);
        break;
    default: /* residual */
        append_conv(m, STN_CONV, code, x.c, 1, 1, 1, 0);
        append_rescale(m, STN_TYPE_S16, before);
        break;
    }
}

static void finish(maker *m)
{
    stn_error err;
    if (below(m, 2)) {
        stn_shape x = shape_of(m);
        int pad = below(m, 2);
        append_conv(m, STN_CONV, (stn_code)below(m, 3), 1 + below(m, 600),
                    x.h + 2 * pad, x.w + 2 * pad, 1, pad);
        append_activation(m);
        if (below(m, 2)) {
            append_conv(m, STN_DEPTHWISE, STN_CODE_INT8, 1, 3, 3, 1, 1);
            append_activation(m);
        }
    }
    stn_shape x = shape_of(m);
    append_conv(m, STN_CONV, (stn_code)below(m, 3), m->image->program.n_classes,
                x.h, x.w, 1, 0);
    if (below(m, 2))
        append_rescale(m, STN_TYPE_S32, -1);
    assert_ok(stn_program_check(m->image, "random", &err), err);
}

static stn_program *random_program(uint64_t seed)
{
    stn_rng rng = stn_rng_make(seed, STN_RNG_TEST, 1);
    stn_shape input = {1 + (int)stn_rng_below(&rng, 30),
                       1 + (int)stn_rng_below(&rng, 30),
                       1 + (int)stn_rng_below(&rng, 3)};
    maker m = begin(seed, input, 10);
    for (int blocks = 1 + below(&m, 3); blocks; blocks--)
        append_block(&m);
    finish(&m);
    return &m.image->program;
}

static uint8_t *random_pixels(const stn_program *program, int n, uint64_t seed)
{
    stn_rng rng = stn_rng_make(seed, STN_RNG_TEST, 2);
    size_t size = stn_shape_count(program->input) * (size_t)n;
    uint8_t *pixels = stn_alloc(size, 1);
    for (size_t i = 0; i < size; i++)
        pixels[i] = (uint8_t)stn_rng_u64(&rng);
    return pixels;
}

static stn_machine *load(const char *name, const char *set)
{
    stn_error err;
    stn_machine *machine = NULL;
    assert_ok(stn_machine_load(name, &set, set != NULL, &machine, &err), err);
    return machine;
}

/* Machine `name` with a chip on which nearly nothing fits: half as many
 * sub-arrays as `program` needs, and those of its values. */
static stn_machine *load_small(const char *name, const stn_program *program)
{
    stn_error err;
    stn_machine *machine = load(name, "options.stream=true");
    bw_options *options = machine->attrs;
    void *mapping = NULL;
    uint64_t most = 0, values = 0;
    assert_ok(machine->type->map(machine, program, &mapping, &err), err);
    for (int i = 0; i < program->n_instructions; i++) {
        stn_placement p = {0};
        machine->type->place(mapping, i, &p);
        if (program->instructions[i].weights.codes)
            most = p.sub_arrays > most ? p.sub_arrays : most;
        else
            values += p.sub_arrays;
    }
    machine->type->unmap(mapping);
    options->sub_arrays = (int)(values + (most + 1) / 2);
    return machine;
}

/* ---- Costs -------------------------------------------------------------- */

static void assert_close(double a, double b)
{
    double scale = a > b ? a : b;
    if (!(a - b <= 1e-9 * scale && b - a <= 1e-9 * scale))
        fail_msg("%.17g and %.17g differ", a, b);
}

static void check_sums(const stn_simulation *s)
{
    stn_cost sum = {0};
    double events_j = 0.0;
    for (int i = 0; i < s->n_layers; i++) {
        assert_non_null(s->layers[i].name);
        for (int c = 0; c < STN_COMPONENT_COUNT; c++)
            sum.energy_j[c] += s->layers[i].cost.energy_j[c];
        sum.latency_s += s->layers[i].cost.latency_s;
        sum.area_m2 += s->layers[i].cost.area_m2;
        sum.sub_arrays += s->layers[i].cost.sub_arrays;
    }
    for (int c = 0; c < STN_COMPONENT_COUNT; c++)
        assert_close(sum.energy_j[c], s->total.energy_j[c]);
    assert_close(sum.latency_s, s->total.latency_s);
    assert_close(sum.area_m2, s->total.area_m2);
    assert_int_equal(sum.sub_arrays, s->total.sub_arrays);
    for (int e = 0; e < s->n_events; e++)
        events_j += s->events[e].energy_j;
    assert_close(events_j + s->total.energy_j[STN_COMPONENT_LEAKAGE],
                 stn_cost_energy_j(&s->total));
    assert_true(s->total.utilisation > 0.0 && s->total.utilisation <= 1.0);
    for (int i = 0; i < s->n_layers; i++) {
        const stn_cost *cost = &s->layers[i].cost;
        double energy_j = cost->energy_j[STN_COMPONENT_LEAKAGE], latency_s = 0;
        for (int e = 0; e < s->n_layer_events; e++)
            if (s->layer_events[e].layer == i) {
                assert_in_range(s->layer_events[e].event, 0, s->n_events - 1);
                energy_j += s->layer_events[e].energy_j;
                latency_s += s->layer_events[e].latency_s;
            }
        assert_close(energy_j, stn_cost_energy_j(cost));
        assert_close(latency_s, cost->latency_s);
    }
}

/* ---- Tests -------------------------------------------------------------- */

/* Every family stands here, with each option that changes what it does. */
static const struct {
    const char *name, *set;
} machines[] = {{"bdnet-sot", NULL},
                {"bdnet-sot", "options.carry=latch"},
                {"cmp-pim", NULL},
                {"bdnet-sot-lstp", "options.filters=1"},
                {"bdnet-sot-current", "options.filters=3"},
                {"imce", NULL},
                {"imce", "options.replicas=7"},
                {"imce", "options.filters=20"},
                {"imce", "options.replicas=0"},
                {"bdnet-sot-small", NULL},
                {"imce-small", NULL},
                {"dram-ambit", NULL},
                {"dram-drisa", NULL},
                {"reram-digital", NULL},
                {"sram-cache", NULL},
                {"mram-lowbit-stt", NULL},
                {"mram-lowbit-sot", "options.sums=add"},
                {"isaac-like", NULL},
                {"isaac-like", "options.active_rows=37"},
                {"isaac-like", "options.signs=offset"},
                {"isaac-like", "options.copies=3"},
                {"bitslice-isaac", NULL},
                {"bitslice-isaac", "options.skip_zero_columns=true"},
                {"prime-like", NULL}};

/* Execution equals the reference, counts equal the prediction, and a total is
 * the sum of its parts, on machines of every option. */
static void
random_programs_run_like_the_reference_at_the_predicted_cost(void **state)
{
    (void)state;
    const size_t n = sizeof machines / sizeof machines[0];
    for (uint64_t seed = 0; seed < 180; seed++) {
        stn_error err;
        stn_program *program = random_program(seed);
        uint8_t *pixels = random_pixels(program, 2, seed);
        const char *name = machines[seed % n].name;
        stn_machine *machine = strcmp(name, "bdnet-sot-small") == 0
                                   ? load_small("bdnet-sot", program)
                               : strcmp(name, "imce-small") == 0
                                   ? load_small("imce", program)
                                   : load(name, machines[seed % n].set);
        stn_simulation *s = NULL;
        stn_simulate_options o = {.pixels = pixels,
                                  .n_pictures = 2,
                                  .threads = 1,
                                  .check = STN_CHECK_ALL};
        assert_ok(stn_simulate(machine, program, &o, &s, &err), err);
        if (s->n_mismatches || !s->predicted_equals_counted)
            fail_msg("seed %d: %d mismatches, prediction %s", (int)seed,
                     s->n_mismatches,
                     s->predicted_equals_counted ? "holds" : "fails");
        check_sums(s);
        stn_simulation_destroy(s);
        stn_machine_destroy(machine);
        stn_free(pixels);
        stn_program_destroy(program);
    }
}

/* Latency may not depend on the number of columns other than downwards, down
 * to sub-arrays that cut every row into tiles. */
static void wider_sub_arrays_are_never_slower(void **state)
{
    (void)state;
    for (uint64_t seed = 100; seed < 110; seed++) {
        stn_error err;
        stn_program *program = random_program(seed);
        uint8_t *pixels = random_pixels(program, 1, seed);
        stn_machine *machine = load("bdnet-sot", NULL);
        double before_s = INFINITY;
        for (int columns = 16; columns <= 2048; columns *= 2) {
            stn_simulation *s = NULL;
            stn_simulate_options o = {.pixels = pixels,
                                      .n_pictures = 1,
                                      .threads = 1,
                                      .check = STN_CHECK_ALL};
            machine->array.columns = columns;
            ((bw_options *)machine->attrs)->sub_arrays = 1 << 20;
            assert_ok(stn_simulate(machine, program, &o, &s, &err), err);
            assert_int_equal(s->n_mismatches, 0);
            assert_true(s->predicted_equals_counted);
            assert_true(s->total.latency_s <= before_s * (1.0 + 1e-12));
            before_s = s->total.latency_s;
            stn_simulation_destroy(s);
        }
        stn_machine_destroy(machine);
        stn_free(pixels);
        stn_program_destroy(program);
    }
}

/* One ternary depthwise layer of 4 filters on a 16 x 16 picture of 4
 * channels; the filters in `dead` are zero. */
static stn_program *depthwise_program(unsigned dead)
{
    stn_error err;
    maker m = begin(7, (stn_shape){16, 16, 4}, 2);
    append_conv(&m, STN_DEPTHWISE, STN_CODE_TERNARY, 1, 3, 3, 1, 1);
    stn_instruction *in = &m.image->instructions[0];
    int8_t *codes = stn_arena_alloc(&m.image->arena, 36, 1);
    for (int k = 0; k < 36; k++)
        codes[k] = dead >> (k / 9) & 1 ? 0 : k % 2 ? 1 : -1;
    in->weights.codes = codes;
    append_rescale(&m, STN_TYPE_U8, -1);
    append_conv(&m, STN_CONV, STN_CODE_BINARY, 2, 16, 16, 1, 0);
    assert_ok(stn_program_check(m.image, "depthwise", &err), err);
    return &m.image->program;
}

static stn_ledger_row predicted_row(const stn_program *program, int index)
{
    stn_error err;
    stn_machine *machine = load("bdnet-sot", NULL);
    stn_ledger ledger = {0};
    void *mapping = NULL;
    assert_ok(machine->type->map(machine, program, &mapping, &err), err);
    assert_ok(stn_ledger_init(&ledger, program->n_instructions, &err), err);
    machine->type->predict(mapping, NULL, &ledger);
    stn_ledger_row row = ledger.rows[index];
    stn_ledger_deinit(&ledger);
    machine->type->unmap(mapping);
    stn_machine_destroy(machine);
    return row;
}

/* Filters 1 and 2 are alike, so killing either or both takes away the same,
 * once or twice; a layer of dead filters activates nothing but the row that
 * says so (and instruction 0 writes the picture: 4 channels of 8 rows). */
static void a_dead_group_costs_nothing(void **state)
{
    (void)state;
    stn_program *none = depthwise_program(0), *two = depthwise_program(4);
    stn_program *both = depthwise_program(5), *all = depthwise_program(15);
    stn_ledger_row r0 = predicted_row(none, 0), r2 = predicted_row(two, 0);
    stn_ledger_row r02 = predicted_row(both, 0), rall = predicted_row(all, 0);
    uint64_t saved =
        r0.total[STN_EVENT_row_logic3] - r2.total[STN_EVENT_row_logic3];
    assert_true(saved > 0);
    assert_int_equal(r2.total[STN_EVENT_row_logic3] -
                         r02.total[STN_EVENT_row_logic3],
                     saved);
    assert_int_equal(rall.total[STN_EVENT_row_logic3], 0);
    assert_int_equal(rall.total[STN_EVENT_row_logic2], 0);
    assert_int_equal(rall.total[STN_EVENT_row_read], 1);
    assert_int_equal(rall.total[STN_EVENT_row_write], 4 * 8);
    stn_program_destroy(none);
    stn_program_destroy(two);
    stn_program_destroy(both);
    stn_program_destroy(all);
}

#define ADDER_WORDS 64 /* 4096 columns: every pair of two 6-bit numbers */

static void put(uint64_t *rows, int column, int width, int64_t value)
{
    for (int b = 0; b < width; b++)
        rows[b * ADDER_WORDS + column / 64] |= ((uint64_t)value >> b & 1)
                                               << (column % 64);
}

static int64_t take(const uint64_t *rows, int column, int width)
{
    int64_t value = 0;
    for (int b = 0; b < width; b++)
        value |=
            (int64_t)(rows[b * ADDER_WORDS + column / 64] >> (column % 64) & 1)
            << b;
    return value & (1 << (width - 1)) ? value - (1 << width) : value;
}

/* A ± (B << shift) for all 6-bit A and B. `kind` BW_ADD starts from A, lying
 * complemented when B is subtracted; the others start from nothing. */
static void try_adder(bw_kind kind, bool subtract, bool is_signed, int shift,
                      const bw_options *options)
{
    enum { WIDTH = 12 };
    static uint64_t acc[WIDTH * ADDER_WORDS], b[6 * ADDER_WORDS];
    static uint64_t carry[ADDER_WORDS];
    static void (*const run[])(const bw_sum *, bw_tally *) = {
        bw_rows_copy, bw_rows_negate, bw_rows_add};
    stn_ledger_row counted = {0}, predicted = {0};
    bw_tally tally = {.row = &counted,
                      .arrays = 3,
                      .logic = options->logic,
                      .latch = options->carry == BW_CARRY_LATCH};
    uint32_t high = UINT32_MAX << shift;
    bw_sum sum = {.acc = acc,
                  .width = WIDTH,
                  .words = ADDER_WORDS,
                  .operand = b,
                  .bits = 6,
                  .is_signed = is_signed,
                  .shift = shift,
                  .invert = subtract ? high : 0,
                  .carry = carry};
    bw_line line = {.width = 6, .is_signed = is_signed};
    memset(acc, 0, sizeof acc);
    memset(b, 0, sizeof b);
    memset(carry, 0x5a, sizeof carry);
    for (int i = 0; i < 4096; i++) {
        uint32_t a = (uint32_t)(i / 64 - 32);
        put(acc, i, WIDTH, subtract ? a ^ high : a);
        put(b, i, 6, i % 64 - (is_signed ? 32 : 0));
    }
    run[kind](&sum, &tally);
    for (int i = 0; i < 4096; i++) {
        int a = kind == BW_ADD ? i / 64 - 32 : 0;
        int x = (i % 64 - (is_signed ? 32 : 0)) * (1 << shift);
        assert_int_equal(take(acc, i, WIDTH), subtract ? a - x : a + x);
    }
    bw_predict_step(&predicted,
                    &(bw_step){.kind = (uint8_t)kind,
                               .shift = (uint8_t)shift,
                               .invert = sum.invert},
                    WIDTH, &line, 3, options);
    assert_memory_equal(&counted, &predicted, sizeof counted);
}

static void the_ripple_adder_is_right_for_all_pairs_and_both_signs(void **state)
{
    (void)state;
    static const bw_options options[] = {{.carry = BW_CARRY_ROW},
                                         {.carry = BW_CARRY_LATCH},
                                         {.logic = BW_LOGIC_MAJORITY},
                                         {.logic = BW_LOGIC_GATES}};
    for (int k = 0; k < 48; k++) {
        int shift = k % 3 * 2;
        bool is_signed = k / 3 % 2, subtract = k / 6 % 2;
        const bw_options *o = &options[k / 12];
        try_adder(BW_ADD, subtract, is_signed, shift, o);
        try_adder(subtract ? BW_NEGATE : BW_COPY, subtract, is_signed, shift,
                  o);
    }
}

/* The estimate of a fully connected layer, given the measured density of
 * ones, is near the count. */
static void skipped_bits_are_predicted_from_their_density(void **state)
{
    (void)state;
    stn_error err;
    maker m = begin(3, (stn_shape){20, 20, 1}, 10);
    append_conv(&m, STN_CONV, STN_CODE_TERNARY, 300, 20, 20, 1, 0);
    append_rescale(&m, STN_TYPE_S8, -1);
    append_conv(&m, STN_CONV, STN_CODE_INT8, 10, 1, 1, 1, 0);
    assert_ok(stn_program_check(m.image, "dense", &err), err);
    stn_program *p = &m.image->program;
    uint8_t *pixels = random_pixels(p, 1, 3);
    stn_machine *machine = load("bdnet-sot", NULL);
    stn_ledger counted = {0}, predicted = {0};
    void *mapping = NULL;
    int32_t logits[10];
    double density[3] = {0};
    assert_ok(machine->type->map(machine, p, &mapping, &err), err);
    assert_ok(stn_ledger_init(&counted, 3, &err), err);
    assert_ok(stn_ledger_init(&predicted, 3, &err), err);
    void *scratch = stn_alloc(machine->type->scratch_bytes(mapping), 1);
    machine->type->execute(mapping, pixels, logits, scratch, &counted);
    for (int i = 0; i < 3; i += 2) {
        assert_true(counted.rows[i].input_bits > 0);
        density[i] = (double)counted.rows[i].input_ones /
                     (double)counted.rows[i].input_bits;
    }
    machine->type->predict(mapping, density, &predicted);
    for (int i = 0; i < 3; i += 2)
        for (int e = 0; e < STN_EVENT_COUNT; e++) {
            double c = (double)counted.rows[i].total[e];
            double x = (double)predicted.rows[i].total[e];
            if (x < 0.9 * c || x > 1.1 * c)
                fail_msg("%s: predicted %g, counted %g", stn_events[e].name, x,
                         c);
        }
    stn_free(scratch);
    stn_ledger_deinit(&predicted);
    stn_ledger_deinit(&counted);
    machine->type->unmap(mapping);
    stn_machine_destroy(machine);
    stn_free(pixels);
    stn_program_destroy(p);
}

/* Predicts `p`, then the same program without its weights. */
static void predict_both(const stn_machine *machine, maker *m,
                         stn_simulation *s[2])
{
    stn_error err;
    stn_program *p = &m->image->program;
    stn_simulate_options o = {0};
    for (int k = 0; k < 2; k++) {
        assert_ok(stn_simulate(machine, p, &o, &s[k], &err), err);
        for (int i = 0; i < p->n_instructions; i++) {
            stn_weights *w = &m->image->instructions[i].weights;
            if (!w->codes)
                continue;
            stn_weight_outline *outline =
                stn_arena_alloc(&m->image->arena, 1, sizeof *outline);
            outline->bits = w->code == STN_CODE_BINARY    ? 1
                            : w->code == STN_CODE_TERNARY ? 2
                                                          : 8;
            outline->density =
                (double)w->n_nonzero / (double)stn_weights_count(w);
            outline->blocks = 1;
            w->outline = outline;
        }
    }
}

/* Of many random weights, the expectation and the exact sum are close. */
static void a_layer_without_weights_costs_what_random_weights_cost(void **state)
{
    (void)state;
    for (int k = 0; k < 3; k++) {
        stn_error err;
        stn_simulation *s[2];
        maker m = begin(31, (stn_shape){24, 24, 3}, 10);
        append_conv(&m, STN_CONV, (stn_code)k, 96, 3, 3, 1, 1);
        m.image->instructions[0].weights.chunk = 3;
        append_rescale(&m, STN_TYPE_U8, -1);
        append_conv(&m, STN_DEPTHWISE, (stn_code)k, 2, 3, 3, 1, 1);
        append_rescale(&m, STN_TYPE_S8, -1);
        append_conv(&m, STN_CONV, (stn_code)k, 300, 24, 24, 1, 0);
        append_rescale(&m, STN_TYPE_U8, -1);
        append_conv(&m, STN_CONV, (stn_code)k, 10, 1, 1, 1, 0);
        for (int i = 0; i < m.image->program.n_instructions; i++) {
            stn_weights *w = &m.image->instructions[i].weights;
            int8_t *codes = (int8_t *)(uintptr_t)w->codes;
            for (size_t c = 0; codes && c < stn_weights_count(w); c++)
                codes[c] = random_code(&m, w->code);
        }
        assert_ok(stn_program_check(m.image, "outline", &err), err);
        stn_machine *machine = load("bdnet-sot", "options.sub_arrays=1000000");
        predict_both(machine, &m, s);
        for (int i = 0; i < s[0]->n_layers; i++) {
            double a = stn_cost_energy_j(&s[0]->layers[i].cost);
            double b = stn_cost_energy_j(&s[1]->layers[i].cost);
            if (b < 0.96 * a || b > 1.04 * a)
                fail_msg("%s, %s: %g J with weights, %g J without",
                         stn_code_name((stn_code)k), s[0]->layers[i].name, a,
                         b);
        }
        check_sums(s[1]);
        for (int i = 0; i < 2; i++)
            stn_simulation_destroy(s[i]);
        stn_machine_destroy(machine);
        stn_program_destroy(&m.image->program);
    }
}

static void results_do_not_depend_on_threads(void **state)
{
    (void)state;
    stn_error err;
    stn_program *program = random_program(5);
    uint8_t *pixels = random_pixels(program, 9, 5);
    stn_machine *machine = load("bdnet-sot", NULL);
    int32_t logits[2][90] = {{0}};
    stn_simulation *s[2] = {NULL};
    for (int k = 0; k < 2; k++) {
        stn_simulate_options o = {
            .pixels = pixels, .n_pictures = 9, .threads = 1 + 2 * k};
        assert_ok(stn_simulate(machine, program, &o, &s[k], &err), err);
        assert_ok(stn_simulate_classify(machine, program, pixels, 9, 1 + 2 * k,
                                        logits[k], &err),
                  err);
        assert_int_equal(s[k]->n_pictures, 9);
    }
    assert_memory_equal(logits[0], logits[1], sizeof logits[0]);
    assert_memory_equal(&s[0]->total, &s[1]->total, sizeof s[0]->total);
    stn_simulation_destroy(s[0]);
    stn_simulation_destroy(s[1]);
    stn_machine_destroy(machine);
    stn_free(pixels);
    stn_program_destroy(program);
}

static void a_program_that_does_not_fit_is_refused_with_numbers(void **state)
{
    (void)state;
    stn_error err;
    stn_program *program = random_program(1);
    stn_machine *machine = load("bdnet-sot", "options.sub_arrays=2");
    stn_simulation *s = NULL;
    stn_simulate_options o = {0};
    assert_refused(stn_simulate(machine, program, &o, &s, &err), err,
                   STN_E_UNSUPPORTED, "the machine has 2");
    ((bw_options *)machine->attrs)->sub_arrays = 4096;
    machine->array.rows = 16;
    assert_refused(stn_simulate(machine, program, &o, &s, &err), err,
                   STN_E_UNSUPPORTED, "rows");
    assert_null(s);
    stn_machine_destroy(machine);
    stn_program_destroy(program);
}

static stn_simulation *predict_outline(const char *network, const char *set1,
                                       const char *set2)
{
    stn_error err;
    const char *set[] = {set1, set2};
    stn_program *program = NULL;
    stn_machine *machine = NULL;
    stn_simulation *s = NULL;
    stn_outline_options o = stn_outline_defaults();
    assert_ok(stn_program_outline(network, &o, &program, &err), err);
    assert_ok(stn_machine_load("imce", set, 2, &machine, &err), err);
    assert_ok(
        stn_simulate(machine, program, &(stn_simulate_options){0}, &s, &err),
        err);
    check_sums(s);
    stn_machine_destroy(machine);
    stn_program_destroy(program);
    return s;
}

/* What does not stay is written every picture instead of once: the same rows
 * in all, more energy and time, no more sub-arrays than there are. */
static void a_network_that_does_not_fit_is_streamed(void **state)
{
    (void)state;
    stn_simulation *whole = predict_outline(
        "alexnet", "options.sub_arrays=4096", "options.stream=true");
    stn_simulation *small = predict_outline("alexnet", "options.sub_arrays=600",
                                            "options.stream=true");
    uint64_t rows[2] = {0};
    for (int i = 0; i < whole->n_layers; i++) {
        assert_int_equal(whole->layers[i].passes, 1);
        rows[0] += whole->layers[i].streamed_rows;
        rows[1] += small->layers[i].streamed_rows;
    }
    assert_int_equal(rows[0], 0);
    assert_true(rows[1] > 0);
    assert_true(small->total.sub_arrays <= 600);
    assert_true(whole->total.sub_arrays > 600);
    stn_machine *machine = load("imce", NULL);
    assert_close(whole->programming_energy_j,
                 small->programming_energy_j +
                     (double)rows[1] * machine->array.write_energy_j);
    assert_true(stn_cost_energy_j(&small->total) >
                stn_cost_energy_j(&whole->total));
    assert_true(small->total.latency_s > whole->total.latency_s);
    stn_machine_destroy(machine);
    stn_simulation_destroy(whole);
    stn_simulation_destroy(small);
}

/* As many copies as the chip holds make it faster, and never overflow it. */
static void spare_sub_arrays_hold_copies_of_weights(void **state)
{
    (void)state;
    double before_s = INFINITY;
    static const char *const chips[] = {"options.sub_arrays=1500",
                                        "options.sub_arrays=4096",
                                        "options.sub_arrays=20000"};
    for (int k = 0; k < 3; k++) {
        stn_simulation *s =
            predict_outline("resnet18", chips[k], "options.replicas=0");
        assert_true(s->total.sub_arrays <=
                    strtoull(strchr(chips[k], '=') + 1, NULL, 10));
        assert_true(s->total.latency_s < before_s);
        before_s = s->total.latency_s;
        stn_simulation_destroy(s);
    }
}

/* Layer `name` of a simulation, or a failure. */
static const stn_layer_cost *layer_of(const stn_simulation *s, const char *name)
{
    for (int i = 0; i < s->n_layers; i++)
        if (strcmp(s->layers[i].name, name) == 0)
            return &s->layers[i];
    fail_msg("there is no layer %s", name);
    return NULL;
}

/* LeNet-5, conv2: 16 filters of 5 x 5 x 6 at 10 x 10 positions. */
static void the_float_baseline_counts_every_product(void **state)
{
    (void)state;
    stn_error err;
    stn_machine *machine = load("bdnet-sot", NULL);
    stn_simulation *s = NULL;
    assert_ok(stn_simulate_float(machine, "lenet5", &s, &err), err);
    check_sums(s);
    double products =
        28 * 28 * 6 * 25 + 10 * 10 * 16 * 150 + 400 * 120 + 120 * 84 + 84 * 10;
    for (int e = 0; e < s->n_events; e++)
        if (strcmp(s->events[e].name, "fp32_mul") == 0)
            assert_close(s->events[e].count, products + 28 * 28);
    const stn_cost *conv2 = &layer_of(s, "conv2")->cost;
    assert_close(conv2->energy_j[STN_COMPONENT_LOGIC],
                 240000.0 * (3.7e-12 + 0.9e-12));
    assert_true(conv2->latency_s >= 240000.0 / 64 * 1e-9);
    assert_close(conv2->area_m2,
                 2 * (machine->array.area_m2 + machine->sub_array_logic_m2) +
                     64 * machine->float_unit_m2);
    stn_simulation_destroy(s);
    assert_int_not_equal(
        stn_simulate_float(machine, "no-such-network", &s, &err), STN_OK);
    stn_machine_destroy(machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            the_ripple_adder_is_right_for_all_pairs_and_both_signs),
        cmocka_unit_test(
            random_programs_run_like_the_reference_at_the_predicted_cost),
        cmocka_unit_test(wider_sub_arrays_are_never_slower),
        cmocka_unit_test(a_dead_group_costs_nothing),
        cmocka_unit_test(skipped_bits_are_predicted_from_their_density),
        cmocka_unit_test(
            a_layer_without_weights_costs_what_random_weights_cost),
        cmocka_unit_test(results_do_not_depend_on_threads),
        cmocka_unit_test(a_program_that_does_not_fit_is_refused_with_numbers),
        cmocka_unit_test(a_network_that_does_not_fit_is_streamed),
        cmocka_unit_test(spare_sub_arrays_hold_copies_of_weights),
        cmocka_unit_test(the_float_baseline_counts_every_product),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
