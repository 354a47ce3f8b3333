/* SPDX-License-Identifier: MIT
 *
 * Row operations of memories that cannot tell how many of several cells are
 * 1, DRAM above all.
 *
 * majority: three rows share their charge and all become their majority
 * (Ambit; Seshadri et al., MICRO 2017). That destroys them, so operands are
 * first copied to rows kept for it, 0 and 1 are rows that never change, and a
 * row of two-port cells gives complements. One bit of a sum is
 *     carry' = MAJ(a, b, c),  sum = MAJ(~carry', MAJ(a, b, ~c), c):
 * 7 copies and 3 majorities (SIMDRAM; the papers' counts stand in
 * docs/bitwise.md). Each majority is at once driven into a further row.
 *
 * gates: one row after the other is read into latches, whose XNOR or NOR is
 * written back (DRISA, 1T1C-mixed; Li et al., MICRO 2017):
 *     x = XNOR(a, b), sum = XNOR(x, c), carry' = NOR(NOR(a, b), NOR(c, x)):
 * 5 gates, 8 reads and 4 writes. */
#include "accel/bitwise.h"

static void post(bw_tally *t, stn_event event, uint64_t n)
{
    stn_ledger_post(t->row, event, n * t->arrays, n);
}

static uint64_t majority(uint64_t a, uint64_t b, uint64_t c)
{
    return (a & b) | (c & (a | b));
}

static void majority_bit(int words, uint64_t *a, const uint64_t *b, uint64_t *c,
                         uint64_t flip)
{
    for (int i = 0; i < words; i++) {
        uint64_t x = b ? b[i] : 0;
        uint64_t carry = majority(a[i], x, c[i]);
        uint64_t inner = majority(a[i], x, ~c[i]);
        a[i] = majority(~carry, inner, c[i]) ^ flip;
        c[i] = carry;
    }
}

static void gates_bit(int words, uint64_t *a, const uint64_t *b, uint64_t *c,
                      uint64_t flip)
{
    for (int i = 0; i < words; i++) {
        uint64_t second = b ? b[i] : 0;
        uint64_t x = ~(a[i] ^ second);
        uint64_t none = ~(a[i] | second), one = ~(c[i] | x);
        a[i] = ~(x ^ c[i]) ^ flip;
        c[i] = ~(none | one);
    }
}

static void post_bit(bw_tally *t)
{
    bool gates = t->logic == BW_LOGIC_GATES;
    post(t, gates ? STN_EVENT_row_read : STN_EVENT_row_copy, gates ? 8 : 7);
    post(t, gates ? STN_EVENT_row_write : STN_EVENT_row_logic3, gates ? 4 : 3);
}

static const uint64_t *operand_row(const bw_sum *s, int b)
{
    int k = b - s->shift;
    if (k >= s->bits && !s->is_signed)
        return NULL;
    return s->operand +
           (size_t)(k < s->bits ? k : s->bits - 1) * (size_t)s->words;
}

static void fill(uint64_t *row, int words, uint64_t value)
{
    for (int i = 0; i < words; i++)
        row[i] = value;
}

void bw_dram_add(const bw_sum *s, bw_tally *t)
{
    fill(s->carry, s->words, 0); /* the row of zeros is the first carry */
    for (int b = s->shift; b < s->width; b++) {
        uint64_t flip = 0 - (uint64_t)(s->invert >> b & 1);
        (t->logic == BW_LOGIC_GATES ? gates_bit : majority_bit)(
            s->words, s->acc + (size_t)b * (size_t)s->words, operand_row(s, b),
            s->carry, flip);
        post_bit(t);
    }
}

/* Rows below the shift come from the row of zeros, or of ones. */
static void fill_low(const bw_sum *s, bw_tally *t, int width)
{
    for (int b = 0; b < width; b++) {
        fill(s->acc + (size_t)b * (size_t)s->words, s->words,
             0 - (uint64_t)(s->invert >> b & 1));
        post(t,
             t->logic == BW_LOGIC_GATES ? STN_EVENT_row_write
                                        : STN_EVENT_row_copy,
             1);
    }
}

void bw_dram_negate(const bw_sum *s, bw_tally *t)
{
    fill_low(s, t, s->shift);
    for (int b = s->shift; b < s->width; b++)
        fill(s->acc + (size_t)b * (size_t)s->words, s->words, UINT64_MAX);
    bw_dram_add(s, t); /* its first operand is the row of ones */
}

void bw_dram_copy(const bw_sum *s, bw_tally *t)
{
    fill_low(s, t, s->shift);
    for (int b = s->shift; b < s->width; b++) {
        uint64_t *a = s->acc + (size_t)b * (size_t)s->words;
        const uint64_t *x = operand_row(s, b);
        uint64_t flip = 0 - (uint64_t)(s->invert >> b & 1);
        for (int i = 0; i < s->words; i++)
            a[i] = (x ? x[i] : 0) ^ flip;
        if (t->logic == BW_LOGIC_GATES) {
            if (x && b - s->shift < s->bits)
                post(t, STN_EVENT_row_read, 1);
            post(t, STN_EVENT_row_write, 1);
        } else { /* a complement passes the row of two-port cells */
            post(t, STN_EVENT_row_copy, x && flip ? 2 : 1);
        }
    }
}

void bw_dram_complement(uint64_t *acc, int width, int words, bw_tally *t)
{
    for (int i = 0; i < width * words; i++)
        acc[i] = ~acc[i];
    bool gates = t->logic == BW_LOGIC_GATES;
    post(t, gates ? STN_EVENT_row_read : STN_EVENT_row_copy, (uint64_t)width);
    post(t, gates ? STN_EVENT_row_write : STN_EVENT_row_copy, (uint64_t)width);
}

void bw_dram_clear(uint64_t *acc, int width, int words, bw_tally *t)
{
    fill(acc, width * words, 0);
    post(t,
         t->logic == BW_LOGIC_GATES ? STN_EVENT_row_write : STN_EVENT_row_copy,
         (uint64_t)width);
}

static uint64_t ones_in(uint32_t bits)
{
    return (uint64_t)__builtin_popcount(bits);
}

/* Low rows, copied rows and summed bits of a step, times what each takes. */
void bw_predict_dram_step(stn_ledger_row *row, const bw_step *step, int width,
                          const bw_line *operand, uint64_t arrays, int logic)
{
    uint64_t low = step->kind == BW_ADD ? 0 : step->shift;
    uint64_t n = (uint64_t)(width - step->shift);
    uint64_t m = n < (uint64_t)operand->width ? n : (uint64_t)operand->width;
    uint64_t from_rows = operand->is_signed ? n : m;
    uint64_t bits = step->kind == BW_COPY ? 0 : n;
    uint64_t read = 0, write = 0, copy = 0, logic3 = 0;
    if (logic == BW_LOGIC_GATES) {
        read = 8 * bits + (step->kind == BW_COPY ? m : 0);
        write = 4 * bits + low + (step->kind == BW_COPY ? n : 0);
    } else {
        uint64_t mask = ((uint64_t)1 << from_rows) - 1;
        uint64_t flipped =
            ones_in((uint32_t)(step->invert >> step->shift & mask));
        copy = 7 * bits + low + (step->kind == BW_COPY ? n + flipped : 0);
        logic3 = 3 * bits;
    }
    stn_ledger_post(row, STN_EVENT_row_read, read * arrays, read);
    stn_ledger_post(row, STN_EVENT_row_write, write * arrays, write);
    stn_ledger_post(row, STN_EVENT_row_copy, copy * arrays, copy);
    stn_ledger_post(row, STN_EVENT_row_logic3, logic3 * arrays, logic3);
}
