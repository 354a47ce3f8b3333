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
 * So T_i of all weights lie ready, filters innermost and padded with zeros to
 * whole vectors: each bit of x that is 1 adds one row of them to the sums of
 * all filters, and Σ T_i is added up ahead for each place of the window. Which
 * bits those are comes from a table, since a branch for each bit would be
 * guessed wrong half the time. */
#include "setun/stochastic.h"
#include "base/compiler.h"
#include "base/pool.h"
#include "run/reference.h"
#include "run/stochastic_operand.h"
#include <stdlib.h>
#include <string.h>

#define LANES 16 /* filters of a row come in multiples of */

/* The bits of a stream that are 1, as rows: 0 is the highest of `bits`. */
typedef struct ones {
    uint8_t n, row[8];
} ones;

/* A conv or depthwise as the loops want it. */
typedef struct sums {
    stn_stochastic_operand operand;
    int offset;       /* stream = x + offset */
    int shift;        /* y = sum of products · 2^shift */
    size_t pitch;     /* filters, padded */
    int8_t *turns;    /* T_i; kh, kw, in, bits from the highest, pitch */
    int32_t *totals;  /* Σ T_i over bits and inputs; kh, kw, pitch */
    uint64_t *cycles; /* Σ|w| at each of kh * kw positions */
    uint64_t *zeros;  /* weights that are 0, likewise */
} sums;

struct stn_stochastic {
    const stn_program *program;
    stn_arena arena;
    ones ones[256]; /* of every stream */
    sums *sums;     /* one an instruction */
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

/* ---- the definition */

static int64_t product(const stn_multiplier *by, stn_type type, int w,
                       int64_t x)
{
    stn_stochastic_operand operand = stn_stochastic_operand_of(type, by->bits);
    return (int64_t)stn_stochastic_cycles(operand, (int)x, w) *
           ((int64_t)1 << stn_stochastic_shift_of(operand));
}

stn_status stn_stochastic_classify(const stn_program *program, int bits,
                                   const uint8_t *pixels, int32_t *logits,
                                   stn_error *err)
{
    const stn_multiplier multiplier = {product, bits};
    return stn_reference_classify_with(program, &multiplier, pixels, logits,
                                       err);
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
    size_t pitch = (out + LANES - 1) / LANES * LANES;
    s->operand =
        stn_stochastic_operand_of(e->program->values[in->inputs[0]].type, bits);
    s->offset = s->operand.is_signed ? 1 << (bits - 1) : 0;
    s->shift = stn_stochastic_shift_of(s->operand);
    s->pitch = pitch;
    s->turns = stn_arena_alloc(&e->arena, area * depth * planes * pitch, 1);
    s->totals = stn_arena_alloc(&e->arena, area * pitch, sizeof *s->totals);
    s->cycles = stn_arena_alloc(&e->arena, area, sizeof *s->cycles);
    s->zeros = stn_arena_alloc(&e->arena, area, sizeof *s->zeros);
    if (!s->turns || !s->totals || !s->cycles || !s->zeros)
        return stn_fail_memory(err, "a stochastic layer");
    for (size_t o = 0; o < out; o++)
        for (size_t a = 0; a < area; a++)
            for (size_t c = 0; c < depth; c++) {
                int code = w->codes[(o * area + a) * depth + c];
                fill_turns(s, code,
                           s->turns + (a * depth + c) * planes * pitch + o,
                           pitch, &s->totals[a * pitch + o]);
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
    size_t pitch = (size_t)widest + LANES; /* no less than any */
    t->sum = stn_arena_alloc(&t->arena, pitch, sizeof *t->sum);
    t->total = stn_arena_alloc(&t->arena, pitch, sizeof *t->total);
    t->counts = stn_arena_alloc(&t->arena, (size_t)p->n_instructions,
                                sizeof *t->counts);
    if (!t->values || !t->sum || !t->total || !t->counts)
        return stn_fail_memory(err, "a picture's values");
    return STN_OK;
}

static void fill_ones(stn_stochastic *e, int bits)
{
    for (unsigned stream = 0; stream < 1u << bits; stream++)
        for (int i = 0; i < bits; i++)
            if (stream >> (bits - 1 - i) & 1) {
                ones *o = &e->ones[stream];
                o->row[o->n++] = (uint8_t)i;
            }
}

static stn_status prepare(stn_stochastic *e, int bits, int threads,
                          stn_error *err)
{
    const stn_program *p = e->program;
    e->sums =
        stn_arena_alloc(&e->arena, (size_t)p->n_instructions, sizeof *e->sums);
    if (!e->sums)
        return stn_fail_memory(err, "a stochastic executor");
    fill_ones(e, bits);
    for (int i = 0; i < p->n_instructions; i++)
        if (stn_stochastic_has_sums(&p->instructions[i]))
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
    STN_TRY(stn_stochastic_check(program, bits, err));
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
    const ones *ones;
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
    const size_t pitch = s->pitch, depth = (size_t)p->in->weights.in;
    const size_t step = (size_t)s->operand.bits * pitch;
    const int8_t *turns = s->turns + p->area * depth * step;
    uint64_t magnitude = 0;
    for (size_t c = 0; c < depth; c++, turns += step) {
        const int x = get(p->x, p->data, p->first + c);
        const ones *stream = &p->ones[x + s->offset];
        magnitude += (uint64_t)abs(x);
        for (int k = 0; k < stream->n; k++) {
            const int8_t *STN_RESTRICT t = turns + stream->row[k] * pitch;
            for (size_t o = 0; o < pitch; o += LANES)
                for (size_t l = 0; l < LANES; l++)
                    sum[o + l] += t[o + l];
        }
    }
    return magnitude;
}

static uint64_t add_depthwise(const place *p, int32_t *sum)
{
    const sums *s = p->sums;
    size_t out = (size_t)p->in->weights.out, channels = (size_t)p->x->shape.c;
    const int8_t *turns =
        s->turns + p->area * (size_t)s->operand.bits * s->pitch;
    uint64_t magnitude = 0;
    for (size_t o = 0; o < out; o++) {
        int x = get(p->x, p->data, p->first + o % channels);
        const ones *stream = &p->ones[x + s->offset];
        magnitude += (uint64_t)abs(x);
        for (int k = 0; k < stream->n; k++)
            sum[o] += turns[stream->row[k] * s->pitch + o];
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
    const size_t pitch = p->sums->pitch;
    stn_shape x = p->x->shape;
    memset(t->sum, 0, pitch * sizeof *t->sum);
    memset(t->total, 0, pitch * sizeof *t->total);
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
            for (size_t o = 0; o < pitch; o++)
                t->total[o] += p->sums->totals[p->area * pitch + o];
        }
}

static void run_sums(const stn_stochastic *e, int index, const uint8_t *pixels,
                     thread *t)
{
    const stn_program *program = e->program;
    const stn_instruction *in = &program->instructions[index];
    const sums *s = &e->sums[index];
    stn_shape y = program->values[in->output].shape;
    int32_t *out = t->values[in->output];
    place p = {.in = in,
               .sums = s,
               .ones = e->ones,
               .x = &program->values[in->inputs[0]],
               .data = in->inputs[0] ? t->values[in->inputs[0]] : pixels};
    for (int r = 0; r < y.h; r++)
        for (int q = 0; q < y.w; q++, out += y.c) {
            add_window(&p, r * in->stride - in->pad, q * in->stride - in->pad,
                       t, &t->counts[index]);
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
        if (stn_stochastic_has_sums(in))
            run_sums(b->executor, k, pixels, t);
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
