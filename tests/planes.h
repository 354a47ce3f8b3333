/* SPDX-License-Identifier: MIT
 *
 * A network whose layers take every structure, from its training graph through
 * a file to the executors, and what must hold there. */
#ifndef STN_TESTS_PLANES_H
#define STN_TESTS_PLANES_H

#include "engines.h"
#include "base/rng.h"
#include "compress/compress.h"
#include "pack/lower.h"
#include "pack/write.h"
#include <math.h>
#include <unistd.h>

static const char network_text[] =
    "name: planes\n"
    "input: {height: 9, width: 8, channels: 3}\n"
    "layers:\n"
    "  - normalise: {mean: 0.5, std: 0.25}\n"
    "  - quantise: {name: pixels, signed: true, fixed: 2}\n"
    "  - conv: {name: stem, out: 12, kernel: 3, pad: 1}\n"
    "  - relu\n"
    "  - quantise: {name: a, fixed: 3.7123}\n"
    "  - conv: {name: grouped, out: 12, kernel: 3, stride: 2, groups: 3}\n"
    "  - relu\n"
    "  - quantise: {name: b, fixed: 3.8347}\n"
    "  - conv: {name: body, out: 10, kernel: 1}\n"
    "  - relu\n"
    "  - quantise: {name: c, fixed: 4.1719}\n"
    "  - linear: {name: flat, out: 14}\n"
    "  - relu\n"
    "  - quantise: {name: d, fixed: 7.9031}\n"
    "  - linear: {name: fc, out: 5}\n";

static const char *const structures[] = {
    "{blocks: {rows: 5, cols: 2, keep: 0.5}}",
    "{blocks: {rows: 1, cols: 2, keep: 0.5, inner_rows: 1, inner_cols: 1}}",
    "{permuted_diagonal: {p: 3}}",
    "{permuted_diagonal: {p: 5, order: random}}",
    "{circulant: {p: 4}}",
    "{sparse: {index_bits: 3}}",
};
enum { N_STRUCTURES = sizeof structures / sizeof structures[0] };
enum { N_PICTURES = 6, PIXELS = 9 * 8 * 3, N_CLASSES = 5 };

typedef struct network {
    stn_yaml_document *document, *rules;
    stn_graph *graph;
    stn_compression *compression;
} network;

static inline stn_status bind_rules(network *net, const char *text,
                                    const char *rules, stn_error *err)
{
    stn_error unexpected;
    *net = (network){0};
    assert_ok(stn_yaml_parse("net.yaml", text, &net->document, &unexpected),
              unexpected);
    assert_ok(stn_yaml_parse("rules.yaml", rules, &net->rules, &unexpected),
              unexpected);
    assert_ok(stn_graph_build(stn_yaml_root(net->document), NULL, &net->graph,
                              &unexpected),
              unexpected);
    stn_graph_init(net->graph, 3);
    return stn_compression_create(net->graph, stn_yaml_root(net->rules), NULL,
                                  4, &net->compression, err);
}

static inline void apply(const network *net)
{
    stn_error err;
    stn_pool *pool;
    assert_ok(stn_pool_create(1, NULL, &pool, &err), err);
    stn_compression_apply(net->compression, pool);
    stn_pool_destroy(pool);
}

/* `structure` and `penalty` on body, flat and fc of the network `text`; NULL:
 * none. */
static inline stn_status bind(network *net, const char *text,
                              const char *quantiser, const char *structure,
                              const char *penalty, stn_error *err)
{
    char rules[512];
    snprintf(rules, sizeof rules,
             "- {layers: \"*\", quantiser: %s}\n"
             "- {layers: \"[bf]*\", quantiser: %s%s%s%s%s}\n",
             quantiser, quantiser, structure ? ", structure: " : "",
             structure ? structure : "", penalty ? ", group: 3, penalty: " : "",
             penalty ? penalty : "");
    return bind_rules(net, text, rules, err);
}

static inline void build_text(network *net, const char *text,
                              const char *quantiser, const char *structure)
{
    stn_error err;
    assert_ok(bind(net, text, quantiser, structure, NULL, &err), err);
    /* Pruned, for what stores the rest. */
    for (int i = 0; i < net->compression->n; i++) {
        stn_param *p = net->compression->bindings[i].param;
        for (size_t k = 0; k < p->count; k++)
            if (fabsf(p->latent[k]) < 0.1f && structure &&
                strstr(structure, "sparse"))
                p->latent[k] = 0;
    }
    apply(net);
}

