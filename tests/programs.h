/* SPDX-License-Identifier: MIT
 *
 * Small programs in memory, for tests. Run stn_program_check on one before
 * anything else reads it. */
#ifndef STN_TESTS_PROGRAMS_H
#define STN_TESTS_PROGRAMS_H

#include "test.h"
#include "base/rng.h"
#include "pack/program_image.h"
#include "setun/simulate.h"
#include <stdio.h>
#include <string.h>

static inline stn_program_image *new_image(stn_shape input, int n_classes)
{
    static const char *const names[] = {"cat", "dog", "owl", "\"\xc3\xa9\""};
    stn_program_image *image = stn_alloc(1, sizeof *image);
    image->values = stn_arena_alloc(&image->arena, 64, sizeof(stn_value));
    image->instructions =
        stn_arena_alloc(&image->arena, 64, sizeof(stn_instruction));
    image->values[0] = (stn_value){"pixels", input, STN_TYPE_U8, 1, 0, 0, 1};
    stn_program *p = &image->program;
    p->values = image->values;
    p->instructions = image->instructions;
    p->input = input;
    p->n_values = 1;
    p->n_classes = n_classes;
    p->class_names = names;
    strcpy(p->name, "tiny");
    return image;
}

/* Appends an instruction over value `from`; returns the new value's index. */
static inline int append(stn_program_image *image, const char *name, int from,
                         stn_instruction in, stn_type type, stn_shape shape)
{
    stn_program *p = &image->program;
    in.n_inputs = in.n_inputs ? in.n_inputs : 1;
    in.inputs[0] = from;
    in.output = p->n_values++;
    snprintf(in.name, sizeof in.name, "%s", name);
    stn_value *v = &image->values[in.output];
    *v = (stn_value){.shape = shape, .type = type, .scale = 0.5};
    snprintf(v->name, sizeof v->name, "%s out", name);
    image->instructions[p->n_instructions++] = in;
    return in.output;
}

static inline int8_t *random_codes(stn_program_image *image, stn_rng *rng,
                                   stn_code code, size_t n)
{
    int8_t *codes = stn_arena_alloc(&image->arena, n, 1);
    for (size_t i = 0; i < n; i++)
        codes[i] = code == STN_CODE_BINARY ? (stn_rng_below(rng, 2) ? 1 : -1)
                   : code == STN_CODE_TERNARY
                       ? (int8_t)((int)stn_rng_below(rng, 3) - 1)
                       : (int8_t)((int)stn_rng_below(rng, 255) - 127);
    return codes;
}

static inline int append_rescale(stn_program_image *image, const char *name,
                                 int from, int other, stn_type type, int shift)
{
    stn_shape shape = image->values[from].shape;
    size_t n = (size_t)shape.c;
    int32_t *m = stn_arena_alloc(&image->arena, 2 * n, sizeof *m);
    int64_t *a = stn_arena_alloc(&image->arena, n, sizeof *a);
    for (size_t c = 0; c < n; c++) {
        m[c] = 3 + (int32_t)c;
        m[n + c] = -2;
        a[c] = 5 * (int64_t)c - 7;
    }
    stn_instruction in = {.opcode = STN_RESCALE,
                          .n_inputs = other ? 2 : 1,
                          .inputs = {0, other},
                          .m0 = m,
                          .m1 = other ? m + n : NULL,
                          .a = a,
                          .shift = shift,
                          .lo = (int32_t)stn_type_min(type),
                          .hi = (int32_t)stn_type_max(type)};
    return append(image, name, from, in, type, shape);
}

static inline int append_sum(stn_program_image *image, const char *name,
                             int from, stn_opcode opcode, stn_code code,
                             int out, int k, int pad, int chunk)
{
    stn_rng rng = stn_rng_make(7, STN_RNG_TEST, (uint64_t)from);
    stn_shape x = image->values[from].shape;
    int in_channels = opcode == STN_CONV ? x.c : 1;
    size_t n = (size_t)out * (size_t)k * (size_t)k * (size_t)in_channels;
    stn_instruction in = {.opcode = opcode,
                          .kh = k,
                          .kw = k,
                          .stride = 1,
                          .pad = pad,
                          .weights = {.code = code,
                                      .out = out,
                                      .kh = k,
                                      .kw = k,
                                      .in = in_channels,
                                      .chunk = chunk}};
    in.weights.codes = random_codes(image, &rng, code, n);
    stn_shape y = {x.h + 2 * pad - k + 1, x.w + 2 * pad - k + 1, out};
    return append(image, name, from, in, STN_TYPE_S32, y);
}

