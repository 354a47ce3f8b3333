/* SPDX-License-Identifier: MIT
 *
 * Split-time temporal coding of a program ("Systolic array acceleration of
 * spiking neural networks with application-independent split-time temporal
 * coding"), applied after training. A layer that sums spikes gets them as
 * split_time leaves them, one a window, n - k steps into it for k spikes; a
 * prefix_sum over the window then adds each weight k times, as the rate code
 * would, only towards the window's end. Sums over a picture and over time
 * commute, so a sum_pool between is done first, on smaller numbers. */
#include "pack/program_image.h"
#include <stdio.h>
#include <string.h>

/* What has become of a value of the old program. */
typedef struct fate {
    int value;    /* in the new program */
    int split;    /* the same as one spike a window, or 0 */
    int summed;   /* prefix sums of it, or 0 */
    bool is_owed; /* its readers are owed prefix sums */
} fate;

typedef struct splitter {
    const stn_program *from;
    stn_program_image *image;
    fate *fates;
    int window;
    int n_split;
    stn_error *err;
} splitter;

/* Appends `in`, whose inputs are new values already, with an output like the
 * old value `like`. */
static int append(splitter *s, stn_instruction in, const stn_value *like)
{
    stn_program *p = &s->image->program;
    in.output = p->n_values++;
    stn_value *y = &s->image->values[in.output];
    *y = *like;
    if (in.opcode == STN_PREFIX_SUM) { /* bounds of an outline, not checked */
        y->lo *= in.window;
        y->hi *= in.window;
    }
    memcpy(y->name, in.name, sizeof in.name);
    s->image->instructions[p->n_instructions++] = in;
    return in.output;
}

/* Appends split_time or prefix_sum of old value `old`; `value` is its new
 * one. */
static stn_status append_time(splitter *s, stn_opcode opcode, int old,
                              int value, int *out)
{
    stn_instruction in = {.opcode = opcode,
                          .n_inputs = 1,
                          .inputs = {value},
                          .window = s->window};
    const stn_value *like = &s->from->values[old];
    int n = snprintf(in.name, sizeof in.name, "%s.%s", like->name,
                     opcode == STN_SPLIT_TIME ? "split" : "sums");
    if (n >= (int)sizeof in.name)
        return stn_fail(s->err, STN_E_UNSUPPORTED,
                        "the name %s is too long to add to; give the layer a "
                        "shorter one",
                        like->name);
    *out = append(s, in, like);
    return STN_OK;
}

static bool is_linear(stn_opcode opcode)
{
    return opcode == STN_CONV || opcode == STN_DEPTHWISE ||
           opcode == STN_SUM_POOL;
}

static bool are_spikes(const stn_value *v)
{
    return v->steps > 1 && v->type == STN_TYPE_U8 && v->hi <= 1;
}

/* The new value that an instruction reads for old value `old`; *owed is set
 * where the instruction's output is then owed prefix sums. */
static stn_status read_value(splitter *s, stn_opcode opcode, int old,
                             int *value, bool *owed)
{
    fate *f = &s->fates[old];
    *value = f->value;
    if (f->is_owed && opcode == STN_SUM_POOL) {
        *owed = true;
    } else if (f->is_owed) {
        if (!f->summed)
            STN_TRY(append_time(s, STN_PREFIX_SUM, old, f->value, &f->summed));
        *value = f->summed;
    } else if (is_linear(opcode) && are_spikes(&s->from->values[old])) {
        if (!f->split)
            STN_TRY(append_time(s, STN_SPLIT_TIME, old, f->value, &f->split));
        *value = f->split;
        *owed = true;
        s->n_split++;
    }
    return STN_OK;
}

/* Ranges of an outline are expected, and not proven. */
static bool is_outline(const stn_program *p)
{
    for (int i = 0; i < p->n_instructions; i++)
        if (p->instructions[i].weights.outline)
            return true;
    return false;
}

static stn_status split_all(splitter *s)
{
    const stn_program *from = s->from;
    for (int i = 0; i < from->n_instructions; i++) {
        stn_instruction in = from->instructions[i];
        int old = in.output;
        bool owed = false;
        for (int k = 0; k < in.n_inputs; k++)
            STN_TRY(
                read_value(s, in.opcode, in.inputs[k], &in.inputs[k], &owed));
        s->fates[old].value = append(s, in, &from->values[old]);
        s->fates[old].is_owed = owed;
    }
    if (from->n_widths > 1)
        return stn_fail(s->err, STN_E_UNSUPPORTED,
                        "%s: split-time coding of a file of several widths is "
                        "not possible; train one width",
                        from->name);
    if (!s->n_split)
        return stn_fail(s->err, STN_E_UNSUPPORTED,
                        "%s: no layer reads spikes over time; split-time "
                        "coding is for spiking networks",
                        from->name);
    return is_outline(from) ? STN_OK
                            : stn_program_check(s->image, from->name, s->err);
}

static stn_status start(splitter *s)
{
    stn_program_image *image = s->image;
    /* Every value may get a split and a sum. */
    size_t n = 3 * (size_t)s->from->n_values;
    image->values = stn_arena_alloc(&image->arena, n, sizeof *image->values);
    image->instructions =
        stn_arena_alloc(&image->arena, n, sizeof *image->instructions);
    s->fates = stn_arena_alloc(&image->arena, n, sizeof *s->fates);
    if (!image->values || !image->instructions || !s->fates)
        return stn_fail_memory(s->err, "a program");
    image->program = *s->from;
    image->program.values = image->values;
    image->program.instructions = image->instructions;
    image->program.n_values = 1;
    image->program.n_instructions = 0;
    image->program.file_bytes = 0;
    image->program.n_widths = 0;
    image->program.widths = NULL;
    image->values[0] = s->from->values[0];
    return STN_OK;
}

stn_status stn_program_split_time(const stn_program *program, int window,
                                  stn_program **out, stn_error *err)
{
    stn_program_image *image = stn_alloc(1, sizeof *image);
    if (!image)
        return stn_fail_memory(err, "a program");
    splitter s = {
        .from = program, .image = image, .window = window, .err = err};
    stn_status status = start(&s);
    if (status == STN_OK)
        status = split_all(&s);
    if (status != STN_OK) {
        stn_program_destroy(&image->program);
        return status;
    }
    *out = &image->program;
    return STN_OK;
}