static inline void build(network *net, const char *quantiser,
                         const char *structure)
{
    build_text(net, network_text, quantiser, structure);
}

static inline void destroy(network *net)
{
    stn_compression_destroy(net->compression);
    stn_graph_destroy(net->graph);
    stn_yaml_destroy(net->rules);
    stn_yaml_destroy(net->document);
}

static inline const char *path_of(void)
{
    static char path[64];
    /* A disk takes its time to hold a thousand files for good. */
    snprintf(path, sizeof path, "%splanes.%ld.stn",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm/" : "", (long)getpid());
    return path;
}

/* Lowers, writes and reads. */
static inline stn_program *through_a_file(const network *net)
{
    stn_error err;
    stn_program *lowered = NULL, *read = NULL;
    assert_ok(stn_lower(net->graph, net->compression, NULL, &lowered, &err),
              err);
    assert_ok(stn_program_write(path_of(), lowered, NULL, 0, &err), err);
    assert_ok(stn_program_read(path_of(), &read, &err), err);
    stn_program_destroy(lowered);
    return read;
}

static inline const stn_weights *weights_of(const stn_program *p,
                                            const char *name)
{
    for (int i = 0; i < p->n_instructions; i++)
        if (strcmp(p->instructions[i].name, name) == 0)
            return &p->instructions[i].weights;
    fail_msg("no instruction %s", name);
    return NULL;
}

/* Element (r, c) of block (i, j) is w[(r - c) mod p] of the binding's
 * {…, Q p}. */
static inline void assert_blocks_repeat(const stn_weights *w,
                                        const stn_binding *b,
                                        const int8_t *codes)
{
    int p = b->layout.p, in = w->layout.flat ? w->kh * w->kw * w->in : w->in;
    size_t k = 0, cols = (size_t)b->shape.in;
    for (int o = 0; o < w->out; o++)
        for (size_t a = 0; a < (size_t)b->shape.area; a++)
            for (int c = 0; c < in; c++, k++) {
                size_t row = (size_t)(o / p) * (size_t)b->shape.area + a;
                size_t t = (size_t)((o % p - c % p + p) % p);
                size_t at = row * cols + (size_t)(c / p * p) + t;
                assert_int_equal(w->codes[k], codes[at]);
            }
    assert_int_equal(k, w->out * w->kh * w->kw * w->in);
}

static inline void assert_codes(const stn_weights *w, const stn_binding *b,
                                const int8_t *codes)
{
    if (b->layout.structure == STN_CIRCULANT)
        assert_blocks_repeat(w, b, codes);
    else
        assert_memory_equal(w->codes, codes, b->param->count);
    if (b->stored && b->layout.structure != STN_SPARSE)
        assert_int_equal(w->n_stored, b->stored->n);
    size_t bits = w->value_bits + w->index_bits;
    assert_true(8 * w->stored_bytes >= bits);
    assert_true(8 * w->stored_bytes < bits + 24);
}

/* Codes of the layers that are not spread over groups are the binding's. */
static inline void assert_same_codes(const network *net, const stn_program *p)
{
    static const char *const names[] = {"stem", NULL, "body", "flat", "fc"};
    for (int i = 0; i < 5; i++) {
        const stn_binding *b = &net->compression->bindings[i];
        char low[16];
        if (!names[i])
            continue;
        assert_codes(weights_of(p, names[i]), b, b->codes);
        snprintf(low, sizeof low, "%s" STN_LOW_SUFFIX, names[i]);
        if (b->low)
            assert_codes(weights_of(p, low), b, b->low);
    }
}

static inline void make_pictures(uint8_t pixels[N_PICTURES * PIXELS])
{
    stn_rng rng = stn_rng_make(5, STN_RNG_TEST, 0);
    for (size_t i = 0; i < N_PICTURES * PIXELS; i++)
        pixels[i] = (uint8_t)stn_rng_below(&rng, 256);
}
static inline void assert_executors_agree(const stn_program *p)
{
    stn_error err;
    uint8_t pixels[N_PICTURES * PIXELS];
    int32_t expected[N_PICTURES * N_CLASSES];
    make_pictures(pixels);
    for (size_t k = 0; k < N_PICTURES; k++)
        assert_ok(stn_reference_classify(p, pixels + k * PIXELS,
                                         expected + k * N_CLASSES, &err),
                  err);
    assert_engines_give(expected, p, pixels, N_PICTURES, 1);
}
#endif
