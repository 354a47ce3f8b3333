/* SPDX-License-Identifier: MIT
 *
 * Names of opcodes, codes and types, operation counts, and the end of a
 * program's life. */
#include "pack/program_image.h"

const char *const stn_opcode_names[] = {
    "conv", "depthwise",  "rescale",    "max_pool",  "sum_pool", "rate_code",
    "lif",  "split_time", "prefix_sum", "sum_steps", NULL};
const char *const stn_code_names[] = {"int8", "ternary", "binary", NULL};
const char *const stn_type_names[] = {"u8", "s8", "s16", "s32", NULL};

const char *stn_opcode_name(stn_opcode opcode)
{
    return opcode == STN_CONCAT ? "concat" : stn_opcode_names[opcode];
}

const char *stn_code_name(stn_code code)
{
    return stn_code_names[code];
}

const char *stn_type_name(stn_type type)
{
    return stn_type_names[type];
}

int64_t stn_type_min(stn_type type)
{
    static const int64_t min[] = {0, INT8_MIN, INT16_MIN, INT32_MIN};
    return min[type];
}

int64_t stn_type_max(stn_type type)
{
    static const int64_t max[] = {UINT8_MAX, INT8_MAX, INT16_MAX, INT32_MAX};
    return max[type];
}

void stn_instruction_operations(const stn_program *program, int index,
                                uint64_t *dense, uint64_t *nonzero)
{
    const stn_instruction *in = &program->instructions[index];
    *dense = 0;
    *nonzero = 0;
    if (in->opcode != STN_CONV && in->opcode != STN_DEPTHWISE)
        return;
    const stn_value *v = &program->values[in->output];
    uint64_t positions =
        (uint64_t)v->steps * (uint64_t)v->shape.h * (uint64_t)v->shape.w;
    *dense = positions * stn_weights_count(&in->weights);
    *nonzero = positions * in->weights.n_nonzero;
}

size_t stn_program_constant_bytes(const stn_program *program)
{
    size_t bytes = 0;
    for (int i = 0; i < program->n_instructions; i++) {
        const stn_instruction *in = &program->instructions[i];
        size_t channels = (size_t)program->values[in->output].shape.c;
        size_t each = sizeof *in->a + (size_t)in->n_inputs * sizeof *in->m0;
        bytes += in->opcode == STN_RESCALE ? channels * each : 0;
    }
    return bytes;
}

const char *stn_program_metadata(const stn_program *program, const char *key)
{
    const stn_program_image *image = (const stn_program_image *)program;
    if (image->widest)
        image = image->widest;
    return image->file ? stn_st_metadata(image->file, key) : NULL;
}

void stn_program_destroy(stn_program *program)
{
    if (!program)
        return;
    stn_program_image *image = (stn_program_image *)program;
    if (image->widest) {
        stn_program_destroy(&image->widest->program);
        return;
    }
    for (int i = 0; i < STN_PROGRAM_WIDTHS; i++) {
        if (!image->narrower[i])
            continue;
        stn_arena_deinit(&image->narrower[i]->arena);
        stn_free(image->narrower[i]);
    }
    stn_arena_deinit(&image->arena);
    stn_st_close(image->file);
    stn_free(image);
}
