/* SPDX-License-Identifier: MIT
 *
 * Speed of oneDNN on one thread for the layers of bench_kernels, in float and
 * in 8 bits (u8 by s8 into s32), in the layouts that it chooses itself;
 * nothing but the primitive is timed. One JSON line each, as bench_kernels
 * prints them.
 *   bench_onednn [ROUNDS] */
#include "timing.h"
#include <dnnl.h>
#include <omp.h>
#include <stdbool.h>
#include <string.h>

#define ROUND_S 0.005

typedef struct layer {
    const char *name;
    int side, channels, out, window, groups; /* window 0: linear */
} layer;

/* clang-format off */
static const layer layers[] = {
    {"3x3 256-256 @14",       14,  256,  256, 3, 1},
    {"3x3 64-64 @56",         56,   64,   64, 3, 1},
    {"1x1 512-512 @14",       14,  512,  512, 1, 1},
    {"1x1 16-16 @32",         32,   16,   16, 1, 1},
    {"linear 4096-4096",       1, 4096, 4096, 0, 1},
    {"depthwise 3x3 256 @14", 14,  256,  256, 3, 256},
    {"depthwise 3x3 64 @112", 112,  64,   64, 3, 64},
    {"depthwise 3x3 16 @32",  32,   16,   16, 3, 16},
};
/* clang-format on */

#define N_LAYERS (sizeof layers / sizeof layers[0])

static void check(dnnl_status_t status, const char *what)
{
    if (status == dnnl_success)
        return;
    fprintf(stderr, "bench_onednn: %s: oneDNN status %d\n", what, (int)status);
    exit(1);
}

/* A description in any layout. */
static dnnl_memory_desc_t any(int n, const dnnl_dim_t *dims,
                              dnnl_data_type_t type)
{
    dnnl_memory_desc_t md;
    check(dnnl_memory_desc_init_by_tag(&md, n, dims, type, dnnl_format_tag_any),
          "layout");
    return md;
}

static dnnl_primitive_desc_t describe(const layer *l, bool is_float,
                                      dnnl_engine_t engine)
{
    dnnl_data_type_t x = is_float ? dnnl_f32 : dnnl_u8;
    dnnl_data_type_t w = is_float ? dnnl_f32 : dnnl_s8;
    dnnl_data_type_t y = is_float ? dnnl_f32 : dnnl_s32;
    dnnl_dim_t k = l->window, g = l->groups;
    dnnl_dims_t pad = {k / 2, k / 2};
    dnnl_dims_t x_dims = {1, l->channels, l->side, l->side};
    dnnl_dims_t y_dims = {1, l->out, l->side, l->side};
    dnnl_dims_t whole = {l->out, l->channels, k, k};
    dnnl_dims_t grouped = {g, l->out / g, l->channels / g, k, k};
    dnnl_dims_t stride = {1, 1};
    int n = k == 0 ? 2 : 4;
    dnnl_memory_desc_t xd = any(n, x_dims, x), yd = any(n, y_dims, y), wd;
    dnnl_primitive_desc_t desc;
    if (k == 0) {
        wd = any(2, whole, w);
        dnnl_inner_product_desc_t d;
        check(dnnl_inner_product_forward_desc_init(&d, dnnl_forward_inference,
                                                   &xd, &wd, NULL, &yd),
              l->name);
        check(dnnl_primitive_desc_create(&desc, &d, NULL, engine, NULL),
              l->name);
        return desc;
    }
    wd = g > 1 ? any(5, grouped, w) : any(4, whole, w);
    dnnl_convolution_desc_t d;
    check(dnnl_convolution_forward_desc_init(&d, dnnl_forward_inference,
                                             dnnl_convolution_direct, &xd, &wd,
                                             NULL, &yd, stride, pad, pad),
          l->name);
    check(dnnl_primitive_desc_create(&desc, &d, NULL, engine, NULL), l->name);
    return desc;
}

static dnnl_exec_arg_t argument(int arg, dnnl_primitive_desc_t desc,
                                dnnl_query_t what, dnnl_engine_t engine)
{
    const dnnl_memory_desc_t *md = dnnl_primitive_desc_query_md(desc, what, 0);
    dnnl_exec_arg_t a = {.arg = arg};
    check(dnnl_memory_create(&a.memory, md, engine, DNNL_MEMORY_ALLOCATE),
          "memory");
    void *data;
    check(dnnl_memory_get_data_handle(a.memory, &data), "memory");
    memset(data, 1, dnnl_memory_desc_get_size(md));
    return a;
}

typedef struct execution {
    dnnl_primitive_t primitive;
    dnnl_stream_t stream;
    const dnnl_exec_arg_t *arguments; /* 3 */
} execution;

static void execute(void *context)
{
    const execution *e = context;
    check(dnnl_primitive_execute(e->primitive, e->stream, 3, e->arguments),
          "a layer");
}

static void report(const layer *l, bool is_float, int rounds,
                   dnnl_engine_t engine, dnnl_stream_t stream)
{
    static double gops[BENCH_ROUNDS_MAX];
    dnnl_primitive_desc_t desc = describe(l, is_float, engine);
    dnnl_primitive_t primitive;
    check(dnnl_primitive_create(&primitive, desc), l->name);
    dnnl_exec_arg_t arguments[3] = {
        argument(DNNL_ARG_SRC, desc, dnnl_query_src_md, engine),
        argument(DNNL_ARG_WEIGHTS, desc, dnnl_query_weights_md, engine),
        argument(DNNL_ARG_DST, desc, dnnl_query_dst_md, engine),
    };
    double k = l->window ? l->window : 1;
    double operations =
        2.0 * l->side * l->side * l->out * k * k * l->channels / l->groups;
    execution e = {primitive, stream, arguments};
    bench_rounds_s(CLOCK_THREAD_CPUTIME_ID, ROUND_S, execute, &e, rounds, gops);
    for (int i = 0; i < rounds; i++)
        gops[i] = operations / gops[i] * 1e-9;
    bench_spread s = bench_spread_of(gops, rounds);
    const char *isa = getenv("DNNL_MAX_CPU_ISA");
    printf("{\"layer\": \"%s\", \"arithmetic\": \"%s\", "
           "\"program\": \"onednn\", \"level\": \"%s\", \"limit\": \"%s\", "
           "\"median\": %.2f, \"min\": %.2f, \"max\": %.2f}\n",
           l->name, is_float ? "float" : "int8 x 8 bits", isa ? "avx2" : "best",
           l->window == 0 ? is_float ? "memory32" : "memory8"
           : is_float     ? "float"
                          : "bytes",
           s.median, s.min, s.max);
    for (int i = 0; i < 3; i++)
        dnnl_memory_destroy(arguments[i].memory);
    dnnl_primitive_destroy(primitive);
    dnnl_primitive_desc_destroy(desc);
}

int main(int argc, char **argv)
{
    int rounds = bench_rounds(argv[0], argc > 1 ? argv[1] : "25");
    omp_set_num_threads(1);
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    check(dnnl_engine_create(&engine, dnnl_cpu, 0), "engine");
    check(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags),
          "stream");
    const dnnl_version_t *v = dnnl_version();
    printf("{\"version\": \"onednn\", \"is\": \"%d.%d.%d\"}\n", v->major,
           v->minor, v->patch);
    for (size_t i = 0; i < N_LAYERS; i++) {
        report(&layers[i], true, rounds, engine, stream);
        report(&layers[i], false, rounds, engine, stream);
    }
    dnnl_stream_destroy(stream);
    dnnl_engine_destroy(engine);
    return 0;
}
