/* SPDX-License-Identifier: MIT
 *
 * What the files of the stochastic executor share. */
#ifndef STN_RUN_STOCHASTIC_OPERAND_H
#define STN_RUN_STOCHASTIC_OPERAND_H

#include "setun/stochastic.h"

/* Conv and depthwise. */
static inline bool stn_stochastic_has_sums(const stn_instruction *in)
{
    return in->opcode == STN_CONV || in->opcode == STN_DEPTHWISE;
}

static inline stn_stochastic_operand stn_stochastic_operand_of(stn_type type,
                                                               int bits)
{
    return (stn_stochastic_operand){bits, type != STN_TYPE_U8};
}

/* Products count units of 2^-N, or with a sign 2^-(N-1), of x · w. */
static inline int stn_stochastic_shift_of(stn_stochastic_operand operand)
{
    return operand.bits - operand.is_signed;
}

/* STN_E_ARGUMENT for bits outside 2 … 8, STN_E_UNSUPPORTED for a program that
 * does not fit. */
stn_status stn_stochastic_check(const stn_program *program, int bits,
                                stn_error *err);

#endif
