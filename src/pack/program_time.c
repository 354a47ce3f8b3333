/* SPDX-License-Identifier: MIT
 *
 * What docs/semantics.md demands of instructions that work across time steps,
 * and the ranges of their values. The membrane of a lif is not a value; its
 * limits (inputs of 16 bits, 255 steps, a threshold of 15 bits) keep it within
 * 2^23 and its product with the leak within 32 bits. */
#include "pack/program_image.h"

int stn_program_steps(const stn_instruction *in, const stn_value *x)
{
    if (in->opcode == STN_RATE_CODE)
        return in->steps;
    return in->opcode == STN_SUM_STEPS ? 1 : x->steps;
}

static stn_status check_number(const char *what, int got, int min, int max,
                               const char *where, stn_error *err)
{
    if (got >= min && got <= max)
        return STN_OK;
    return stn_fail(err, STN_E_FORMAT, "%s: %s is %d, expected %d to %d", where,
                    what, got, min, max);
}

static stn_status check_numbers(const stn_instruction *in, const char *where,
                                stn_error *err)
{
    switch (in->opcode) {
    case STN_RATE_CODE:
        return check_number("steps", in->steps, 1, STN_PROGRAM_STEPS, where,
                            err);
    case STN_LIF:
        STN_TRY(check_number("leak", in->leak, 0, 256, where, err));
        return check_number("threshold", in->threshold, 0,
                            STN_PROGRAM_THRESHOLD, where, err);
    case STN_SPLIT_TIME:
    case STN_PREFIX_SUM:
        return check_number("window", in->window, 1, STN_PROGRAM_STEPS, where,
                            err);
    default:
        return STN_OK;
    }
}

stn_status stn_program_check_time(const stn_instruction *in, const stn_value *x,
                                  const stn_value *y, const char *where,
                                  stn_error *err)
{
    static const struct {
        stn_type x, y;
    } types[] = {[STN_RATE_CODE] = {STN_TYPE_U8, STN_TYPE_U8},
                 [STN_LIF] = {STN_TYPE_S16, STN_TYPE_U8},
                 [STN_SPLIT_TIME] = {STN_TYPE_U8, STN_TYPE_U8},
                 [STN_PREFIX_SUM] = {STN_TYPE_S32, STN_TYPE_S32},
                 [STN_SUM_STEPS] = {STN_TYPE_S32, STN_TYPE_S32}};
    const char *name = stn_opcode_name(in->opcode);
    STN_TRY(check_numbers(in, where, err));
    bool any = in->opcode == STN_SUM_STEPS; /* reads every type */
    if ((x->type != types[in->opcode].x && !any) ||
        y->type != types[in->opcode].y)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: %s makes %s of %s, expected %s of %s", where, name,
                        stn_type_name(y->type), stn_type_name(x->type),
                        stn_type_name(types[in->opcode].y),
                        stn_type_name(types[in->opcode].x));
    if (in->opcode == STN_RATE_CODE && x->steps != 1)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: %s has %d time steps already, expected 1", where,
                        x->name, x->steps);
    if (in->opcode == STN_SPLIT_TIME && x->hi > 1)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: %s reaches %lld, expected spikes, 0 or 1", where,
                        x->name, (long long)x->hi);
    return STN_OK;
}

stn_status stn_program_bound_time(const stn_instruction *in, const stn_value *x,
                                  stn_value *y, const char *where,
                                  stn_error *err)
{
    y->lo = 0;
    y->hi = 1;
    if (in->opcode != STN_PREFIX_SUM && in->opcode != STN_SUM_STEPS)
        return STN_OK;
    int64_t n = in->opcode == STN_SUM_STEPS ? x->steps : in->window;
    n = n < x->steps ? n : x->steps;
    y->lo = n * (x->lo < 0 ? x->lo : 0);
    y->hi = n * (x->hi > 0 ? x->hi : 0);
    if (y->lo >= INT32_MIN && y->hi <= INT32_MAX)
        return STN_OK;
    return stn_fail(err, STN_E_FORMAT,
                    "%s: sums over %lld time steps reach %lld … %lld, which "
                    "leaves 32 bits; use fewer steps",
                    where, (long long)n, (long long)y->lo, (long long)y->hi);
}
