/* SPDX-License-Identifier: MIT
 *
 * How far the counter-based multiplier is off, over all its operands. */
#include "setun/stochastic.h"
#include <math.h>

stn_stochastic_error stn_stochastic_errors(stn_stochastic_operand operand)
{
    int n = 1 << operand.bits, least = operand.is_signed ? -n / 2 : 0;
    double unit = ldexp(1, operand.bits - operand.is_signed);
    double squares = 0, sum = 0;
    stn_stochastic_error error = {0};
    for (int x = least; x < least + n; x++)
        for (int w = least; w < least + n; w++) {
            double e = stn_stochastic_product(operand, x, w) -
                       (double)x * (double)w / unit;
            error.max = fmax(error.max, fabs(e));
            squares += e * e;
            sum += e;
        }
    error.rms = sqrt(squares / ((double)n * n));
    error.mean = sum / ((double)n * n);
    return error;
}
