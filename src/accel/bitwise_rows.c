/* SPDX-License-Identifier: MIT
 *
 * Row operations: the micro-program of the ripple adder.
 *
 * Per bit, one activation senses accumulator row A, operand row B and carry
 * row C at once. How many of the three cells are 1 decides the bit-line
 * current, and three references give
 *     MAJ  at least two,   AND3  all,   OR3  any;
 *     carry' = MAJ,   sum = AND3 | (OR3 & ~MAJ).
 * (Angizi, He, Fan et al.; docs/bitwise.md.) Where one of the three is known
 * to be 0 or 1, two rows suffice: XOR and AND, or XNOR and OR. The sense
 * amplifier offers each result and its complement, so `invert` costs nothing.
 *
 * With a latch for the carry, one row less is sensed and none is written for
 * it; the gates beside the amplifier combine the two.
 *
 * Every row operation posts its event where it happens; the closed forms in
 * bw_predict_step are derived apart from these loops and tested against
 * them. */
#include "accel/bitwise_noise.h"
#include "base/compiler.h"
#include <string.h>

static void post(bw_tally *t, stn_event event)
{
    stn_ledger_post(t->row, event, t->arrays, 1);
}

/* All ones when the complement of row b is to be written. */
static uint64_t flip_of(const bw_sum *s, int b)
{
    return 0 - (uint64_t)(s->invert >> b & 1);
}

/* Operand row that meets accumulator row b >= shift: beyond its last row a
 * signed operand repeats its sign, and an unsigned one has NULL. */
static const uint64_t *operand_row(const bw_sum *s, int b)
{
    int k = b - s->shift;
    if (k < s->bits)
        return s->operand + (size_t)k * (size_t)s->words;
    return s->is_signed ? s->operand + (size_t)(s->bits - 1) * (size_t)s->words
                        : NULL;
}

static inline void full_add(int words, uint64_t *STN_RESTRICT a,
                            const uint64_t *STN_RESTRICT b,
                            uint64_t *STN_RESTRICT c, uint64_t flip)
{
    for (int w = 0; w < words; w += BW_WORDS)
        for (int i = w; i < w + BW_WORDS; i++) {
            uint64_t and3 = a[i] & b[i] & c[i];
            uint64_t or3 = a[i] | b[i] | c[i];
            uint64_t maj = (a[i] & b[i]) | (c[i] & (a[i] | b[i]));
            a[i] = (and3 | (or3 & ~maj)) ^ flip;
            c[i] = maj;
        }
}

/* First bit: no carry yet. */
static inline void half_add(int words, uint64_t *STN_RESTRICT a,
                            const uint64_t *STN_RESTRICT b,
                            uint64_t *STN_RESTRICT c, uint64_t flip)
{
    for (int w = 0; w < words; w += BW_WORDS)
        for (int i = w; i < w + BW_WORDS; i++) {
            c[i] = a[i] & b[i];
            a[i] = a[i] ^ b[i] ^ flip;
        }
}

/* Beyond the operand: only the carry is left to add. */
static inline void carry_add(int words, uint64_t *STN_RESTRICT a,
                             uint64_t *STN_RESTRICT c, uint64_t flip)
{
    for (int w = 0; w < words; w += BW_WORDS)
        for (int i = w; i < w + BW_WORDS; i++) {
            uint64_t carry = a[i] & c[i];
            a[i] = a[i] ^ c[i] ^ flip;
            c[i] = carry;
        }
}

STN_CLONES
void bw_rows_add(const bw_sum *s, bw_tally *t)
{
    if (t->logic != BW_LOGIC_SENSE) {
        bw_dram_add(s, t);
        return;
    }
    for (int b = s->shift; b < s->width; b++) {
        uint64_t *a = s->acc + (size_t)b * (size_t)s->words;
        const uint64_t *x = operand_row(s, b);
        uint64_t flip = flip_of(s, b);
        bool first = b == s->shift;
        if (t->noise)
            bw_noise_add(t->noise, s, b, x, t->latch, flip);
        else if (first)
            half_add(s->words, a, x, s->carry, flip);
        else if (x)
            full_add(s->words, a, x, s->carry, flip);
        else
            carry_add(s->words, a, s->carry, flip);
        int rows = first ? 2 : 1 + (x != NULL) + !t->latch;
        post(t, (stn_event)(STN_EVENT_row_read + rows - 1));
        post(t, STN_EVENT_row_write);
        if (!t->latch && b + 1 < s->width)
            post(t, STN_EVENT_row_write);
    }
}

