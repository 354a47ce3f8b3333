/* SPDX-License-Identifier: MIT
 *
 * What docs/semantics.md demands of a program, checked once so that no
 * executor need check again: order of values, shapes, types, parameters.
 * Ranges are the business of program_bounds.c. */
#include "pack/program_image.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static stn_status check_value(const stn_value *v, const char *where,
                              stn_error *err)
{
    const int dims[] = {v->shape.h, v->shape.w, v->shape.c};
    for (int i = 0; i < 3; i++)
        if (dims[i] < 1 || dims[i] > STN_PROGRAM_DIM)
            return stn_fail(err, STN_E_FORMAT,
                            "%s: value %s is %d x %d x %d, expected sizes "
                            "from 1 to %d",
                            where, v->name, v->shape.h, v->shape.w, v->shape.c,
                            STN_PROGRAM_DIM);
    if (stn_shape_count(v->shape) > STN_PROGRAM_ELEMENTS)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: value %s has %zu elements, at most %d are allowed",
                        where, v->name, stn_shape_count(v->shape),
                        STN_PROGRAM_ELEMENTS);
    if (!(v->scale >= 0) || isinf(v->scale))
        return stn_fail(err, STN_E_FORMAT,
                        "%s: value %s has scale %g, expected a number >= 0",
                        where, v->name, v->scale);
    return STN_OK;
}

/* Type of the output that each opcode gives; rescale chooses. */
static stn_status check_type(const stn_instruction *in, const stn_value *x,
                             const stn_value *y, const char *where,
                             stn_error *err)
{
    bool sums = in->opcode == STN_CONV || in->opcode == STN_DEPTHWISE;
    if (sums && x->type == STN_TYPE_S32)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: %s reads s32 value %s, expected u8, s8 or s16",
                        where, stn_opcode_name(in->opcode), x->name);
    if (in->opcode == STN_RESCALE || stn_opcode_is_time(in->opcode))
        return STN_OK;
    stn_type type = in->opcode == STN_MAX_POOL ? x->type : STN_TYPE_S32;
    if (y->type != type)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: %s writes %s value %s, expected %s", where,
                        stn_opcode_name(in->opcode), stn_type_name(y->type),
                        y->name, stn_type_name(type));
    return STN_OK;
}

static stn_status check_window(const stn_instruction *in, const char *where,
                               stn_error *err)
{
    bool kernel_ok = in->kh >= 1 && in->kh <= STN_PROGRAM_DIM && in->kw >= 1 &&
                     in->kw <= STN_PROGRAM_DIM;
    if (!kernel_ok || in->stride < 1 || in->stride > STN_PROGRAM_DIM)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: window %d x %d at stride %d, expected sizes from "
                        "1 to %d",
                        where, in->kh, in->kw, in->stride, STN_PROGRAM_DIM);
    bool pool = in->opcode == STN_MAX_POOL || in->opcode == STN_SUM_POOL;
    int smaller = in->kh < in->kw ? in->kh : in->kw;
    int max = pool ? 0 : smaller - 1;
    if (in->pad < 0 || in->pad > max)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: pad is %d, expected 0 to %d (a window never lies "
                        "in padding alone)",
                        where, in->pad, max);
    return STN_OK;
}

static stn_status check_weights(const stn_instruction *in, const stn_value *x,
                                const char *where, stn_error *err)
{
    const stn_weights *w = &in->weights;
    bool depthwise = in->opcode == STN_DEPTHWISE;
    int channels = depthwise ? 1 : x->shape.c;
    if (w->kh != in->kh || w->kw != in->kw || w->in != channels)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: weights are %d x %d x %d x %d, expected %d x %d "
                        "x %d a filter for input %s",
                        where, w->out, w->kh, w->kw, w->in, in->kh, in->kw,
                        channels, x->name);
    if (w->out < 1 || w->out > STN_PROGRAM_DIM || !stn_weights_fit(w))
        return stn_fail(err, STN_E_FORMAT,
                        "%s: %d filters of %d x %d x %d, at most %d filters "
                        "and %d weights are allowed",
                        where, w->out, w->kh, w->kw, w->in, STN_PROGRAM_DIM,
                        STN_PROGRAM_WEIGHTS);
    if (depthwise && w->out % x->shape.c != 0)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: %d filters over %d channels, expected a multiple",
                        where, w->out, x->shape.c);
    if (w->chunk < 1 || w->chunk > w->in)
        return stn_fail(err, STN_E_FORMAT, "%s: chunk is %d, expected 1 to %d",
                        where, w->chunk, w->in);
    return STN_OK;
}

