/* SPDX-License-Identifier: MIT
 *
 * Chooses how a level lays a dot out: each layout says whether it can do the
 * shape and how many cycles it expects to take, from constants that were
 * measured, and the cheapest one is made. */
#ifndef STN_KERNELS_DOT_PLAN_H
#define STN_KERNELS_DOT_PLAN_H

#include "kernels/x86/dot_bits.h"
#include "kernels/x86/dot_codes.h"
#include "kernels/x86/dot_picks.h"
#include "kernels/x86/dot_sparse.h"
#include "kernels/x86/dot_tables.h"
#include "kernels/x86/dot_wide.h"

/* The layouts of a level. */
typedef struct stn_dot_level {
    const stn_dot_style *multiply;
    const stn_codes_style *codes;
    const stn_bits_style *bits;
    const stn_tables_style *tables;
    const stn_sparse_style *sparse; /* NULL: none */
    const stn_picks_style *picks;
} stn_dot_level;

/* What dot_prepare of a level is. */
stn_status stn_dot_plan(const stn_dot_level *level, const stn_dot_shape *shape,
                        const int8_t *codes, stn_arena *arena,
                        stn_prepared *out, stn_error *err);

#endif
