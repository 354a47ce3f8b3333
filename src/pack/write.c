/* SPDX-License-Identifier: MIT
 *
 * Writes a program as docs/format.md says: its text as JSON in the metadata,
 * its numbers as tensors. */
#include "pack/write.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "pack/format.h"
#include "pack/program_image.h"
#include <stdio.h>
#include <string.h>

/* At most three tensors an instruction: of weights live, mask and sign, of a
 * rescale m0, m1 and a. */
typedef struct writer {
    const stn_program *program; /* the widest */
    stn_arena arena;
    stn_st_tensor *tensors;
    size_t n_tensors;
    char prefix[STN_TEXT_DOUBLE + 1]; /* of names */
} writer;

static void write_value(stn_json_writer *w, const stn_value *v)
{
    stn_json_begin_array(w, NULL);
    stn_json_string(w, NULL, v->name);
    stn_json_string(w, NULL, stn_type_name(v->type));
    stn_json_int(w, NULL, v->shape.h);
    stn_json_int(w, NULL, v->shape.w);
    stn_json_int(w, NULL, v->shape.c);
    stn_json_number(w, NULL, v->scale);
    stn_json_end_array(w);
}

static void write_numbers(stn_json_writer *w, const char *key, int n,
                          const int *numbers)
{
    stn_json_begin_array(w, key);
    for (int i = 0; i < n; i++)
        stn_json_int(w, NULL, numbers[i]);
    stn_json_end_array(w);
}

static void write_structure(stn_json_writer *w, const stn_weights *k)
{
    const stn_layout *l = &k->layout;
    stn_json_begin_object(w, "structure");
    stn_json_string(w, "kind", stn_structure_name(l->structure));
    if (stn_structure_is_plane(l->structure))
        stn_json_bool(w, "flat", l->flat);
    if (l->structure == STN_BLOCKS) {
        stn_json_begin_array(w, "grids");
        for (int i = 0; i < l->n_grids; i++) {
            stn_grid g = l->grids[i];
            write_numbers(w, NULL, 3, (int[]){g.rows, g.cols, g.keep});
        }
        stn_json_end_array(w);
    } else if (l->structure == STN_SPARSE) {
        stn_json_int(w, "index_bits", l->index_bits);
        stn_json_int(w, "entries", (int64_t)l->n_index);
    } else if (stn_structure_is_plane(l->structure)) {
        stn_json_int(w, "p", l->p);
    }
    if (l->structure == STN_PERMUTED_DIAGONAL)
        stn_json_bool(w, "natural", l->natural);
    stn_json_end_object(w);
}

static void write_time(stn_json_writer *w, const stn_instruction *in)
{
    if (in->opcode == STN_RATE_CODE)
        stn_json_int(w, "steps", in->steps);
    if (in->opcode == STN_LIF) {
        stn_json_int(w, "leak", in->leak);
        stn_json_int(w, "threshold", in->threshold);
    }
    if (in->opcode == STN_SPLIT_TIME || in->opcode == STN_PREFIX_SUM)
        stn_json_int(w, "window", in->window);
}

static void write_instruction(stn_json_writer *w, const stn_instruction *in)
{
    stn_json_begin_object(w, NULL);
    stn_json_string(w, "op", stn_opcode_name(in->opcode));
    stn_json_string(w, "name", in->name);
    write_numbers(w, "in", in->n_inputs, in->inputs);
    stn_json_int(w, "out", in->output);
    if (in->opcode == STN_RESCALE) {
        stn_json_int(w, "shift", in->shift);
        stn_json_int(w, "lo", in->lo);
        stn_json_int(w, "hi", in->hi);
    } else if (stn_opcode_is_time(in->opcode)) {
        write_time(w, in);
    } else {
        stn_json_int(w, "stride", in->stride);
    }
    if (in->opcode == STN_CONV || in->opcode == STN_DEPTHWISE) {
        const stn_weights *k = &in->weights;
        stn_json_int(w, "pad", in->pad);
        write_numbers(w, "shape", 4, (int[]){k->out, k->kh, k->kw, k->in});
        stn_json_string(w, "levels", stn_levels_name(k->alphabet.levels));
        stn_json_int(w, "bits", k->alphabet.bits);
        stn_json_int(w, "chunk", k->chunk);
        write_structure(w, k);
    } else if (in->opcode == STN_MAX_POOL || in->opcode == STN_SUM_POOL) {
        write_numbers(w, "kernel", 2, (int[]){in->kh, in->kw});
    }
    stn_json_end_object(w);
}

static void write_program(stn_json_writer *w, const char *key,
                          const stn_program *p)
{
    stn_json_begin_object(w, key);
    stn_json_string(w, "name", p->name);
    write_numbers(w, "input", 3, (int[]){p->input.h, p->input.w, p->input.c});
    stn_json_begin_array(w, "classes");
    for (int i = 0; i < p->n_classes; i++)
        stn_json_string(w, NULL, p->class_names[i]);
    stn_json_end_array(w);
    stn_json_begin_array(w, "values");
    for (int i = 0; i < p->n_values; i++)
        write_value(w, &p->values[i]);
    stn_json_end_array(w);
    stn_json_begin_array(w, "instructions");
    for (int i = 0; i < p->n_instructions; i++)
        write_instruction(w, &p->instructions[i]);
    stn_json_end_array(w);
    stn_json_end_object(w);
}

/* The program of one of the file's widths. */
static const stn_program *narrower(const stn_program *widest, int index)
{
    const stn_program *p = NULL;
    (void)stn_program_at_width(widest, widest->widths[index], &p, NULL);
    return p;
}

