/* SPDX-License-Identifier: MIT
 *
 * The engine at every level of this CPU against logits that are expected. */
#ifndef STN_TESTS_ENGINES_H
#define STN_TESTS_ENGINES_H

#include "test.h"
#include "setun/engine.h"

/* Of `n` pictures, their logits one after the other. */
static inline void assert_engines_give(const int32_t *expected,
                                       const stn_program *p,
                                       const uint8_t *pixels, int n,
                                       int threads)
{
    size_t size = (size_t)n * (size_t)p->n_classes * sizeof *expected;
    int32_t *got = malloc(size);
    stn_error err;
    assert_non_null(got);
    for (int level = 0; level <= (int)stn_cpu_detect(); level++) {
        stn_engine_options options = {(stn_cpu_level)level, threads};
        stn_engine *engine;
        assert_ok(stn_engine_create(p, &options, &engine, &err), err);
        assert_ok(stn_engine_run(engine, pixels, n, got, &err), err);
        assert_memory_equal(got, expected, size);
        stn_engine_destroy(engine);
    }
    free(got);
}
#endif
