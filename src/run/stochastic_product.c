/* SPDX-License-Identifier: MIT
 *
 * The counter-based multiplier of stochastic computing (Sim & Lee, DAC 2017;
 * the design as it is commonly described, its arithmetic checked).
 *
 * A stream shows bit i of x, i = 1 the highest, in every cycle c that 2^(i-1)
 * divides and 2^i does not (the ruler sequence): the highest bit every second
 * cycle, the next every fourth, and so on; so that a share of 2^-i of any run
 * of cycles, give or take one, shows bit i. The stream runs for |w| cycles,
 * counted down, and another counter counts its ones.
 *
 * Signed: x in offset binary, so that a 1 counts up and a 0 down; the sign of
 * w turns the direction. A stream of zero is not zero then: for odd w one up
 * is left over. */
#include "setun/stochastic.h"
#include <stdlib.h>

/* The bits that the stream shows. */
static unsigned stream_of(stn_stochastic_operand operand, int x)
{
    return (unsigned)(operand.is_signed ? x + (1 << (operand.bits - 1)) : x);
}

int stn_stochastic_cycles(stn_stochastic_operand operand, int x, int w)
{
    unsigned stream = stream_of(operand, x);
    int counter = 0;
    for (int c = 1; c <= abs(w); c++) {
        int i = 1;
        while (i <= operand.bits && c % (1 << i) == 0)
            i++;
        if (i > operand.bits) /* no bit has its turn */
            continue;
        if (stream >> (operand.bits - i) & 1)
            counter++;
        else if (operand.is_signed)
            counter--;
    }
    return w < 0 ? -counter : counter;
}

/* Bit i has its turn in ⌊(|w| + 2^(i-1)) / 2^i⌋ of |w| cycles. */
int stn_stochastic_product(stn_stochastic_operand operand, int x, int w)
{
    unsigned stream = stream_of(operand, x);
    int counter = 0;
    for (int i = 1; i <= operand.bits; i++) {
        int turns = (abs(w) + (1 << (i - 1))) >> i;
        if (stream >> (operand.bits - i) & 1)
            counter += turns;
        else if (operand.is_signed)
            counter -= turns;
    }
    return w < 0 ? -counter : counter;
}
