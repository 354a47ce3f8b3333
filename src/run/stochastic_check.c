/* SPDX-License-Identifier: MIT
 *
 * Which programs the stochastic executor takes: operands of few enough bits,
 * and sums that stay in 32. */
#include "base/memory.h"
#include "run/stochastic_operand.h"
#include <stdlib.h>

/* Of a value here. What the reader has proven holds for exact products. */
typedef struct range {
    int64_t lo, hi;
} range;

static stn_status check_operands(const stn_program *p,
                                 const stn_instruction *in, range x, int bits,
                                 stn_error *err)
{
    const stn_weights *w = &in->weights;
    stn_type type = p->values[in->inputs[0]].type;
    stn_stochastic_operand operand = stn_stochastic_operand_of(type, bits);
    int64_t hi = ((int64_t)1 << stn_stochastic_shift_of(operand)) - 1;
    int64_t lo = operand.is_signed ? -hi - 1 : 0;
    if (x.lo < lo || x.hi > hi)
        return stn_fail(err, STN_E_UNSUPPORTED,
                        "%s: reads numbers of %lld … %lld, an operand of %d "
                        "bits is %lld … %lld; narrow the program first",
                        in->name, (long long)x.lo, (long long)x.hi, bits,
                        (long long)lo, (long long)hi);
    size_t n = (size_t)w->out * (size_t)w->kh * (size_t)w->kw * (size_t)w->in;
    for (size_t i = 0; i < n; i++)
        if (abs(w->codes[i]) > 1 << (bits - 1))
            return stn_fail(err, STN_E_UNSUPPORTED,
                            "%s: has a weight of %d, of %d bits it is at most "
                            "%d; narrow the program first",
                            in->name, w->codes[i], bits, 1 << (bits - 1));
    return STN_OK;
}

/* |y| of a sum: no product exceeds its |w| cycles. */
static int64_t largest_sum(const stn_instruction *in, int shift)
{
    const stn_weights *w = &in->weights;
    size_t n = (size_t)w->kh * (size_t)w->kw * (size_t)w->in;
    int64_t largest = 0;
    for (int o = 0; o < w->out; o++) {
        int64_t cycles = 0;
        for (size_t k = 0; k < n; k++)
            cycles += abs(w->codes[(size_t)o * n + k]);
        largest = cycles > largest ? cycles : largest;
    }
    return largest * ((int64_t)1 << shift);
}

static range range_of(const stn_program *p, const stn_instruction *in, range x,
                      int bits)
{
    int64_t n = (int64_t)in->kh * in->kw, largest;
    switch (in->opcode) {
    case STN_CONV:
    case STN_DEPTHWISE:
        largest =
            largest_sum(in, stn_stochastic_shift_of(stn_stochastic_operand_of(
                                p->values[in->inputs[0]].type, bits)));
        return (range){-largest, largest};
    case STN_RESCALE:
        return (range){in->lo, in->hi};
    case STN_SUM_POOL:
        return (range){n * x.lo, n * x.hi};
    default: /* max_pool; check_all lets no others through */
        break;
    }
    return x;
}

/* `ranges` has room for those of all values. */
static stn_status check_all(const stn_program *p, int bits, range *ranges,
                            stn_error *err)
{
    ranges[0] = (range){0, UINT8_MAX};
    for (int i = 0; i < p->n_instructions; i++) {
        const stn_instruction *in = &p->instructions[i];
        range x = ranges[in->inputs[0]];
        if (stn_opcode_is_time(in->opcode))
            return stn_fail(err, STN_E_UNSUPPORTED,
                            "%s: spikes are added, not multiplied; spiking "
                            "networks have no use for stochastic products",
                            in->name);
        range y = range_of(p, in, x, bits);
        if (stn_stochastic_has_sums(in))
            STN_TRY(check_operands(p, in, x, bits, err));
        if (y.lo < INT32_MIN || y.hi > INT32_MAX)
            return stn_fail(err, STN_E_UNSUPPORTED,
                            "%s: its sums may reach %lld … %lld, which leaves "
                            "32 bits; use fewer bits",
                            in->name, (long long)y.lo, (long long)y.hi);
        ranges[in->output] = y;
    }
    return STN_OK;
}

stn_status stn_stochastic_check(const stn_program *p, int bits, stn_error *err)
{
    if (bits < 2 || bits > 8)
        return stn_fail(err, STN_E_ARGUMENT,
                        "stochastic: got operands of %d bits, expected 2 to 8",
                        bits);
    range *ranges = stn_alloc((size_t)p->n_values, sizeof *ranges);
    if (!ranges)
        return stn_fail_memory(err, "ranges of values");
    stn_status status = check_all(p, bits, ranges, err);
    stn_free(ranges);
    return status;
}
