/* SPDX-License-Identifier: MIT
 *
 * Row operations that err, for two reasons.
 *
 * Cells and amplifiers that differ: with a device, each column's level is the
 * sum of its own cells and of the amplifier's offset, and reference j finds
 * more than j ones where it is above j + 1/2. The same cells with the same
 * content are always sensed alike (bitwise_cells.c draws them).
 *
 * Chance: a reference parts two neighbouring numbers of ones; a column that
 * holds one of the two is taken for the other with the chance that the options
 * say, independently for every operation, column and reference. A written cell
 * is wrong with the chance of a write error, which with a device is that of
 * the cell. These are drawn by the distance to the next one, so that rows
 * without any cost nothing. What is drawn follows from the seed and the
 * picture, never from threads. What a cell held before is not asked, since
 * the picture before would decide it: each is taken to have held the other
 * bit. */
#include "accel/bitwise_noise.h"
#include "base/compiler.h"
#include <math.h>
#include <string.h>

bool bw_is_noisy(const stn_machine *machine)
{
    const bw_options *o = machine->attrs;
    return machine->device || o->read_error > 0 || o->logic2_error > 0 ||
           o->logic3_error > 0 || o->write_error > 0;
}

/* Uniform between 0 and 1, both excluded. */
static double unit(bw_noise *n)
{
    return ((double)(stn_rng_u64(&n->rng) >> 11) + 0.5) * 0x1p-53;
}

/* Columns without error before the next one. */
static uint64_t gap(bw_noise *n, bw_error kind)
{
    double columns = floor(log(unit(n)) * n->scale[kind]);
    return columns < 1e18 ? (uint64_t)columns : (uint64_t)1e18;
}

void bw_noise_begin(bw_noise *n, const bw_mapping *m, const uint8_t *pixels,
                    uint64_t *rows)
{
    const bw_options *o = &m->options;
    const double chance[BW_ERRORS] = {
        (double)o->read_error, (double)o->logic2_error, (double)o->logic3_error,
        (double)o->write_error};
    size_t n_pixels = stn_shape_count(m->program->input);
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < n_pixels; i++)
        hash = (hash ^ pixels[i]) * 0x100000001b3u;
    n->rng = stn_rng_make((uint64_t)o->seed, STN_RNG_SENSE, hash);
    for (int k = 0; k < BW_ERRORS; k++) {
        n->scale[k] = 1.0 / log1p(-chance[k]); /* -inf when it is 0 */
        n->left[k] = chance[k] > 0 ? gap(n, (bw_error)k) : UINT64_MAX;
    }
    n->cells = m->cells;
    n->own_writes = m->cells && o->write_error == 0;
    n->write_left = n->own_writes ? -log(unit(n)) : 0.0;
    n->words = m->noise_words;
    n->masks = rows;
    n->sensed = rows + BW_REFERENCES * n->words;
}

const uint64_t *bw_noise_mask(bw_noise *n, bw_error kind, int slot, int words)
{
    uint64_t columns = 64 * (uint64_t)words, at = n->left[kind];
    if (at >= columns) {
        n->left[kind] -= at == UINT64_MAX ? 0 : columns;
        return NULL;
    }
    uint64_t *mask = n->masks + (size_t)slot * n->words;
    memset(mask, 0, (size_t)words * sizeof *mask);
    for (; at < columns; at += 1 + gap(n, kind))
        mask[at / 64] |= (uint64_t)1 << (at % 64);
    n->left[kind] = at - columns;
    return mask;
}

/* Whether a cell is wrong that may be: its row's greatest chance has already
 * been met. */
static bool is_wrong(bw_noise *n, size_t cell, double hazard)
{
    double log2_chance =
        ldexp(-n->cells->write_chance[cell], -BW_CHANCE_FRACTION);
    return unit(n) * -expm1(-hazard) < exp2(log2_chance);
}

/* Every column spends the row's hazard; where -log(u) is spent, a cell may be
 * wrong. Columns of rows whose cells hardly err hardly spend any. */