static stn_status check_rescale(const stn_instruction *in, const stn_value *y,
                                const char *where, stn_error *err)
{
    if (in->shift < 0 || in->shift > STN_PROGRAM_SHIFT)
        return stn_fail(err, STN_E_FORMAT, "%s: shift is %d, expected 0 to %d",
                        where, in->shift, STN_PROGRAM_SHIFT);
    int64_t min = stn_type_min(y->type), max = stn_type_max(y->type);
    if (in->lo > in->hi || in->lo < min || in->hi > max)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: clamp %d … %d, expected to lie within %s (%lld … "
                        "%lld)",
                        where, (int)in->lo, (int)in->hi, stn_type_name(y->type),
                        (long long)min, (long long)max);
    for (int k = 0; k < in->n_inputs; k++) {
        const int32_t *m = k ? in->m1 : in->m0;
        for (int c = 0; c < y->shape.c; c++)
            if (m[c] > STN_PROGRAM_MULTIPLIER || m[c] < -STN_PROGRAM_MULTIPLIER)
                return stn_fail(err, STN_E_FORMAT,
                                "%s: m%d of channel %d is %d, expected a "
                                "magnitude of at most %d",
                                where, k, c, (int)m[c], STN_PROGRAM_MULTIPLIER);
    }
    for (int c = 0; c < y->shape.c; c++)
        if (in->a[c] > STN_PROGRAM_CONSTANT || in->a[c] < -STN_PROGRAM_CONSTANT)
            return stn_fail(err, STN_E_FORMAT,
                            "%s: a of channel %d is %lld, expected a magnitude "
                            "of at most 2^60",
                            where, c, (long long)in->a[c]);
    return STN_OK;
}

/* Windows along one side: 0 when none fits. */
static int windows(int size, int kernel, int stride, int pad)
{
    int room = size + 2 * pad - kernel;
    return room < 0 ? 0 : room / stride + 1;
}

static stn_shape output_shape(const stn_instruction *in, stn_shape x)
{
    if (in->opcode == STN_RESCALE || stn_opcode_is_time(in->opcode))
        return x;
    bool pool = in->opcode == STN_MAX_POOL || in->opcode == STN_SUM_POOL;
    return (stn_shape){windows(x.h, in->kh, in->stride, in->pad),
                       windows(x.w, in->kw, in->stride, in->pad),
                       pool ? x.c : in->weights.out};
}

static bool same_shape(stn_shape a, stn_shape b)
{
    return a.h == b.h && a.w == b.w && a.c == b.c;
}

static stn_status check_output(const stn_instruction *in, stn_shape expected,
                               const stn_value *v, const char *where,
                               stn_error *err)
{
    if (same_shape(v->shape, expected))
        return STN_OK;
    return stn_fail(err, STN_E_FORMAT,
                    "%s: %s makes %d x %d x %d, but value %s is %d x %d x %d",
                    where, stn_opcode_name(in->opcode), expected.h, expected.w,
                    expected.c, v->name, v->shape.h, v->shape.w, v->shape.c);
}

