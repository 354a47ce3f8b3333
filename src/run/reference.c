/* SPDX-License-Identifier: MIT
 *
 * The reference interpreter: docs/semantics.md in plain scalar C, one loop
 * nest for each instruction, in the notation of that page. It is written to
 * be read; the engine is written to be fast and must return the same bits.
 *
 * Sums are formed in 64 bits; that they fit 32 is proven when a program is
 * read (src/pack/program_bounds.c, program_time.c). */
#include "run/reference.h"
#include "base/spikes.h"

/* One value of one picture at one time step: element (r, q, c) stands at
 * (r·w + q)·channels + c. The next step's elements follow, `steps` times.
 * `data` is const for inputs; put() is only called on outputs. */
typedef struct tensor {
    stn_shape shape;
    stn_type type;
    int steps;
    void *data;
} tensor;

static size_t at(tensor x, int r, int q, int c)
{
    return ((size_t)r * (size_t)x.shape.w + (size_t)q) * (size_t)x.shape.c +
           (size_t)c;
}

/* Element i, counted from the first. */
static int64_t get(tensor x, size_t i)
{
    switch (x.type) {
    case STN_TYPE_U8:
        return ((const uint8_t *)x.data)[i];
    case STN_TYPE_S8:
        return ((const int8_t *)x.data)[i];
    case STN_TYPE_S16:
        return ((const int16_t *)x.data)[i];
    case STN_TYPE_S32:
        break;
    }
    return ((const int32_t *)x.data)[i];
}

static void put(tensor y, size_t i, int64_t value)
{
    switch (y.type) {
    case STN_TYPE_U8:
        ((uint8_t *)y.data)[i] = (uint8_t)value;
        break;
    case STN_TYPE_S8:
        ((int8_t *)y.data)[i] = (int8_t)value;
        break;
    case STN_TYPE_S16:
        ((int16_t *)y.data)[i] = (int16_t)value;
        break;
    case STN_TYPE_S32:
        ((int32_t *)y.data)[i] = (int32_t)value;
        break;
    }
}

/* Outside the picture lies the padding, which reads 0 and adds nothing. */
static bool inside(tensor x, int r, int q)
{
    return r >= 0 && r < x.shape.h && q >= 0 && q < x.shape.w;
}

static int64_t multiply(const stn_multiplier *by, tensor x, int w, size_t i)
{
    return by ? by->product(by, x.type, w, get(x, i)) : w * get(x, i);
}

/* Σ i, j, c  w[o, i, j, c] · x[r + i, q + j, c]; (r, q) is the window's first
 * position and may lie in the padding. */
static int64_t sum_conv(const stn_multiplier *by, const stn_weights *w, int o,
                        tensor x, int r, int q)
{
    const int8_t *code =
        w->codes + (size_t)o * (size_t)w->kh * (size_t)w->kw * (size_t)w->in;
    int64_t sum = 0;
    for (int i = 0; i < w->kh; i++)
        for (int j = 0; j < w->kw; j++, code += w->in) {
            if (!inside(x, r + i, q + j))
                continue;
            size_t first = at(x, r + i, q + j, 0);
            for (int c = 0; c < w->in; c++)
                sum += multiply(by, x, code[c], first + (size_t)c);
        }
    return sum;
}

/* Σ i, j  w[o, i, j] · x[r + i, q + j, o mod C] */
static int64_t sum_depthwise(const stn_multiplier *by, const stn_weights *w,
                             int o, tensor x, int r, int q)
{
    const int8_t *code = w->codes + (size_t)o * (size_t)w->kh * (size_t)w->kw;
    int64_t sum = 0;
    for (int i = 0; i < w->kh; i++)
        for (int j = 0; j < w->kw; j++, code++)
            if (inside(x, r + i, q + j))
                sum +=
                    multiply(by, x, *code, at(x, r + i, q + j, o % x.shape.c));
    return sum;
}

static void run_sums(const stn_multiplier *by, const stn_instruction *in,
                     tensor x, tensor y)
{
    for (int r = 0; r < y.shape.h; r++)
        for (int q = 0; q < y.shape.w; q++)
            for (int o = 0; o < y.shape.c; o++) {
                int top = r * in->stride - in->pad;
                int left = q * in->stride - in->pad;
                int64_t sum =
                    in->opcode == STN_CONV
                        ? sum_conv(by, &in->weights, o, x, top, left)
                        : sum_depthwise(by, &in->weights, o, x, top, left);
                put(y, at(y, r, q, o), sum);
            }
}