static void write_cells(bw_noise *n, uint64_t *row, size_t cells, int words)
{
    double hazard = (double)n->cells->write_hazard[cells / 64];
    uint64_t columns = 64 * (uint64_t)words, at = 0;
    while (n->write_left < (double)(columns - at) * hazard) {
        at += (uint64_t)(n->write_left / hazard);
        if (at < columns && is_wrong(n, cells + at, hazard))
            row[at / 64] ^= (uint64_t)1 << (at % 64);
        at += at < columns;
        n->write_left = -log(unit(n));
    }
    n->write_left -= (double)(columns - at) * hazard;
}

void bw_noise_write(bw_noise *n, uint64_t *row, size_t cells, int words)
{
    if (n && n->own_writes) {
        write_cells(n, row, cells, words);
        return;
    }
    const uint64_t *mask =
        n ? bw_noise_mask(n, BW_ERROR_WRITE, 0, words) : NULL;
    for (int w = 0; mask && w < words; w++)
        row[w] ^= mask[w];
}

/* ---- sensing */

/* Eight columns as lanes: -1 where the byte's bit is 1. */
typedef struct lanes {
    int16_t is[8];
} lanes;
/* clang-format off */
#define B(x, k) -((x) >> (k) & 1)
#define LANES1(x) {{B(x, 0), B(x, 1), B(x, 2), B(x, 3), \
                    B(x, 4), B(x, 5), B(x, 6), B(x, 7)}}
/* clang-format on */
#define LANES4(x) LANES1(x), LANES1(x + 1), LANES1(x + 2), LANES1(x + 3)
#define LANES16(x) LANES4(x), LANES4(x + 4), LANES4(x + 8), LANES4(x + 12)
#define LANES64(x) LANES16(x), LANES16(x + 16), LANES16(x + 32), LANES16(x + 48)
static const lanes expanded[256] = {LANES64(0), LANES64(64), LANES64(128),
                                    LANES64(192)};

/* Adds to the levels of 64 columns what one row of cells does: loops are
 * flat, so that compilers make vectors of them. */
static inline void add_row(const bw_cells *c, const bw_row *row, int w,
                           int16_t level[64])
{
    int16_t is[64];
    const int16_t *zero = c->content[0] + row->cells + 64 * (size_t)w;
    const int16_t *one = c->content[1] + row->cells + 64 * (size_t)w;
    for (int i = 0; i < 8; i++)
        memcpy(is + 8 * i, &expanded[row->bits[w] >> 8 * i & 0xff],
               sizeof expanded[0]);
    for (int k = 0; k < 64; k++)
        level[k] = (int16_t)(level[k] + (zero[k] & ~is[k]) + (one[k] & is[k]));
}

/* Which of them are above reference j. */
static inline uint64_t above(const int16_t level[64], const int16_t *offset,
                             int j)
{
    int16_t reference = (int16_t)((2 * j + 1) << (BW_CELL_FRACTION - 1));
    uint8_t is[64];
    uint64_t word = 0;
    for (int k = 0; k < 64; k++)
        is[k] = (int16_t)(level[k] + offset[k]) > reference;
    /* Byte i of a factor comes to bit 56 + i: 8 i + (56 - 7 i). */
    for (int i = 0; i < 8; i++) {
        uint64_t eight;
        memcpy(&eight, is + 8 * i, sizeof eight);
        word |= eight * 0x0102040810204080u >> 56 << 8 * i;
    }
    return word;
}

/* References from … n - 1 of n rows, into rows of `words`. */
STN_CLONES
static void sense_cells(const bw_cells *c, int n, const bw_row *rows,
                        size_t amplifiers, int from, int words,
                        uint64_t *sensed)
{
    int16_t level[64];
    for (int w = 0; w < words; w++) {
        memset(level, 0, sizeof level);
        for (int r = 0; r < n; r++)
            add_row(c, &rows[r], w, level);
        for (int j = from; j < n; j++)
            sensed[j * words + w] =
                above(level,
                      c->offset + amplifiers + 64 * (size_t)(j * words + w), j);
    }
}