stn_status stn_program_check_shapes(const stn_program_image *image, int index,
                                    const char *where, stn_error *err)
{
    const stn_instruction *in = &image->instructions[index];
    const stn_value *x = &image->values[in->inputs[0]];
    const stn_value *y = &image->values[in->output];
    bool weighted = in->opcode == STN_CONV || in->opcode == STN_DEPTHWISE;
    if (in->opcode != STN_RESCALE && !stn_opcode_is_time(in->opcode))
        STN_TRY(check_window(in, where, err));
    if (weighted)
        STN_TRY(check_weights(in, x, where, err));
    STN_TRY(check_output(in, output_shape(in, x->shape), y, where, err));
    if (in->n_inputs == 2) {
        const stn_value *x1 = &image->values[in->inputs[1]];
        STN_TRY(check_output(in, y->shape, x1, where, err));
        if (x1->steps != x->steps)
            return stn_fail(err, STN_E_FORMAT,
                            "%s: %s has %d time steps, %s %d; both inputs "
                            "must have as many",
                            where, x->name, x->steps, x1->name, x1->steps);
    }
    if (stn_opcode_is_time(in->opcode))
        STN_TRY(stn_program_check_time(in, x, y, where, err));
    size_t steps = (size_t)stn_program_steps(in, x);
    if (steps * stn_shape_count(y->shape) > STN_PROGRAM_ELEMENTS)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: value %s has %zu elements in %zu time steps, at "
                        "most %d are allowed",
                        where, y->name, steps * stn_shape_count(y->shape),
                        steps, STN_PROGRAM_ELEMENTS);
    if (in->opcode == STN_RESCALE)
        STN_TRY(check_rescale(in, y, where, err));
    return check_type(in, x, y, where, err);
}

/* Every value is written once, after which it may be read. `readers[v]` is
 * -1 before value v is written, then the last instruction that touched it. */
static stn_status check_order(const stn_program_image *image, int index,
                              int *readers, const char *where, stn_error *err)
{
    const stn_instruction *in = &image->instructions[index];
    int n_values = image->program.n_values;
    int max_inputs = in->opcode == STN_RESCALE ? 2 : 1;
    if (in->n_inputs < 1 || in->n_inputs > max_inputs)
        return stn_fail(err, STN_E_FORMAT, "%s: %d inputs, expected 1%s", where,
                        in->n_inputs, max_inputs == 2 ? " or 2" : "");
    for (int k = 0; k < in->n_inputs; k++) {
        int v = in->inputs[k];
        if (v < 0 || v >= n_values || readers[v] < 0)
            return stn_fail(err, STN_E_FORMAT,
                            "%s: reads value %d, which no instruction before "
                            "it writes",
                            where, v);
    }
    if (in->output < 1 || in->output >= n_values || readers[in->output] >= 0)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: writes value %d, expected one of 1 … %d that is "
                        "not yet written",
                        where, in->output, n_values - 1);
    for (int k = 0; k < in->n_inputs; k++)
        readers[in->inputs[k]] = index;
    readers[in->output] = index;
    return STN_OK;
}

/* `last[v]` is the last instruction that touches value v; a value that only
 * its writer touches would be dead. */
static stn_status check_alive(stn_program_image *image, const int *last,
                              const char *where, stn_error *err)
{
    stn_program *p = &image->program;
    size_t alive = stn_value_bytes(&image->values[0]);
    p->peak_bytes = alive;
    for (int i = 0; i < p->n_instructions; i++) {
        const stn_instruction *in = &image->instructions[i];
        if (last[in->output] == i && i + 1 < p->n_instructions)
            return stn_fail(err, STN_E_FORMAT,
                            "%s: value %d (%s) is written and never read",
                            where, in->output, image->values[in->output].name);
        const stn_value *y = &image->values[in->output];
        alive += stn_value_bytes(y);
        p->peak_bytes = alive > p->peak_bytes ? alive : p->peak_bytes;
        for (int k = 0; k < in->n_inputs; k++) {
            const stn_value *x = &image->values[in->inputs[k]];
            bool twice = k && in->inputs[1] == in->inputs[0];
            if (last[in->inputs[k]] == i && !twice)
                alive -= stn_value_bytes(x);
        }
    }
    return STN_OK;
}

