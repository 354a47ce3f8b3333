/* SPDX-License-Identifier: MIT
 *
 * Chooses how a level lays a dot out: each layout says whether it can do the
 * shape and how many cycles it expects to take, from constants that were
 * measured (of ARM: counted in instructions), and the cheapest one is made. */
#ifndef STN_KERNELS_DOT_PLAN_H
#define STN_KERNELS_DOT_PLAN_H

#include "kernels/layout/dot_bits.h"
#include "kernels/layout/dot_codes.h"
#include "kernels/layout/dot_picks.h"
#include "kernels/layout/dot_sparse.h"
#include "kernels/layout/dot_tables.h"

/* The layouts of a level; but for `multiply` and `bits` NULL: none. */
typedef struct stn_dot_level {
    const stn_dot_style *multiply;
    /* Makes what stn_dot_is_wide says; NULL where it never does. */
    stn_status (*wide_make)(const stn_dot_style *style,
                            const stn_dot_shape *shape, const int8_t *codes,
                            stn_arena *arena, stn_prepared *out,
                            stn_error *err);
    const stn_codes_style *codes;
    const stn_bits_style *bits;
    const stn_tables_style *tables;
    const stn_sparse_style *sparse;
    const stn_picks_style *picks;
} stn_dot_level;

/* What dot_prepare of a level is. */
stn_status stn_dot_plan(const stn_dot_level *level, const stn_dot_shape *shape,
                        const int8_t *codes, stn_arena *arena,
                        stn_prepared *out, stn_error *err);

/* What dot of every such level is. */
void stn_dot_planned(const stn_dot_call *call);

#endif