/* At least one, two, three ones among n rows. */
static inline void count_ones(int n, const bw_row *rows, int w,
                              uint64_t least[BW_REFERENCES])
{
    uint64_t p = rows[0].bits[w], q = n > 1 ? rows[1].bits[w] : 0,
             r = n > 2 ? rows[2].bits[w] : 0;
    least[0] = p | q | r;
    least[1] = (p & q) | (r & (p | q));
    least[2] = p & q & r;
}

static void sense_ideal(int n, const bw_row *rows, int first, int words,
                        uint64_t *sensed)
{
    uint64_t least[BW_REFERENCES];
    for (int w = 0; w < words; w++) {
        count_ones(n, rows, w, least);
        for (int j = first; j < n; j++)
            sensed[j * words + w] = least[j];
    }
}

/* Reference j takes j ones for j + 1 and the other way round where the mask
 * is 1. */
static void confuse(const uint64_t *mask, int n, const bw_row *rows, int j,
                    int words, uint64_t *sensed)
{
    uint64_t least[BW_REFERENCES];
    for (int w = 0; mask && w < words; w++) {
        count_ones(n, rows, w, least);
        uint64_t below = j + 1 < n ? ~least[j + 1] : UINT64_MAX;
        uint64_t from = j ? least[j - 1] : UINT64_MAX;
        sensed[j * words + w] ^= mask[w] & from & below;
    }
}

static const uint64_t *sense(bw_noise *noise, int n, const bw_row *rows,
                             size_t amplifiers, int first, int words)
{
    const uint64_t *mask[BW_REFERENCES];
    bw_error kind = (bw_error)(BW_ERROR_READ + n - 1);
    for (int j = first; j < n; j++)
        mask[j] = bw_noise_mask(noise, kind, j, words);
    if (noise->cells)
        sense_cells(noise->cells, n, rows, amplifiers, first, words,
                    noise->sensed);
    else
        sense_ideal(n, rows, first, words, noise->sensed);
    for (int j = first; j < n; j++)
        confuse(mask[j], n, rows, j, words, noise->sensed);
    return noise->sensed;
}

const uint64_t *bw_noise_sense(bw_noise *noise, int n, const bw_row *rows,
                               size_t amplifiers, int words)
{
    return sense(noise, n, rows, amplifiers, 0, words);
}

int64_t bw_noise_count(bw_noise *noise, const bw_row rows[2], size_t amplifiers,
                       int words)
{
    const uint64_t *both = sense(noise, 2, rows, amplifiers, 1, words) + words;
    int64_t wrong = 0;
    for (int w = 0; w < words; w++)
        wrong += __builtin_popcountll(both[w]) -
                 __builtin_popcountll(rows[0].bits[w] & rows[1].bits[w]);
    return wrong;
}

const uint64_t *bw_noise_differ(bw_noise *noise, const bw_comparison *c, int b,
                                const uint64_t **read)
{
    size_t row = (size_t)b * (size_t)c->words, cells = 64 * row;
    const bw_row rows[2] = {{c->a + row, c->cells_a + cells},
                            {c->b + row, c->cells_b + cells}};
    const uint64_t *any = sense(noise, 2, rows, c->amplifiers, 0, c->words);
    uint64_t *differ = noise->sensed + 2 * c->words; /* not used by one row */
    for (int w = 0; w < c->words; w++)
        differ[w] = any[w] & ~any[c->words + w];
    *read = sense(noise, 1, rows, c->amplifiers, 0, c->words);
    return differ;
}

const uint64_t *bw_read_row(const bw_state *s, const bw_value *v, int line,
                            int b)
{
    size_t words = (size_t)v->words, cells = 64 * (size_t)v->words;
    size_t index = (size_t)line * (size_t)v->bits + (size_t)b;
    const bw_row row = {bw_rows_of(s, v, line) + (size_t)b * words,
                        v->cells + index * cells};
    if (!s->noise)
        return row.bits;
    return sense(s->noise, 1, &row, s->m->cells ? v->amplifiers[line] : 0, 0,
                 v->words);
}