static stn_status check_picture(stn_program_image *image, const char *where,
                                stn_error *err)
{
    stn_value *v = &image->values[0];
    stn_shape shape = image->program.input;
    if (v->type != STN_TYPE_U8 || !same_shape(v->shape, shape))
        return stn_fail(err, STN_E_FORMAT,
                        "%s: value 0 is %s %d x %d x %d, expected the u8 "
                        "picture of %d x %d x %d",
                        where, stn_type_name(v->type), v->shape.h, v->shape.w,
                        v->shape.c, shape.h, shape.w, shape.c);
    v->lo = stn_type_min(v->type);
    v->hi = stn_type_max(v->type);
    v->steps = 1;
    return STN_OK;
}

static stn_status check_result(const stn_program_image *image,
                               const char *where, stn_error *err)
{
    const stn_program *p = &image->program;
    const stn_instruction *in = &image->instructions[p->n_instructions - 1];
    const stn_value *last = &image->values[in->output];
    stn_shape shape = {1, 1, p->n_classes};
    if (last->steps != 1)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: the result has %d time steps, expected 1", where,
                        last->steps);
    if (last->type != STN_TYPE_S32 || !same_shape(last->shape, shape))
        return stn_fail(err, STN_E_FORMAT,
                        "%s: the result is %s %d x %d x %d, expected s32 1 x 1 "
                        "x %d, one number a class",
                        where, stn_type_name(last->type), last->shape.h,
                        last->shape.w, last->shape.c, p->n_classes);
    return STN_OK;
}

static stn_status check_names(const stn_program_image *image, const char *where,
                              stn_error *err)
{
    for (int i = 0; i < image->program.n_instructions; i++) {
        const char *name = image->instructions[i].name;
        if (!*name)
            return stn_fail(err, STN_E_FORMAT, "%s: instruction %d has no name",
                            where, i);
        for (int k = 0; k < i; k++)
            if (strcmp(image->instructions[k].name, name) == 0)
                return stn_fail(err, STN_E_FORMAT,
                                "%s: instructions %d and %d are both named %s",
                                where, k, i, name);
    }
    return STN_OK;
}

/* Instruction by instruction; `last` is scratch, one int a value. */
static stn_status check_all(stn_program_image *image, int *last,
                            const char *where, stn_error *err)
{
    const stn_program *p = &image->program;
    for (int v = 0; v < p->n_values; v++) {
        STN_TRY(check_value(&image->values[v], where, err));
        last[v] = v ? -1 : 0;
    }
    STN_TRY(check_picture(image, where, err));
    size_t n_weights = 0;
    for (int i = 0; i < p->n_instructions; i++) {
        const stn_instruction *in = &image->instructions[i];
        char place[STN_ERROR_CAPACITY / 2];
        snprintf(place, sizeof place, "%.256s: %s", where, in->name);
        STN_TRY(check_order(image, i, last, place, err));
        STN_TRY(stn_program_check_shapes(image, i, place, err));
        if (in->opcode == STN_CONV || in->opcode == STN_DEPTHWISE)
            n_weights += stn_weights_count(&in->weights);
        if (n_weights > STN_PROGRAM_WEIGHTS)
            return stn_fail(err, STN_E_FORMAT,
                            "%s: more than %d weights in all", where,
                            STN_PROGRAM_WEIGHTS);
        STN_TRY(stn_program_bound(image, i, place, err));
    }
    STN_TRY(check_alive(image, last, where, err));
    return check_result(image, where, err);
}

stn_status stn_program_check(stn_program_image *image, const char *where,
                             stn_error *err)
{
    const stn_program *p = &image->program;
    if (p->n_instructions < 1 || p->n_instructions > STN_PROGRAM_INSTRUCTIONS ||
        p->n_values != p->n_instructions + 1)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: %d instructions and %d values, expected 1 to %d "
                        "instructions and one value more",
                        where, p->n_instructions, p->n_values,
                        STN_PROGRAM_INSTRUCTIONS);
    STN_TRY(check_names(image, where, err));
    int *last = stn_alloc((size_t)p->n_values, sizeof *last);
    if (!last)
        return stn_fail_memory(err, "checking a program");
    stn_status status = check_all(image, last, where, err);
    stn_free(last);
    return status;
}
