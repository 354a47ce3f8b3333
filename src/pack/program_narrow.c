/* SPDX-License-Identifier: MIT
 *
 * A program of fewer bits, made when it is to run: weights and values lose
 * their lowest bits until no more than `bits` are left, as a circuit does that
 * leaves these bits out (dynamic fixed point of a width chosen at run time;
 * ARSC, ISQED 2021).
 *
 *     value v stands for integer · 2^e[v] of what it was
 *     e = d for a rescale's output that loses d bits, 0 for the picture
 *     e = e[input] + d behind a conv whose weights lose d bits
 *     e = e[input] behind a pool
 *
 * Only rescales have to know: their multipliers and constants are moved by
 * powers of two. Nothing else follows from the width, so every executor runs
 * the result as any other program. */
#include "base/layout.h"
#include "pack/program_image.h"
#include <stdio.h>
#include <string.h>

typedef struct narrowing {
    const stn_program *from;
    stn_program_image *to;
    int bits;
    bool truncate;
    int *exponents; /* e, one a value */
    stn_error *err;
} narrowing;

/* ---- how many bits there are */

/* Of whole numbers in two's complement. */
static int weight_bits(stn_alphabet a)
{
    return a.bits +
           (a.levels == STN_LEVELS_ODD || a.levels == STN_LEVELS_NONZERO);
}

/* Of numbers lo … hi, a sign included where the type has one. */
static int value_bits(stn_type type, int64_t lo, int64_t hi)
{
    int bits = type == STN_TYPE_U8 ? 0 : 1;
    while (hi > 0 || lo < -1) {
        hi >>= 1;
        lo >>= 1;
        bits++;
    }
    return bits;
}

static int excess(const narrowing *n, int bits)
{
    return bits > n->bits ? bits - n->bits : 0;
}

/* ⌊v · 2^by + 1/2⌋ */
static int64_t scaled(int64_t v, int by)
{
    if (by >= 0)
        return v * ((int64_t)1 << by);
    return (v + ((int64_t)1 << (-by - 1))) >> -by;
}