/* ---- bits of sums */

static uint64_t *acc_row(const bw_sum *s, int b)
{
    return s->acc + (size_t)b * (size_t)s->words;
}

static size_t columns_of(const bw_sum *s)
{
    return 64 * (size_t)s->words;
}

/* Row of the operand that meets row b, repeated beyond its last one. */
static bw_row operand(const bw_sum *s, int b, const uint64_t *x)
{
    int k = b - s->shift < s->bits ? b - s->shift : s->bits - 1;
    size_t cells =
        k ? s->operand_cells + (size_t)k * columns_of(s) : s->low_cells;
    return (bw_row){x, cells};
}

static bw_row carry(const bw_sum *s)
{
    return (bw_row){s->carry, s->carry_cells};
}

static void write_row(bw_noise *n, const bw_sum *s, int b, uint64_t flip)
{
    uint64_t *a = acc_row(s, b);
    for (int w = 0; w < s->words; w++)
        a[w] ^= flip;
    bw_noise_write(n, a, s->acc_cells + (size_t)b * columns_of(s), s->words);
}

static void write_carry(bw_noise *n, const bw_sum *s)
{
    bw_noise_write(n, s->carry, s->carry_cells, s->words);
}

void bw_noise_add(bw_noise *n, const bw_sum *s, int b, const uint64_t *x,
                  bool latch, uint64_t flip)
{
    bool first = b == s->shift;
    int rows = 0, words = s->words;
    uint64_t *a = acc_row(s, b);
    bw_row row[3];
    row[rows++] = (bw_row){a, s->acc_cells + (size_t)b * columns_of(s)};
    if (x)
        row[rows++] = operand(s, b, x);
    if (!first && !latch)
        row[rows++] = carry(s);
    const uint64_t *any = bw_noise_sense(n, rows, row, s->amplifiers, words);
    const uint64_t *most = any + words, *all = most + words;
    for (int w = 0; w < words; w++) {
        uint64_t in = latch && !first ? s->carry[w] : 0;
        uint64_t two = rows > 1 ? most[w] : 0, three = rows > 2 ? all[w] : 0;
        a[w] = (three | (any[w] & ~two)) ^ in;
        s->carry[w] = two | (any[w] & in);
    }
    write_row(n, s, b, flip);
    if (!latch)
        write_carry(n, s);
}

void bw_noise_copy(bw_noise *n, const bw_sum *s, int b, const uint64_t *x,
                   uint64_t flip)
{
    uint64_t *a = acc_row(s, b);
    const uint64_t *read = n->sensed; /* the sign stays latched */
    if (x && b - s->shift < s->bits) {
        bw_row row = operand(s, b, x);
        read = bw_noise_sense(n, 1, &row, s->amplifiers, s->words);
    }
    for (int w = 0; w < s->words; w++)
        a[w] = x ? read[w] : 0;
    write_row(n, s, b, flip);
}

void bw_noise_negate(bw_noise *n, const bw_sum *s, int b, const uint64_t *x,
                     bool latch, uint64_t flip)
{
    bool first = b == s->shift;
    int rows = 0;
    uint64_t *a = acc_row(s, b), *c = s->carry;
    bw_row row[2];
    if (x)
        row[rows++] = operand(s, b, x);
    /* Beyond an unsigned operand the carry is read once and stays latched. */
    if (!latch && !first && (x || b - s->shift == s->bits))
        row[rows++] = carry(s);
    const uint64_t *any = n->sensed, *both = any + s->words;
    if (rows)
        bw_noise_sense(n, rows, row, s->amplifiers, s->words);
    for (int w = 0; w < s->words; w++) {
        uint64_t in = latch && !first ? c[w] : 0;
        uint64_t some = rows ? any[w] : latch ? 0 : c[w];
        a[w] = ~((some & ~(rows == 2 ? both[w] : 0)) ^ in);
        c[w] = some | in;
    }
    write_row(n, s, b, flip);
    if (!latch && x && b + 1 < s->width)
        write_carry(n, s);
}