static void fill(uint64_t *row, int words, uint64_t value)
{
    for (int i = 0; i < words; i++)
        row[i] = value;
}

void bw_rows_copy(const bw_sum *s, bw_tally *t)
{
    if (t->logic != BW_LOGIC_SENSE) {
        bw_dram_copy(s, t);
        return;
    }
    for (int b = 0; b < s->width; b++) {
        uint64_t *a = s->acc + (size_t)b * (size_t)s->words;
        const uint64_t *x = b < s->shift ? NULL : operand_row(s, b);
        uint64_t flip = flip_of(s, b);
        if (t->noise)
            bw_noise_copy(t->noise, s, b, x, flip);
        else if (!x)
            fill(a, s->words, flip);
        else
            for (int i = 0; i < s->words; i++)
                a[i] = x[i] ^ flip;
        if (x && b - s->shift < s->bits) /* the sign stays latched */
            post(t, STN_EVENT_row_read);
        post(t, STN_EVENT_row_write);
    }
}

/* One row of all ones + x: bits of x - 1, the complement of -x. */
static void ones_add(const bw_sum *s, int b, uint64_t *a, const uint64_t *x)
{
    uint64_t *c = s->carry;
    uint64_t flip = flip_of(s, b);
    for (int i = 0; i < s->words; i++) {
        uint64_t from = x ? x[i] : 0;
        uint64_t carry = b == s->shift ? 0 : c[i];
        a[i] = ~(from ^ carry) ^ flip;
        c[i] = from | carry;
    }
}

void bw_rows_negate(const bw_sum *s, bw_tally *t)
{
    if (t->logic != BW_LOGIC_SENSE) {
        bw_dram_negate(s, t);
        return;
    }
    for (int b = 0; b < s->width; b++) {
        uint64_t *a = s->acc + (size_t)b * (size_t)s->words;
        post(t, STN_EVENT_row_write);
        if (b < s->shift) {
            fill(a, s->words, flip_of(s, b));
            bw_noise_write(t->noise, a,
                           s->acc_cells + 64 * (size_t)b * (size_t)s->words,
                           s->words);
            continue;
        }
        const uint64_t *x = operand_row(s, b);
        if (t->noise)
            bw_noise_negate(t->noise, s, b, x, t->latch, flip_of(s, b));
        else
            ones_add(s, b, a, x);
        if (b == s->shift || (t->latch && x))
            post(t, STN_EVENT_row_read);
        else if (x)
            post(t, STN_EVENT_row_logic2);
        else if (!t->latch && b - s->shift == s->bits)
            post(t, STN_EVENT_row_read); /* the carry no longer changes */
        if (x && b + 1 < s->width && !t->latch)
            post(t, STN_EVENT_row_write);
    }
}

void bw_rows_complement(const bw_sum *s, bw_tally *t)
{
    uint64_t *acc = s->acc;
    int width = s->width, words = s->words;
    if (t->logic != BW_LOGIC_SENSE) {
        bw_dram_complement(acc, width, words, t);
        return;
    }
    for (int b = 0; b < width; b++) {
        uint64_t *a = acc + (size_t)b * (size_t)words;
        bw_row row = {a, s->acc_cells + 64 * (size_t)b * (size_t)words};
        const uint64_t *read = a;
        if (t->noise)
            read = bw_noise_sense(t->noise, 1, &row, s->amplifiers, words);
        for (int i = 0; i < words; i++)
            a[i] = ~read[i];
        bw_noise_write(t->noise, a, row.cells, words);
        post(t, STN_EVENT_row_read);
        post(t, STN_EVENT_row_write);
    }
}

