/* SPDX-License-Identifier: MIT
 *
 * The stochastic executor: sums of products by their closed form, everything
 * else as the reference interpreter has it.
 *
 * The product of x and w is a sum over the bits b_i of the stream, T_i(w)
 * being the turns of bit i with the sign of w:
 *
 *     unsigned x: Σ b_i T_i(w)      signed x: 2 Σ b_i T_i(w) - Σ T_i(w)
 *
 * So T_i of all weights lie ready, filters innermost: each bit of x that is 1
 * adds one row of them to the sums of all filters, and Σ T_i is added up ahead
 * for each place of the window. */
#include "setun/stochastic.h"
#include "base/compiler.h"
#include "base/pool.h"
#include "run/reference.h"
#include <stdlib.h>
#include <string.h>

/* A conv or depthwise as the loops want it. */
typedef struct sums {
    stn_stochastic_operand operand;
    int offset;       /* stream = x + offset */
    int shift;        /* y = sum of products · 2^shift */
    int8_t *turns;    /* T_i; kh, kw, in, bits from the highest, out */
    int32_t *totals;  /* Σ T_i over bits and inputs; kh, kw, out */
    uint64_t *cycles; /* Σ|w| at each of kh * kw positions */
    uint64_t *zeros;  /* weights that are 0, likewise */
} sums;

struct stn_stochastic {
    const stn_program *program;
    stn_arena arena;
    sums *sums; /* one an instruction */
    stn_pool *pool;
    int threads;
    struct thread *memory; /* one a thread */
};

/* What one thread works in. */
typedef struct thread {
    stn_arena arena;
    void **values;
    int32_t *sum, *total;          /* as many as the most filters */
    stn_stochastic_counts *counts; /* one an instruction */
} thread;

static bool has_sums(const stn_instruction *in)
{
    return in->opcode == STN_CONV || in->opcode == STN_DEPTHWISE;
}

static stn_stochastic_operand operand_of(stn_type type, int bits)
{
    return (stn_stochastic_operand){bits, type != STN_TYPE_U8};
}

/* Products count units of 2^-N, or with a sign 2^-(N-1), of x · w. */
static int shift_of(stn_stochastic_operand operand)
{
    return operand.bits - operand.is_signed;
}

/* ---- the definition */

static int64_t product(const stn_multiplier *by, stn_type type, int w,
                       int64_t x)
{
    stn_stochastic_operand operand = operand_of(type, by->bits);
    return (int64_t)stn_stochastic_cycles(operand, (int)x, w) *
           ((int64_t)1 << shift_of(operand));
}

stn_status stn_stochastic_classify(const stn_program *program, int bits,
                                   const uint8_t *pixels, int32_t *logits,
                                   stn_error *err)
{
    const stn_multiplier multiplier = {product, bits};
    return stn_reference_classify_with(program, &multiplier, pixels, logits,
                                       err);
}

/* ---- what can be run */

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
    stn_stochastic_operand operand = operand_of(type, bits);
    int64_t hi = ((int64_t)1 << shift_of(operand)) - 1;
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
        largest = largest_sum(
            in, shift_of(operand_of(p->values[in->inputs[0]].type, bits)));
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
        if (has_sums(in))
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

static stn_status check(const stn_program *p, int bits, stn_error *err)
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

/* ---- preparation */

/* Turns of each bit in |w| cycles: products with streams of a single 1. */
static void fill_turns(const sums *s, int code, int8_t *turns, size_t step,
                       int32_t *total)
{
    const stn_stochastic_operand one = {s->operand.bits, false};
    for (int i = 0; i < one.bits; i++) {
        int t = stn_stochastic_product(one, 1 << (one.bits - 1 - i), code);
        turns[(size_t)i * step] = (int8_t)t;
        *total += t;
    }
}

static stn_status prepare_sums(stn_stochastic *e, const stn_instruction *in,
                               int bits, sums *s, stn_error *err)
{
    const stn_weights *w = &in->weights;
    size_t area = (size_t)w->kh * (size_t)w->kw, depth = (size_t)w->in;
    size_t out = (size_t)w->out, planes = (size_t)bits;
    s->operand = operand_of(e->program->values[in->inputs[0]].type, bits);
    s->offset = s->operand.is_signed ? 1 << (bits - 1) : 0;
    s->shift = shift_of(s->operand);
    s->turns = stn_arena_alloc(&e->arena, area * depth * planes * out, 1);
    s->totals = stn_arena_alloc(&e->arena, area * out, sizeof *s->totals);
    s->cycles = stn_arena_alloc(&e->arena, area, sizeof *s->cycles);
    s->zeros = stn_arena_alloc(&e->arena, area, sizeof *s->zeros);
    if (!s->turns || !s->totals || !s->cycles || !s->zeros)
        return stn_fail_memory(err, "a stochastic layer");
    for (size_t o = 0; o < out; o++)
        for (size_t a = 0; a < area; a++)
            for (size_t c = 0; c < depth; c++) {
                int code = w->codes[(o * area + a) * depth + c];
                fill_turns(s, code,
                           s->turns + (a * depth + c) * planes * out + o, out,
                           &s->totals[a * out + o]);
                s->cycles[a] += (uint64_t)abs(code);
                s->zeros[a] += code == 0;
            }
    return STN_OK;
}

