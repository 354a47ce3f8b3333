/* SPDX-License-Identifier: MIT
 *
 * Weights of two instructions seen as one, and cut into slices of two bits:
 * what memory cells of four levels hold (bit-slice L1, arXiv 1909.08496). */
#include "pack/program_image.h"
#include <stdlib.h>
#include <string.h>

/* Whether instruction `index` holds the low codes of the one before it. */
static bool is_low(const stn_program *program, int index)
{
    const stn_instruction *in = &program->instructions[index];
    const char *base = index > 0 ? in[-1].name : "";
    size_t n = strlen(base);
    return n > 0 && in->weights.codes && in[-1].weights.codes &&
           in->inputs[0] == in[-1].inputs[0] &&
           stn_weights_count(&in->weights) ==
               stn_weights_count(&in[-1].weights) &&
           strncmp(in->name, base, n) == 0 &&
           strcmp(in->name + n, STN_LOW_SUFFIX) == 0;
}

stn_slices stn_program_slices(const stn_program *program, int index)
{
    const stn_instruction *in = &program->instructions[index];
    bool low =
        index + 1 < program->n_instructions && is_low(program, index + 1);
    stn_slices slices = {0};
    if (!in->weights.codes || is_low(program, index))
        return slices;
    bool wide = low && in[1].weights.alphabet.levels != STN_LEVELS_TERNARY;
    slices.n = stn_weights_count(&in->weights);
    for (size_t i = 0; i < slices.n; i++) {
        int code = in->weights.codes[i];
        if (wide)
            code = 255 * code + in[1].weights.codes[i];
        else if (low)
            code = 2 * code + in[1].weights.codes[i];
        code = abs(code);
        slices.n_nonzero += code != 0;
        for (int k = 0; k < STN_SLICES; k++)
            slices.nonzero[k] += (code >> (2 * k + (wide ? 7 : 0)) & 3) != 0;
    }
    return slices;
}