static inline int append_pool(stn_program_image *image, const char *name,
                              int from, stn_opcode opcode, int k)
{
    stn_value *x = &image->values[from];
    stn_shape y = {x->shape.h / k, x->shape.w / k, x->shape.c};
    stn_instruction in = {.opcode = opcode, .kh = k, .kw = k, .stride = k};
    return append(image, name, from, in,
                  opcode == STN_MAX_POOL ? x->type : STN_TYPE_S32, y);
}

/* Every opcode, code, type and a two-input rescale. */
static inline stn_program_image *tiny(void)
{
    stn_program_image *p = new_image((stn_shape){6, 5, 2}, 4);
    int v = append_sum(p, "stem", 0, STN_CONV, STN_CODE_INT8, 5, 3, 1, 2);
    int skip = append_rescale(p, "act1", v, 0, STN_TYPE_S16, 6);
    v = append_sum(p, "b.dw", skip, STN_DEPTHWISE, STN_CODE_BINARY, 10, 3, 1,
                   1);
    v = append_rescale(p, "act2", v, 0, STN_TYPE_U8, 12);
    v = append_sum(p, "b.pw", v, STN_CONV, STN_CODE_TERNARY, 5, 1, 0, 3);
    v = append_rescale(p, "join", v, skip, STN_TYPE_S8, 9);
    v = append_pool(p, "max", v, STN_MAX_POOL, 2);
    v = append_pool(p, "mean", v, STN_SUM_POOL, 2);
    v = append_rescale(p, "act3", v, 0, STN_TYPE_S8, 4);
    v = append_sum(p, "fc", v, STN_CONV, STN_CODE_TERNARY, 4, 1, 0, 5);
    append_rescale(p, "logits", v, 0, STN_TYPE_S32, 0);
    return p;
}

/* The same over time: spikes of 9 steps (3 x 3 windows of 2), a padded and an
 * unpadded conv, pools before and after neurons, a fully connected layer. */
static inline stn_program_image *tiny_spiking(void)
{
    stn_instruction code = {.opcode = STN_RATE_CODE, .steps = 9};
    stn_instruction lif = {.opcode = STN_LIF, .leak = 205, .threshold = 300};
    stn_instruction sum = {.opcode = STN_SUM_STEPS};
    stn_program_image *p = new_image((stn_shape){6, 6, 2}, 4);
    int v = append(p, "code", 0, code, STN_TYPE_U8, (stn_shape){6, 6, 2});
    v = append_sum(p, "c1", v, STN_CONV, STN_CODE_INT8, 5, 3, 1, 2);
    v = append_pool(p, "p1", v, STN_SUM_POOL, 2);
    v = append_rescale(p, "i1", v, 0, STN_TYPE_S16, 2);
    v = append(p, "n1", v, lif, STN_TYPE_U8, (stn_shape){3, 3, 5});
    int skip = v;
    v = append_sum(p, "dw", v, STN_DEPTHWISE, STN_CODE_BINARY, 5, 3, 1, 1);
    v = append_rescale(p, "i2", v, skip, STN_TYPE_S16, 0);
    lif.threshold = 5;
    v = append(p, "n2", v, lif, STN_TYPE_U8, (stn_shape){3, 3, 5});
    v = append_sum(p, "c2", v, STN_CONV, STN_CODE_TERNARY, 6, 2, 0, 5);
    v = append_rescale(p, "i3", v, 0, STN_TYPE_S16, 0);
    v = append(p, "n3", v, lif, STN_TYPE_U8, (stn_shape){2, 2, 6});
    v = append_pool(p, "max", v, STN_MAX_POOL, 2);
    v = append_sum(p, "fc", v, STN_CONV, STN_CODE_INT8, 4, 1, 0, 6);
    v = append(p, "sum", v, sum, STN_TYPE_S32, (stn_shape){1, 1, 4});
    append_rescale(p, "logits", v, 0, STN_TYPE_S32, 0);
    return p;
}

/* The program on the machine: exact, and predicted as it is counted. */
static inline stn_simulation *simulate_exactly(const stn_machine *machine,
                                               const stn_program *program,
                                               const uint8_t *pixels,
                                               int n_pictures)
{
    stn_error err;
    stn_simulation *s = NULL;
    const stn_simulate_options o = {.pixels = pixels,
                                    .n_pictures = n_pictures,
                                    .threads = 1,
                                    .check = STN_CHECK_ALL};
    assert_ok(stn_simulate(machine, program, &o, &s, &err), err);
    assert_int_equal(s->n_mismatches, 0);
    assert_true(s->predicted_equals_counted);
    return s;
}

static inline void free_image(stn_program_image *image)
{
    stn_program_destroy(&image->program);
}

#endif