static stn_status prepare_thread(const stn_program *p, thread *t,
                                 stn_error *err)
{
    int widest = 1;
    for (int i = 0; i < p->n_instructions; i++)
        if (p->instructions[i].weights.out > widest)
            widest = p->instructions[i].weights.out;
    t->values = stn_reference_values(p, &t->arena);
    t->sum = stn_arena_alloc(&t->arena, (size_t)widest, sizeof *t->sum);
    t->total = stn_arena_alloc(&t->arena, (size_t)widest, sizeof *t->total);
    t->counts = stn_arena_alloc(&t->arena, (size_t)p->n_instructions,
                                sizeof *t->counts);
    if (!t->values || !t->sum || !t->total || !t->counts)
        return stn_fail_memory(err, "a picture's values");
    return STN_OK;
}

static stn_status prepare(stn_stochastic *e, int bits, int threads,
                          stn_error *err)
{
    const stn_program *p = e->program;
    e->sums =
        stn_arena_alloc(&e->arena, (size_t)p->n_instructions, sizeof *e->sums);
    if (!e->sums)
        return stn_fail_memory(err, "a stochastic executor");
    for (int i = 0; i < p->n_instructions; i++)
        if (has_sums(&p->instructions[i]))
            STN_TRY(
                prepare_sums(e, &p->instructions[i], bits, &e->sums[i], err));
    STN_TRY(stn_pool_create(threads, NULL, &e->pool, err));
    e->threads = stn_pool_threads(e->pool);
    e->memory =
        stn_arena_alloc(&e->arena, (size_t)e->threads, sizeof *e->memory);
    if (!e->memory)
        return stn_fail_memory(err, "a stochastic executor");
    for (int t = 0; t < e->threads; t++)
        STN_TRY(prepare_thread(p, &e->memory[t], err));
    return STN_OK;
}

stn_status stn_stochastic_create(const stn_program *program, int bits,
                                 int threads, stn_stochastic **out,
                                 stn_error *err)
{
    STN_TRY(check(program, bits, err));
    stn_stochastic *e = stn_alloc(1, sizeof *e);
    if (!e)
        return stn_fail_memory(err, "a stochastic executor");
    e->program = program;
    stn_status status = prepare(e, bits, threads, err);
    if (status == STN_OK)
        *out = e;
    else
        stn_stochastic_destroy(e);
    return status;
}

void stn_stochastic_destroy(stn_stochastic *executor)
{
    if (!executor)
        return;
    for (int t = 0; executor->memory && t < executor->threads; t++)
        stn_arena_deinit(&executor->memory[t].arena);
    stn_pool_destroy(executor->pool);
    stn_arena_deinit(&executor->arena);
    stn_free(executor);
}

/* ---- execution */

/* Inputs of at most 8 bits, whatever type they have. */
static int get(const stn_value *x, const void *data, size_t i)
{
    return x->type == STN_TYPE_U8   ? ((const uint8_t *)data)[i]
           : x->type == STN_TYPE_S8 ? ((const int8_t *)data)[i]
                                    : ((const int16_t *)data)[i];
}

/* One step of a window: everything at one place of the input. */
typedef struct place {
    const stn_instruction *in;
    const sums *sums;
    const stn_value *x;
    const void *data;
    size_t first; /* element of x: channel 0 there */
    size_t area;  /* position in the window */
} place;

/* Returns Σ|x| over the channels. */
STN_CLONES
static uint64_t add_conv(const place *p, int32_t *STN_RESTRICT sum)
{
    const sums *s = p->sums;
    const int bits = s->operand.bits;
    const size_t out = (size_t)p->in->weights.out;
    const size_t depth = (size_t)p->in->weights.in;
    const int8_t *turns = s->turns + p->area * depth * (size_t)bits * out;
    uint64_t magnitude = 0;
    for (size_t c = 0; c < depth; c++) {
        const int x = get(p->x, p->data, p->first + c);
        const unsigned stream = (unsigned)(x + s->offset);
        magnitude += (uint64_t)abs(x);
        for (int i = bits - 1; i >= 0; i--, turns += out) {
            const int8_t *STN_RESTRICT t = turns;
            if (stream >> i & 1)
                for (size_t o = 0; o < out; o++)
                    sum[o] += t[o];
        }
    }
    return magnitude;
}

static uint64_t add_depthwise(const place *p, int32_t *sum)
{
    const sums *s = p->sums;
    const int bits = s->operand.bits;
    size_t out = (size_t)p->in->weights.out, channels = (size_t)p->x->shape.c;
    const int8_t *turns = s->turns + p->area * (size_t)bits * out;
    uint64_t magnitude = 0;
    for (size_t o = 0; o < out; o++) {
        int x = get(p->x, p->data, p->first + o % channels);
        unsigned stream = (unsigned)(x + s->offset);
        magnitude += (uint64_t)abs(x);
        for (int i = 0; i < bits; i++)
            if (stream >> (bits - 1 - i) & 1)
                sum[o] += turns[(size_t)i * out + o];
    }
    return magnitude;
}

