/* SPDX-License-Identifier: MIT
 *
 * Random programs, machines by name, and sums that must hold, for tests of
 * accelerators. */
#ifndef STN_TESTS_ACCEL_H
#define STN_TESTS_ACCEL_H

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

static inline int below(maker *m, int bound)
{
    return (int)stn_rng_below(&m->rng, (uint32_t)bound);
}

static inline maker begin(uint64_t seed, stn_shape input, int n_classes)
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

static inline stn_shape shape_of(const maker *m)
{
    return m->image->values[m->last].shape;
}

static inline void append(maker *m, const char *name, stn_instruction in,
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

static inline int8_t random_code(maker *m, stn_code code)
{
    if (code == STN_CODE_BINARY)
        return below(m, 2) ? 1 : -1;
    if (code == STN_CODE_TERNARY)
        return (int8_t)(below(m, 3) - 1);
    return (int8_t)(below(m, 255) - 127);
}

/* Codes with whole groups of zeros, where the code has a zero. */
static inline int8_t *random_codes(maker *m, const stn_weights *w)
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

static inline void append_conv(maker *m, stn_opcode opcode, stn_code code,
                               int out, int kh, int kw, int stride, int pad)
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
static inline void append_rescale(maker *m, stn_type type, int other)
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

static inline void append_pool(maker *m, stn_opcode opcode)
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

static inline void append_activation(maker *m)
{
    static const stn_type types[] = {STN_TYPE_U8, STN_TYPE_S8, STN_TYPE_S16};
    append_rescale(m, types[below(m, 3)], -1);
}

static inline void append_block(maker *m)
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

static inline void finish(maker *m)
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

static inline stn_program *random_program(uint64_t seed)
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

/* Currents, neurons, and now and then a pool of their spikes. */
static inline void append_neurons(maker *m)
{
    stn_shape shape = {0};
    append_rescale(m, STN_TYPE_S16, -1);
    shape = shape_of(m);
    append(m, "lif",
           (stn_instruction){.opcode = STN_LIF,
                             .leak = below(m, 257),
                             .threshold = below(m, 4000)},
           STN_TYPE_U8, shape);
    if (below(m, 3) == 0)
        append_pool(m, STN_MAX_POOL);
}

/* One to nine time steps; over some of them split time. The program that it
 * borrows from is put in *from where it is split, and is to be destroyed
 * after it. */
static inline stn_program *random_spiking(uint64_t seed, stn_program **from)
{
    stn_error err;
    stn_rng rng = stn_rng_make(seed, STN_RNG_TEST, 3);
    stn_shape input = {3 + (int)stn_rng_below(&rng, 20),
                       3 + (int)stn_rng_below(&rng, 20),
                       1 + (int)stn_rng_below(&rng, 3)};
    maker m = begin(seed, input, 10);
    append(
        &m, "code",
        (stn_instruction){.opcode = STN_RATE_CODE, .steps = 1 + below(&m, 9)},
        STN_TYPE_U8, input);
    for (int blocks = 1 + below(&m, 3); blocks; blocks--) {
        stn_shape x = shape_of(&m);
        int k = 1 + below(&m, x.h < x.w ? x.h : x.w);
        k = k > 4 ? 4 : k;
        append_conv(&m, below(&m, 3) ? STN_CONV : STN_DEPTHWISE,
                    (stn_code)below(&m, 3), 1 + below(&m, 6), k, k,
                    1 + below(&m, 2), below(&m, k));
        if (below(&m, 3) == 0)
            append_pool(&m, STN_SUM_POOL);
        append_neurons(&m);
    }
    stn_shape x = shape_of(&m);
    append_conv(&m, STN_CONV, (stn_code)below(&m, 3), 1 + below(&m, 60), x.h,
                x.w, 1, 0);
    append_neurons(&m);
    x = shape_of(&m);
    append_conv(&m, STN_CONV, (stn_code)below(&m, 3), 10, x.h, x.w, 1, 0);
    append(&m, "sum", (stn_instruction){.opcode = STN_SUM_STEPS}, STN_TYPE_S32,
           (stn_shape){1, 1, 10});
    if (below(&m, 2))
        append_rescale(&m, STN_TYPE_S32, -1);
    assert_ok(stn_program_check(m.image, "spiking", &err), err);
    stn_program *split = NULL;
    int window = below(&m, 8);
    *from = NULL;
    if (!window || m.image->values[1].steps == 1)
        return &m.image->program;
    *from = &m.image->program;
    assert_ok(stn_program_split_time(*from, window, &split, &err), err);
    return split;
}

static inline uint8_t *random_pixels(const stn_program *program, int n,
                                     uint64_t seed)
{
    stn_rng rng = stn_rng_make(seed, STN_RNG_TEST, 2);
    size_t size = stn_shape_count(program->input) * (size_t)n;
    uint8_t *pixels = stn_alloc(size, 1);
    for (size_t i = 0; i < size; i++)
        pixels[i] = (uint8_t)stn_rng_u64(&rng);
    return pixels;
}

static inline stn_machine *load(const char *name, const char *set)
{
    stn_error err;
    stn_machine *machine = NULL;
    assert_ok(stn_machine_load(name, &set, set != NULL, &machine, &err), err);
    return machine;
}

/* Machine `name` with a chip on which nearly nothing fits: half as many
 * sub-arrays as the largest layer of `program` needs, and those of its values.
 * `option` says how many there are. */
static inline stn_machine *load_small(const char *name, const char *option,
                                      const stn_program *program)
{
    stn_error err;
    stn_machine *machine = load(name, NULL);
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
    stn_machine_destroy(machine);
    char room[64];
    snprintf(room, sizeof room, "options.%s=%llu", option,
             (unsigned long long)(values + (most + 1) / 2));
    const char *set[] = {"options.stream=true", room};
    assert_ok(stn_machine_load(name, set, 2, &machine, &err), err);
    return machine;
}

/* ---- Costs -------------------------------------------------------------- */

static inline void assert_close(double a, double b)
{
    double scale = a > b ? a : b;
    if (!(a - b <= 1e-9 * scale && b - a <= 1e-9 * scale))
        fail_msg("%.17g and %.17g differ", a, b);
}

static inline void check_sums(const stn_simulation *s)
{
    stn_cost sum = {0};
    double events_j = 0.0;
    for (int i = 0; i < s->n_layers; i++) {
        assert_non_null(s->layers[i].name);
        for (int c = 0; c < STN_COMPONENT_COUNT; c++)
            sum.energy_j[c] += s->layers[i].cost.energy_j[c];
        sum.latency_s += s->layers[i].cost.latency_s;
        for (int k = 0; k < STN_PART_COUNT; k++) {
            sum.area_m2[k] += s->layers[i].cost.area_m2[k];
            sum.leakage_j[k] += s->layers[i].cost.leakage_j[k];
        }
        sum.sub_arrays += s->layers[i].cost.sub_arrays;
    }
    for (int c = 0; c < STN_COMPONENT_COUNT; c++)
        assert_close(sum.energy_j[c], s->total.energy_j[c]);
    assert_close(sum.latency_s, s->total.latency_s);
    double leakage_j = 0.0;
    for (int k = 0; k < STN_PART_COUNT; k++) {
        assert_close(sum.area_m2[k], s->total.area_m2[k]);
        assert_close(sum.leakage_j[k], s->total.leakage_j[k]);
        leakage_j += s->total.leakage_j[k];
    }
    assert_close(leakage_j, s->total.energy_j[STN_COMPONENT_LEAKAGE]);
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

#endif