void bw_rows_clear(const bw_sum *s, bw_tally *t)
{
    uint64_t *acc = s->acc;
    int width = s->width, words = s->words;
    if (t->logic != BW_LOGIC_SENSE) {
        bw_dram_clear(acc, width, words, t);
        return;
    }
    for (int b = 0; b < width; b++) {
        size_t row = (size_t)b * (size_t)words;
        fill(acc + row, words, 0);
        bw_noise_write(t->noise, acc + row, s->acc_cells + 64 * row, words);
        post(t, STN_EVENT_row_write);
    }
}

/* With n = width - shift rows to walk, m of them rows of the operand and e
 * beyond it:
 *   add     row: 2-row 1 + [unsigned] e, 3-row m - 1 + [signed] e,
 *                writes 2n - 1 (last carry is dropped)
 *           latch: 2-row m + [signed] e, 1-row [unsigned] e, writes n
 *   copy    1-row m, writes width
 *   negate  row: 1-row 1 + [unsigned, e > 0], 2-row m - 1 + [signed] e,
 *                writes width + carries (n - 1; unsigned with e > 0: m)
 *           latch: 1-row m + [signed] e, writes width */
void bw_predict_step(stn_ledger_row *row, const bw_step *step, int width,
                     const bw_line *operand, uint64_t arrays,
                     const bw_options *options)
{
    if (options->logic != BW_LOGIC_SENSE) {
        bw_predict_dram_step(row, step, width, operand, arrays, options->logic);
        return;
    }
    bool latch = options->carry == BW_CARRY_LATCH;
    uint64_t n = (uint64_t)(width - step->shift),
             bits = (uint64_t)operand->width;
    uint64_t m = n < bits ? n : bits;
    uint64_t e_signed = operand->is_signed ? n - m : 0;
    uint64_t e_unsigned = operand->is_signed ? 0 : n - m;
    uint64_t read = 0, logic2 = 0, logic3 = 0, write = (uint64_t)width;
    if (step->kind == BW_COPY) {
        read = m;
    } else if (step->kind == BW_NEGATE) {
        read = latch ? m + e_signed : 1 + (e_unsigned > 0);
        logic2 = latch ? 0 : m - 1 + e_signed;
        write += latch ? 0 : e_unsigned ? m : n - 1;
    } else {
        read = latch ? e_unsigned : 0;
        logic2 = latch ? m + e_signed : 1 + e_unsigned;
        logic3 = latch ? 0 : m - 1 + e_signed;
        write = latch ? n : 2 * n - 1;
    }
    stn_ledger_post(row, STN_EVENT_row_read, read * arrays, read);
    stn_ledger_post(row, STN_EVENT_row_logic2, logic2 * arrays, logic2);
    stn_ledger_post(row, STN_EVENT_row_logic3, logic3 * arrays, logic3);
    stn_ledger_post(row, STN_EVENT_row_write, write * arrays, write);
}

static void post_pair(stn_ledger_row *row, stn_event first, stn_event second,
                      uint64_t rows, uint64_t arrays)
{
    stn_ledger_post(row, first, rows * arrays, rows);
    stn_ledger_post(row, second, rows * arrays, rows);
}

void bw_predict_complement(stn_ledger_row *row, uint64_t rows, uint64_t arrays,
                           const bw_options *options)
{
    if (options->logic == BW_LOGIC_MAJORITY)
        post_pair(row, STN_EVENT_row_copy, STN_EVENT_row_copy, rows, arrays);
    else
        post_pair(row, STN_EVENT_row_read, STN_EVENT_row_write, rows, arrays);
}

void bw_predict_clear(stn_ledger_row *row, uint64_t rows, uint64_t arrays,
                      const bw_options *options)
{
    stn_event event = options->logic == BW_LOGIC_MAJORITY ? STN_EVENT_row_copy
                                                          : STN_EVENT_row_write;
    stn_ledger_post(row, event, rows * arrays, rows);
}

/* The carry, beside it for majorities: zeros, ones, four rows that share
 * their charge and two of two-port cells; for gates three of results. */
int bw_reserved_rows(const bw_options *options)
{
    if (options->logic == BW_LOGIC_SENSE)
        return options->carry == BW_CARRY_ROW;
    return options->logic == BW_LOGIC_MAJORITY ? 9 : 4;
}
