/* SPDX-License-Identifier: MIT
 *
 * Speed of ggml's CPU backend on one thread for a matrix of 4096 x 4096 by a
 * vector, in the formats of ternary, 4-bit and 8-bit weights; the vector is
 * quantised to 8 bits in the time measured, as ggml does in every product.
 *   ggml ROUNDS LEVEL */
#include "measure.h"
#include <ggml-cpu.h>
#include <ggml.h>

#define SIDE 4096

typedef struct format {
    enum ggml_type type;
    const char *arithmetic;
} format;

static const format formats[] = {
    {GGML_TYPE_TQ2_0, "ternary x 8 bits (TQ2_0)"},
    {GGML_TYPE_TQ1_0, "ternary x 8 bits (TQ1_0)"},
    {GGML_TYPE_Q8_0, "int8 x 8 bits (Q8_0)"},
    {GGML_TYPE_Q4_0, "4 bits x 8 bits (Q4_0)"},
};

typedef struct product {
    struct ggml_cgraph *graph;
    struct ggml_cplan plan;
} product;

static void run(void *context)
{
    product *p = context;
    if (ggml_graph_compute(p->graph, &p->plan) != GGML_STATUS_SUCCESS) {
        fprintf(stderr, "ggml: the product cannot be computed\n");
        exit(1);
    }
}

static float *random_ternary(void)
{
    float *x = malloc(sizeof *x * SIDE * SIDE);
    unsigned state = 1;
    if (!x)
        exit(1);
    for (size_t i = 0; i < (size_t)SIDE * SIDE; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (float)((int)((state >> 16) % 3) - 1);
    }
    return x;
}

static void report(const format *f, const float *weights, int rounds,
                   const char *level)
{
    struct ggml_init_params params = {.mem_size = (size_t)1 << 28};
    struct ggml_context *ctx = ggml_init(params);
    struct ggml_tensor *w = ggml_new_tensor_2d(ctx, f->type, SIDE, SIDE);
    struct ggml_tensor *x = ggml_new_tensor_1d(ctx, GGML_TYPE_F32, SIDE);
    struct ggml_tensor *y = ggml_mul_mat(ctx, w, x);
    product p = {.graph = ggml_new_graph(ctx)};
    ggml_quantize_chunk(f->type, weights, w->data, 0, SIDE, SIDE, NULL);
    for (int i = 0; i < SIDE; i++)
        ((float *)x->data)[i] = weights[i] * (float)(i % 127);
    ggml_build_forward_expand(p.graph, y);
    p.plan = ggml_graph_plan(p.graph, 1, NULL);
    p.plan.work_data = malloc(p.plan.work_size + 64);
    measure(&(row){"linear 4096-4096", f->arithmetic, "ggml", level,
                   2.0 * SIDE * SIDE, rounds, run, &p, NULL});
    free(p.plan.work_data);
    ggml_free(ctx);
}

int main(int argc, char **argv)
{
    int rounds = read_rounds(argc, argv);
    float *weights = random_ternary();
    printf("{\"version\": \"ggml\", \"is\": \"%s\"}\n", ggml_version());
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        report(&formats[i], weights, rounds, argv[2]);
    free(weights);
    return 0;
}