/* The widest program, and the list of the others; NULL without. */
static stn_status program_texts(const stn_program *p, char **text,
                                char **widths, stn_error *err)
{
    stn_json_writer w = {0}, others = {0};
    size_t size;
    write_program(&w, NULL, p);
    STN_TRY(stn_json_finish(&w, text, &size, err));
    if (p->n_widths < 2)
        return STN_OK;
    stn_json_begin_array(&others, NULL);
    for (int i = 0; i + 1 < p->n_widths; i++) {
        stn_json_begin_object(&others, NULL);
        stn_json_number(&others, "width", p->widths[i]);
        write_program(&others, "program", narrower(p, i));
        stn_json_end_object(&others);
    }
    stn_json_end_array(&others);
    return stn_json_finish(&others, widths, &size, err);
}

/* Appends NAME.SUFFIX with one dimension; WIDTH/NAME.SUFFIX where the width is
 * not that of the file's first program. */
static stn_status add(writer *w, const char *name, const char *suffix,
                      const char *dtype, const void *data, size_t count,
                      size_t size, stn_error *err)
{
    char full[STN_TEXT_DOUBLE + STN_NAME_CAPACITY + 32];
    snprintf(full, sizeof full, "%s%s.%s", w->prefix, name, suffix);
    char *copy = stn_arena_string(&w->arena, full);
    if (!copy)
        return stn_fail_memory(err, "tensor names");
    w->tensors[w->n_tensors++] = (stn_st_tensor){.name = copy,
                                                 .dtype = dtype,
                                                 .rank = 1,
                                                 .shape = {(int64_t)count},
                                                 .data = data,
                                                 .size = count * size};
    return STN_OK;
}

static stn_status add_weights(writer *w, const stn_instruction *in,
                              stn_error *err)
{
    const stn_weights *k = &in->weights;
    stn_parts parts;
    STN_TRY(stn_weights_pack(k, &w->arena, &parts, err));
    for (stn_part i = 0; i < STN_PARTS; i++) {
        if (!stn_weights_has_part(k, i))
            continue;
        STN_TRY(add(w, in->name, stn_part_names[i], "U8", parts.data[i],
                    parts.size[i], 1, err));
        if (!stn_weights_are_bytes(k))
            continue;
        stn_st_tensor *t = &w->tensors[w->n_tensors - 1];
        t->dtype = "I8";
        t->rank = 4;
        t->shape[0] = k->out;
        t->shape[1] = k->kh;
        t->shape[2] = k->kw;
        t->shape[3] = k->in;
    }
    return STN_OK;
}

/* Weights are those of the widest. */
static stn_status add_program(writer *w, const stn_program *p, stn_error *err)
{
    for (int i = 0; i < p->n_instructions; i++) {
        const stn_instruction *in = &p->instructions[i];
        size_t n = (size_t)p->values[in->output].shape.c;
        if (p == w->program &&
            (in->opcode == STN_CONV || in->opcode == STN_DEPTHWISE))
            STN_TRY(add_weights(w, in, err));
        if (in->opcode != STN_RESCALE)
            continue;
        STN_TRY(add(w, in->name, "m0", "I32", in->m0, n, 4, err));
        if (in->n_inputs == 2)
            STN_TRY(add(w, in->name, "m1", "I32", in->m1, n, 4, err));
        STN_TRY(add(w, in->name, "a", "I64", in->a, n, 8, err));
    }
    return STN_OK;
}

static stn_status add_tensors(writer *w, stn_error *err)
{
    const stn_program *p = w->program;
    size_t n = 3 * (size_t)p->n_instructions;
    for (int i = 0; i + 1 < p->n_widths; i++)
        n += 3 * (size_t)narrower(p, i)->n_instructions;
    w->tensors = stn_arena_alloc(&w->arena, n, sizeof *w->tensors);
    if (!w->tensors)
        return stn_fail_memory(err, "tensors");
    STN_TRY(add_program(w, p, err));
    for (int i = 0; i + 1 < p->n_widths; i++) {
        stn_text_from_double(p->widths[i], w->prefix);
        strcat(w->prefix, "/");
        STN_TRY(add_program(w, narrower(p, i), err));
    }
    return STN_OK;
}

static stn_status write_file(writer *w, const char *path,
                             const stn_st_pair *metadata, size_t n_metadata,
                             const char *text, const char *widths,
                             stn_error *err)
{
    stn_st_pair *pairs =
        stn_arena_alloc(&w->arena, n_metadata + 5, sizeof *pairs);
    if (!pairs)
        return stn_fail_memory(err, "metadata");
    pairs[0] = (stn_st_pair){"format", "setun-program"};
    pairs[1] = (stn_st_pair){"version", STN_FORMAT_VERSION};
    pairs[2] = STN_ST_SEAL;
    for (size_t i = 0; i < n_metadata; i++)
        pairs[3 + i] = metadata[i];
    pairs[3 + n_metadata] = (stn_st_pair){"program", text};
    pairs[4 + n_metadata] = (stn_st_pair){"widths", widths};
    STN_TRY(add_tensors(w, err));
    return stn_st_write(path, w->tensors, w->n_tensors, pairs,
                        n_metadata + 4 + (widths != NULL), err);
}

stn_status stn_program_write(const char *path, const stn_program *program,
                             const stn_st_pair *metadata, size_t n_metadata,
                             stn_error *err)
{
    writer w = {.program = program};
    char *text = NULL, *widths = NULL;
    stn_status status = program_texts(program, &text, &widths, err);
    if (status == STN_OK)
        status = write_file(&w, path, metadata, n_metadata, text, widths, err);
    stn_free(widths);
    stn_free(text);
    stn_arena_deinit(&w.arena);
    return status;
}