static int64_t clamp(int64_t v, int64_t lo, int64_t hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

/* y[r, q, c] = clamp(⌊(x₀·m₀[c] + x₁·m₁[c] + a[c]) / 2^shift⌋, lo, hi).
 * C leaves >> of a negative number to the compiler; all of ours shift
 * arithmetically, and tests/test_reference.c would notice one that does not. */
static void run_rescale(const stn_instruction *in, tensor x0, tensor x1,
                        tensor y)
{
    size_t n = stn_shape_count(y.shape);
    for (size_t i = 0; i < n; i++) {
        size_t c = i % (size_t)y.shape.c;
        int64_t sum = get(x0, i) * in->m0[c] + in->a[c];
        if (in->n_inputs == 2)
            sum += get(x1, i) * in->m1[c];
        put(y, i, clamp(sum >> in->shift, in->lo, in->hi));
    }
}

/* y[r, q, c] = max or Σ over i, j of x[r·stride + i, q·stride + j, c] */
static void run_pool(const stn_instruction *in, tensor x, tensor y)
{
    for (int r = 0; r < y.shape.h; r++)
        for (int q = 0; q < y.shape.w; q++)
            for (int c = 0; c < y.shape.c; c++) {
                int64_t sum = 0, max = INT64_MIN;
                for (int i = 0; i < in->kh; i++)
                    for (int j = 0; j < in->kw; j++) {
                        int64_t v = get(x, at(x, r * in->stride + i,
                                              q * in->stride + j, c));
                        sum += v;
                        max = v > max ? v : max;
                    }
                put(y, at(y, r, q, c), in->opcode == STN_MAX_POOL ? max : sum);
            }
}

/* ---- across time: element i of step t stands at t·n + i ---- */

/* y[t, i] = x[i] > h(t·n + i), of hash h with key 0 */
static void run_rate_code(tensor x, tensor y)
{
    size_t n = stn_shape_count(x.shape);
    for (int t = 0; t < y.steps; t++)
        for (size_t i = 0; i < n; i++) {
            size_t k = (size_t)t * n + i;
            put(y, k, get(x, i) > stn_spike_threshold(0, (uint32_t)k));
        }
}

/* u = ⌊u·leak / 256⌋ + x[t, i];  y[t, i] = u > threshold, and then u = 0 */
static void run_lif(const stn_instruction *in, tensor x, tensor y)
{
    size_t n = stn_shape_count(x.shape);
    for (size_t i = 0; i < n; i++) {
        int64_t u = 0;
        for (int t = 0; t < x.steps; t++) {
            size_t k = (size_t)t * n + i;
            u = ((u * in->leak) >> 8) + get(x, k);
            put(y, k, u > in->threshold);
            u = u > in->threshold ? 0 : u;
        }
    }
}

/* Of the spikes of each window, y has one, as many steps before the window's
 * end as there were spikes; none of none. */
static void run_split_time(const stn_instruction *in, tensor x, tensor y)
{
    size_t n = stn_shape_count(x.shape);
    for (size_t i = 0; i < n; i++)
        for (int first = 0; first < x.steps; first += in->window) {
            int end = first + in->window, spikes = 0;
            end = end < x.steps ? end : x.steps;
            for (int t = first; t < end; t++)
                spikes += (int)get(x, (size_t)t * n + i);
            for (int t = first; t < end; t++)
                put(y, (size_t)t * n + i, spikes && t == end - spikes);
        }
}

/* y[t, i] = Σ x[s, i] over the steps s <= t of t's window */
static void run_prefix_sum(const stn_instruction *in, tensor x, tensor y)
{
    size_t n = stn_shape_count(x.shape);
    for (size_t i = 0; i < n; i++) {
        int64_t sum = 0;
        for (int t = 0; t < x.steps; t++) {
            sum = (t % in->window ? sum : 0) + get(x, (size_t)t * n + i);
            put(y, (size_t)t * n + i, sum);
        }
    }
}

/* y[i] = Σ t  x[t, i] */
static void run_sum_steps(tensor x, tensor y)
{
    size_t n = stn_shape_count(x.shape);
    for (size_t i = 0; i < n; i++) {
        int64_t sum = 0;
        for (int t = 0; t < x.steps; t++)
            sum += get(x, (size_t)t * n + i);
        put(y, i, sum);
    }
}

static void run_time(const stn_instruction *in, tensor x, tensor y)
{
    if (in->opcode == STN_RATE_CODE)
        run_rate_code(x, y);
    else if (in->opcode == STN_LIF)
        run_lif(in, x, y);
    else if (in->opcode == STN_SPLIT_TIME)
        run_split_time(in, x, y);
    else if (in->opcode == STN_PREFIX_SUM)
        run_prefix_sum(in, x, y);
    else
        run_sum_steps(x, y);
}

/* ---- programs ---- */

static tensor tensor_of(const stn_program *program, int value,
                        const uint8_t *pixels, void *const *values)
{
    const stn_value *v = &program->values[value];
    return (tensor){.shape = v->shape,
                    .type = v->type,
                    .steps = v->steps,
                    .data = value ? values[value] : (void *)(uintptr_t)pixels};
}

/* The tensor of time step t. */
static tensor step_of(tensor x, int t)
{
    x.data = (uint8_t *)x.data +
             (size_t)t * stn_shape_count(x.shape) * stn_type_size(x.type);
    return x;
}

static void run_step(const stn_multiplier *by, const stn_instruction *in,
                     tensor x0, tensor x1, tensor y)
{
    switch (in->opcode) {
    case STN_CONV:
    case STN_DEPTHWISE:
        run_sums(by, in, x0, y);
        break;
    case STN_RESCALE:
        run_rescale(in, x0, x1, y);
        break;
    case STN_MAX_POOL:
    case STN_SUM_POOL:
        run_pool(in, x0, y);
        break;
    default: /* time, and concat of outlines, which nobody runs */
        break;
    }
}

static void run_instruction(const stn_program *program,
                            const stn_multiplier *by, const stn_instruction *in,
                            const uint8_t *pixels, void *const *values)
{
    tensor x0 = tensor_of(program, in->inputs[0], pixels, values);
    tensor x1 = x0;
    if (in->n_inputs == 2)
        x1 = tensor_of(program, in->inputs[1], pixels, values);
    tensor y = tensor_of(program, in->output, pixels, values);
    if (stn_opcode_is_time(in->opcode))
        run_time(in, x0, y);
    else
        for (int t = 0; t < y.steps; t++)
            run_step(by, in, step_of(x0, t), step_of(x1, t), step_of(y, t));
}

void stn_reference_step(const stn_program *program, const stn_instruction *in,
                        const uint8_t *pixels, void *const *values)
{
    run_instruction(program, NULL, in, pixels, values);
}

stn_status stn_reference_run_with(const stn_program *program,
                                  const stn_multiplier *multiplier,
                                  const uint8_t *pixels, void *const *values,
                                  stn_error *err)
{
    for (int v = 1; v < program->n_values; v++)
        if (!values[v])
            return stn_fail(err, STN_E_ARGUMENT,
                            "reference: no memory for value %d (%s)", v,
                            program->values[v].name);
    for (int i = 0; i < program->n_instructions; i++)
        run_instruction(program, multiplier, &program->instructions[i], pixels,
                        values);
    return STN_OK;
}

stn_status stn_reference_run(const stn_program *program, const uint8_t *pixels,
                             void *const *values, stn_error *err)
{
    return stn_reference_run_with(program, NULL, pixels, values, err);
}

void **stn_reference_values(const stn_program *program, stn_arena *arena)
{
    void **values =
        stn_arena_alloc(arena, (size_t)program->n_values, sizeof *values);
    for (int v = 1; values && v < program->n_values; v++) {
        const stn_value *value = &program->values[v];
        values[v] = stn_arena_alloc(arena, stn_value_bytes(value), 1);
        if (!values[v])
            values = NULL;
    }
    return values;
}

stn_status stn_reference_classify_with(const stn_program *program,
                                       const stn_multiplier *multiplier,
                                       const uint8_t *pixels, int32_t *logits,
                                       stn_error *err)
{
    stn_status status = STN_OK;
    stn_arena arena = {0};
    void **values = stn_reference_values(program, &arena);
    if (!values) {
        status = stn_fail_memory(err, "the values of a program");
        goto out;
    }
    status = stn_reference_run_with(program, multiplier, pixels, values, err);
    if (status != STN_OK)
        goto out;
    int last = program->instructions[program->n_instructions - 1].output;
    for (int c = 0; c < program->n_classes; c++)
        logits[c] = ((const int32_t *)values[last])[c];
out:
    stn_arena_deinit(&arena);
    return status;
}

stn_status stn_reference_classify(const stn_program *program,
                                  const uint8_t *pixels, int32_t *logits,
                                  stn_error *err)
{
    return stn_reference_classify_with(program, NULL, pixels, logits, err);
}