static int64_t clamp(int64_t v, int64_t lo, int64_t hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

/* ---- conv, depthwise */

static stn_status narrow_weights(narrowing *n, stn_instruction *in,
                                 stn_error *err)
{
    stn_weights *w = &in->weights;
    int d = excess(n, weight_bits(w->alphabet));
    int e = n->exponents[in->inputs[0]];
    n->exponents[in->output] = e + d;
    if (in->inputs[0] == 0 && n->bits < 8)
        return stn_fail(err, STN_E_UNSUPPORTED,
                        "%s: reads pixels, which have 8 bits; put a quantise "
                        "node before it to run it with %d",
                        in->name, n->bits);
    if (d == 0)
        return STN_OK;
    size_t count = stn_weights_count(w);
    int8_t *codes = stn_arena_alloc(&n->to->arena, count, 1);
    if (!codes)
        return stn_fail_memory(err, "weights of fewer bits");
    int64_t hi = ((int64_t)1 << (n->bits - 1)) - 1;
    for (size_t i = 0; i < count; i++) {
        int64_t code = w->codes[i];
        code = n->truncate ? code >> d : scaled(code, -d);
        codes[i] = (int8_t)clamp(code, -hi - 1, hi);
    }
    w->code = STN_CODE_INT8;
    w->codes = codes;
    w->alphabet = (stn_alphabet){STN_LEVELS_WHOLE, n->bits};
    w->layout = (stn_layout){.structure = STN_DENSE};
    return STN_OK;
}

/* ---- rescale */

/* Multipliers and constants in steps of 2^k times the old ones. */
typedef struct step {
    int k, shift; /* the new shift */
    int from[2];  /* e of the inputs */
} step;

static bool fits(const stn_instruction *in, const step *s, int channels)
{
    for (int i = 0; i < in->n_inputs; i++) {
        const int32_t *m = i ? in->m1 : in->m0;
        for (int c = 0; c < channels; c++) {
            int64_t v = scaled(m[c], s->from[i] - s->k);
            if (v > STN_PROGRAM_MULTIPLIER || v < -STN_PROGRAM_MULTIPLIER)
                return false;
        }
    }
    return true;
}

/* The finest step whose multipliers and shift a program can have. */
static stn_status choose_step(const stn_instruction *in, int d, int channels,
                              step *s, stn_error *err)
{
    int whole = in->shift + d; /* the new shift at k = 0 */
    s->k = s->from[0] < s->from[1] ? s->from[0] : s->from[1];
    s->k = s->k < whole ? s->k : whole;
    if (whole - s->k > STN_PROGRAM_SHIFT)
        s->k = whole - STN_PROGRAM_SHIFT;
    while (s->k < whole && !fits(in, s, channels))
        s->k++;
    s->shift = whole - s->k;
    if (fits(in, s, channels))
        return STN_OK;
    return stn_fail(err, STN_E_UNSUPPORTED,
                    "%s: its multipliers exceed 2^24 when its inputs lose %d "
                    "and %d bits; use more bits",
                    in->name, s->from[0], s->from[1]);
}

static stn_status move_map(narrowing *n, stn_instruction *in, int d,
                           int channels, stn_error *err)
{
    int last = in->n_inputs - 1;
    step s = {
        .from = {n->exponents[in->inputs[0]], n->exponents[in->inputs[last]]}};
    if (d == 0 && s.from[0] == 0 && s.from[1] == 0)
        return STN_OK;
    STN_TRY(choose_step(in, d, channels, &s, err));
    size_t count = (size_t)channels;
    stn_arena *arena = &n->to->arena;
    int32_t *m[2] = {stn_arena_alloc(arena, count, sizeof *m[0]),
                     stn_arena_alloc(arena, count, sizeof *m[1])};
    int64_t *a = stn_arena_alloc(arena, count, sizeof *a);
    if (!m[0] || !m[1] || !a)
        return stn_fail_memory(err, "multipliers");
    /* The packer's half, which rounds, is half a step of the output. */
    bool round = !n->truncate;
    int64_t before = round && in->shift ? (int64_t)1 << (in->shift - 1) : 0;
    int64_t after = round && s.shift ? (int64_t)1 << (s.shift - 1) : 0;
    for (size_t c = 0; c < count; c++) {
        m[0][c] = (int32_t)scaled(in->m0[c], s.from[0] - s.k);
        if (last)
            m[1][c] = (int32_t)scaled(in->m1[c], s.from[1] - s.k);
        a[c] = scaled(in->a[c] - before, -s.k) + after;
    }
    in->m0 = m[0];
    in->m1 = last ? m[1] : NULL;
    in->a = a;
    in->shift = s.shift;
    return STN_OK;
}

static stn_status narrow_rescale(narrowing *n, stn_instruction *in,
                                 stn_error *err)
{
    const stn_value *y = &n->from->values[in->output];
    int d = 0;
    if (y->type != STN_TYPE_S32)
        d = excess(n, value_bits(y->type, in->lo, in->hi));
    STN_TRY(move_map(n, in, d, y->shape.c, err));
    if (d) {
        in->hi >>= d;
        in->lo = -(-in->lo >> d);
    }
    n->exponents[in->output] = d;
    return STN_OK;
}

/* ---- the program */

static bool is_low(const stn_instruction *in)
{
    size_t n = strlen(in->name), low = sizeof STN_LOW_SUFFIX - 1;
    return in->weights.codes && n > low &&
           strcmp(in->name + n - low, STN_LOW_SUFFIX) == 0;
}

static stn_status narrow_all(narrowing *n)
{
    const stn_program *from = n->from;
    for (int i = 0; i < from->n_instructions; i++) {
        stn_instruction *in = &n->to->instructions[i];
        *in = from->instructions[i];
        if (in->weights.outline)
            return stn_fail(n->err, STN_E_UNSUPPORTED,
                            "%s: its weights are known by number only; give "
                            "their bits instead (--weights, --activations)",
                            in->name);
        if (stn_opcode_is_time(in->opcode))
            return stn_fail(n->err, STN_E_UNSUPPORTED,
                            "%s: spiking networks keep their bits; pack one "
                            "with weights of fewer",
                            in->name);
        if (is_low(in))
            return stn_fail(
                n->err, STN_E_UNSUPPORTED,
                "%s: weights have more than 8 bits, in two "
                "instructions; pack a network with weights of at most 8",
                in->name);
        if (in->weights.codes)
            STN_TRY(narrow_weights(n, in, n->err));
        else if (in->opcode == STN_RESCALE)
            STN_TRY(narrow_rescale(n, in, n->err));
        else
            n->exponents[in->output] = n->exponents[in->inputs[0]];
    }
    for (int v = 0; v < from->n_values; v++) {
        n->to->values[v] = from->values[v];
        n->to->values[v].scale *= (double)((int64_t)1 << n->exponents[v]);
    }
    return STN_OK;
}

static stn_status fill(narrowing *n)
{
    stn_program_image *to = n->to;
    const stn_program *from = n->from;
    size_t n_values = (size_t)from->n_values;
    to->values = stn_arena_alloc(&to->arena, n_values, sizeof *to->values);
    to->instructions =
        stn_arena_alloc(&to->arena, n_values, sizeof *to->instructions);
    n->exponents = stn_arena_alloc(&to->arena, n_values, sizeof *n->exponents);
    if (!to->values || !to->instructions || !n->exponents)
        return stn_fail_memory(n->err, "a program of fewer bits");
    to->program = *from;
    to->program.values = to->values;
    to->program.instructions = to->instructions;
    to->program.file_bytes = 0;
    to->program.n_widths = 0; /* of this width alone */
    to->program.widths = NULL;
    STN_TRY(narrow_all(n));
    return stn_program_check(to, from->name, n->err);
}

stn_status stn_program_narrow(const stn_program *program, int bits,
                              stn_narrow_rounding rounding, stn_program **out,
                              stn_error *err)
{
    if (bits < 2 || bits > 8)
        return stn_fail(err, STN_E_ARGUMENT,
                        "%s: got %d bits to run with, expected 2 to 8",
                        program->name, bits);
    stn_program_image *image = stn_alloc(1, sizeof *image);
    if (!image)
        return stn_fail_memory(err, "a program of fewer bits");
    narrowing n = {.from = program,
                   .to = image,
                   .bits = bits,
                   .truncate = rounding == STN_NARROW_TRUNCATE,
                   .err = err};
    stn_status status = fill(&n);
    if (status == STN_OK)
        *out = &image->program;
    else
        stn_program_destroy(&image->program);
    return status;
}
