/* SPDX-License-Identifier: MIT
 *
 * Where the numbers of values lie, see values.h. */
#include "accel/values.h"

size_t *stn_values_place(const stn_program *program, stn_arena *arena,
                         size_t *n)
{
    size_t *offsets =
        stn_arena_alloc(arena, (size_t)program->n_values, sizeof *offsets);
    *n = 0;
    for (int v = 0; offsets && v < program->n_values; v++) {
        offsets[v] = *n;
        *n += stn_value_count(&program->values[v]);
    }
    return offsets;
}

int32_t *stn_values_at(const stn_values *values, int value, int t)
{
    const stn_value *v = &values->program->values[value];
    size_t step = v->steps > 1 ? (size_t)t * stn_shape_count(v->shape) : 0;
    return values->numbers + values->offsets[value] + step;
}

stn_tick_data stn_values_tick(const stn_values *values,
                              const stn_instruction *in, const stn_tick *tick,
                              int32_t *state)
{
    stn_tick_data data = {.x = stn_values_at(values, in->inputs[0], tick->t),
                          .kept = state,
                          .y = stn_values_at(values, in->output, tick->t),
                          .shape = values->program->values[in->output].shape};
    if (!state && tick->reads_kept) /* the output of the step before */
        data.kept = stn_values_at(values, in->output, tick->t - 1);
    return data;
}
