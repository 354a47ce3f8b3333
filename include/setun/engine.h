/* SPDX-License-Identifier: MIT
 *
 * The engine: runs an integer program fast on this CPU, with the reference
 * interpreter's bits. Part of libsetun-rt. */
#ifndef STN_ENGINE_H
#define STN_ENGINE_H

#include "setun/program.h"

/* Kernel levels, each including the ones before it: those of x86 or of ARM,
 * as the library is built for. */
typedef enum stn_cpu_level {
    STN_CPU_REF,                     /* scalar C */
    STN_CPU_AVX2,                    /* x86 */
    STN_CPU_AVX512,                  /* F, BW, VL, DQ and VNNI */
    STN_CPU_NEON = STN_CPU_AVX2,     /* ARM of 64 bits */
    STN_CPU_DOTPROD = STN_CPU_AVX512 /* SDOT and UDOT */
} stn_cpu_level;

#define STN_CPU_LEVELS 3

/* The best level that this CPU and operating system offer. */
stn_cpu_level stn_cpu_detect(void);
const char *stn_cpu_level_name(stn_cpu_level level); /* "ref", "avx2", … */

typedef struct stn_engine_options {
    stn_cpu_level level; /* refused when above stn_cpu_detect() */
    int threads;         /* 0: all CPUs */
} stn_engine_options;

stn_engine_options stn_engine_defaults(void);

typedef struct stn_engine stn_engine;

/* Plans order, memory and kernels, and lays weights out for them. The program
 * is borrowed and must outlive the engine. */
stn_status stn_engine_create(const stn_program *program,
                             const stn_engine_options *options,
                             stn_engine **out, stn_error *err);
void stn_engine_destroy(stn_engine *engine); /* NULL is legal */

/* Classifies n pictures (n * h * w * c pixels) into n * n_classes int32.
 * Allocates nothing. Pictures are spread over threads; a single one is cut
 * into rows. One caller at a time. */
stn_status stn_engine_run(stn_engine *engine, const uint8_t *pixels, int n,
                          int32_t *logits, stn_error *err);

/* What the plan chose for instruction `index` ("ternary_u8_conv_avx2", or
 * "fused into NAME"). */
const char *stn_engine_kernel_name(const stn_engine *engine, int index);
/* Bytes of activation memory for one picture, and of laid-out weights. */
size_t stn_engine_activation_bytes(const stn_engine *engine);
size_t stn_engine_weight_bytes(const stn_engine *engine);

#endif