static void count_place(const place *p, uint64_t magnitude,
                        stn_stochastic_counts *counts)
{
    const stn_weights *w = &p->in->weights;
    bool conv = p->in->opcode == STN_CONV;
    counts->input_cycles += magnitude * (conv ? (uint64_t)w->out : 1);
    counts->products += (uint64_t)w->out * (uint64_t)w->in;
    counts->cycles += p->sums->cycles[p->area];
    counts->zero_weights += p->sums->zeros[p->area];
}

/* One output position: Σ b_i T_i and Σ T_i of every filter. */
static void add_window(place *p, int top, int left, thread *t,
                       stn_stochastic_counts *counts)
{
    const stn_weights *w = &p->in->weights;
    const size_t out = (size_t)w->out;
    stn_shape x = p->x->shape;
    memset(t->sum, 0, out * sizeof *t->sum);
    memset(t->total, 0, out * sizeof *t->total);
    p->area = 0;
    for (int r = top; r < top + w->kh; r++)
        for (int q = left; q < left + w->kw; q++, p->area++) {
            if (r < 0 || r >= x.h || q < 0 || q >= x.w)
                continue;
            p->first = ((size_t)r * (size_t)x.w + (size_t)q) * (size_t)x.c;
            count_place(p,
                        p->in->opcode == STN_CONV ? add_conv(p, t->sum)
                                                  : add_depthwise(p, t->sum),
                        counts);
            for (size_t o = 0; o < out; o++)
                t->total[o] += p->sums->totals[p->area * out + o];
        }
}

static void run_sums(const stn_program *program, const stn_instruction *in,
                     const sums *s, const uint8_t *pixels, thread *t,
                     stn_stochastic_counts *counts)
{
    stn_shape y = program->values[in->output].shape;
    int32_t *out = t->values[in->output];
    place p = {.in = in,
               .sums = s,
               .x = &program->values[in->inputs[0]],
               .data = in->inputs[0] ? t->values[in->inputs[0]] : pixels};
    for (int r = 0; r < y.h; r++)
        for (int q = 0; q < y.w; q++, out += y.c) {
            add_window(&p, r * in->stride - in->pad, q * in->stride - in->pad,
                       t, counts);
            for (int o = 0; o < y.c; o++) {
                int32_t sum = s->operand.is_signed ? 2 * t->sum[o] - t->total[o]
                                                   : t->sum[o];
                out[o] = sum * (1 << s->shift);
            }
        }
}

typedef struct batch {
    const stn_stochastic *executor;
    const uint8_t *pixels;
    int32_t *logits;
} batch;

static void run_picture(void *context, int i, int thread_index)
{
    const batch *b = context;
    const stn_program *p = b->executor->program;
    thread *t = &b->executor->memory[thread_index];
    size_t classes = (size_t)p->n_classes;
    const uint8_t *pixels = b->pixels + (size_t)i * stn_shape_count(p->input);
    const stn_instruction *in = p->instructions;
    for (int k = 0; k < p->n_instructions; k++, in++)
        if (has_sums(in))
            run_sums(p, in, &b->executor->sums[k], pixels, t, &t->counts[k]);
        else
            stn_reference_step(p, in, pixels, t->values);
    memcpy(b->logits + (size_t)i * classes, t->values[in[-1].output],
           classes * sizeof *b->logits);
}

/* Sums of integers: any order gives the same. */
static void add_counts(const stn_stochastic *e, stn_stochastic_counts *counts)
{
    size_t n = (size_t)e->program->n_instructions;
    memset(counts, 0, n * sizeof *counts);
    for (int t = 0; t < e->threads; t++)
        for (size_t k = 0; k < n; k++) {
            const stn_stochastic_counts *c = &e->memory[t].counts[k];
            counts[k].products += c->products;
            counts[k].zero_weights += c->zero_weights;
            counts[k].cycles += c->cycles;
            counts[k].input_cycles += c->input_cycles;
        }
}

stn_status stn_stochastic_run(stn_stochastic *executor, const uint8_t *pixels,
                              int n, int32_t *logits,
                              stn_stochastic_counts *counts, stn_error *err)
{
    size_t n_counts = (size_t)executor->program->n_instructions;
    if (n < 0)
        return stn_fail(err, STN_E_ARGUMENT,
                        "stochastic: got %d pictures, expected 0 or more", n);
    for (int t = 0; t < executor->threads; t++)
        memset(executor->memory[t].counts, 0,
               n_counts * sizeof *executor->memory[t].counts);
    batch b = {executor, pixels, logits};
    stn_pool_run(executor->pool, n, run_picture, &b);
    if (counts)
        add_counts(executor, counts);
    return STN_OK;
}
