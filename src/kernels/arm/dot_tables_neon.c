/* SPDX-License-Identifier: MIT
 *
 * Products by look-up with NEON: TBL finds 16 sums in a table of 16 bytes. 32
 * filters, two registers, 4 rows at a time, a row being a patch and a digit.
 * Bytes are widened to 16 bits while they fit (UADDW), and those to the 32-bit
 * sums of a patch. */
#include "kernels/arm/rescale_neon.h"
#include "kernels/layout/dot_tables.h"

#ifdef STN_ARM64
#include "kernels/layout/ending.h"

#define LANES 32
#define VECTORS (LANES / STN_VEC_LANES)
#define ROWS 4

/* Sums of one patch's filters. */
typedef struct sums {
    stn_vec v[VECTORS];
} sums;

/* Rows that are looked up together, and where their sums go. */
typedef struct tile {
    const uint8_t *x[ROWS];
    sums *to[ROWS];
    int shift[ROWS];
    bool minus;
} tile;

/* 8-bit and 16-bit sums of a row's filters 0 … 15 (a, b) and 16 … 31. */
typedef struct row {
    uint8x16_t low, high;
    uint16x8_t a, b, c, d;
} row;

STN_INLINE int32x4_t flush_words(int32x4_t to, uint16x4_t words,
                                 int32x4_t shift, bool minus)
{
    int32x4_t add = vreinterpretq_s32_u32(vshlq_u32(vmovl_u16(words), shift));
    return minus ? vsubq_s32(to, add) : vaddq_s32(to, add);
}

/* Adds 16-bit sums of a row, shifted by its digit, to those of its patch. */
STN_INLINE void flush(const tile *t, int r, row *from)
{
    const uint16x8_t words[VECTORS] = {from->a, from->b, from->c, from->d};
    const int32x4_t shift = vdupq_n_s32(t->shift[r]);
    for (int v = 0; v < VECTORS; v++) {
        stn_vec *to = &t->to[r]->v[v];
        to->lo = flush_words(to->lo, vget_low_u16(words[v]), shift, t->minus);
        to->hi = flush_words(to->hi, vget_high_u16(words[v]), shift, t->minus);
    }
    from->a = from->b = from->c = from->d = vdupq_n_u16(0);
}

STN_INLINE void widen(row *r)
{
    r->a = vaddw_u8(r->a, vget_low_u8(r->low));
    r->b = vaddw_high_u8(r->b, r->low);
    r->c = vaddw_u8(r->c, vget_low_u8(r->high));
    r->d = vaddw_high_u8(r->d, r->high);
    r->low = r->high = vdupq_n_u8(0);
}

/* Two tables of 16 subsets each, one step of 16 filters. */
STN_INLINE uint8x16_t look_up(uint8x16_t first, uint8x16_t second,
                              uint8x16_t subsets)
{
    return vaddq_u8(vqtbl1q_u8(first, vandq_u8(subsets, vdupq_n_u8(15))),
                    vqtbl1q_u8(second, vshrq_n_u8(subsets, 4)));
}

/* One stream of a block. */
STN_INLINE void do_rows(const tile *t, const stn_tables_pack *pack,
                        const stn_tables_stream *stream, int rows)
{
    const uint8_t *subsets = stream->subsets;
    const uint32_t *offset = stream->offsets;
    const uint32_t *end = offset + stream->n_steps;
    row r[ROWS] = {0};
    while (offset < end) {
        const uint32_t *words = stn_tables_end(end, offset + pack->word_steps);
        while (offset < words) {
            const uint32_t *bytes =
                stn_tables_end(words, offset + pack->byte_steps);
            for (; offset < bytes; offset++, subsets += LANES) {
                uint8x16_t low = vld1q_u8(subsets);
                uint8x16_t high = vld1q_u8(subsets + 16);
                for (int i = 0; i < rows; i++) {
                    const uint8_t *x = t->x[i] + *offset;
                    uint8x16_t first = vld1q_u8(x), second = vld1q_u8(x + 16);
                    r[i].low = vaddq_u8(r[i].low, look_up(first, second, low));
                    r[i].high =
                        vaddq_u8(r[i].high, look_up(first, second, high));
                }
            }
            for (int i = 0; i < rows; i++)
                widen(&r[i]);
        }
        for (int i = 0; i < rows; i++)
            flush(t, i, &r[i]);
    }
}

/* Tables of 8 digits: entry s has the sum over subset s. TBL gives 0 for the
 * positions that take none. */
STN_INLINE void make_tables(uint8x16_t digits, uint8_t *to)
{
#define NO 255
    static const uint8_t takes[4][16] = {
        {NO, 0, NO, 0, NO, 0, NO, 0, NO, 0, NO, 0, NO, 0, NO, 0},
        {NO, NO, 1, 1, NO, NO, 1, 1, NO, NO, 1, 1, NO, NO, 1, 1},
        {NO, NO, NO, NO, 2, 2, 2, 2, NO, NO, NO, NO, 2, 2, 2, 2},
        {NO, NO, NO, NO, NO, NO, NO, NO, 3, 3, 3, 3, 3, 3, 3, 3}};
#undef NO
    uint8x16_t first = vdupq_n_u8(0), second = first;
    uint8x16_t later = vextq_u8(digits, digits, 4);
    for (int i = 0; i < 4; i++) {
        uint8x16_t take = vld1q_u8(takes[i]);
        first = vaddq_u8(first, vqtbl1q_u8(digits, take));
        second = vaddq_u8(second, vqtbl1q_u8(later, take));
    }
    vst1q_u8(to, first);
    vst1q_u8(to + STN_TABLES_TABLE, second);
}

/* Makes the tables of all that a call reads, and of 8 zeros after. */
static void make_input(const stn_tables_pack *pack, const stn_dot_call *call)
{
    const uint8_t *x = (const uint8_t *)call->x + call->patches[0];
    const uint8x8_t lo = vdup_n_u8((uint8_t)pack->lo);
    size_t n = stn_tables_elements(pack, call);
    uint8_t *to = call->scratch;
    for (size_t i = 0; i < n + STN_TABLES_STEP; i += STN_TABLES_STEP) {
        uint8_t eight[STN_TABLES_STEP];
        memset(eight, pack->lo, sizeof eight);
        if (i < n)
            memcpy(eight, x + i, n - i < 8 ? n - i : 8);
        uint8x8_t v = vsub_u8(vld1_u8(eight), lo);
        uint8x16_t both = vcombine_u8(v, v);
        make_tables(vandq_u8(both, vdupq_n_u8(15)), to);
        if (pack->digits == 2)
            make_tables(vshrq_n_u8(both, 4), to + pack->plane_bytes);
        to += STN_TABLES_STEP / 4 * STN_TABLES_TABLE;
    }
}

/* Sum of x - lo over a patch. */
static int32_t sum_patch(const stn_tables_pack *pack, const stn_dot_call *call,
                         int patch)
{
    const stn_dot_shape *s = call->shape;
    const uint8_t *x = (const uint8_t *)call->x + call->patches[patch];
    uint32_t sum = 0;
    for (int r = 0; r < s->runs; r++, x += s->pitch)
        for (int k = 0; k < s->run; k++)
            sum += (uint8_t)(x[k] - pack->lo);
    return (int32_t)sum;
}

/* Patches [first, first + n) against one block. */
static void do_block(const stn_dot_call *call, const stn_tables_pack *pack,
                     const stn_tables_block *b, int first, int n,
                     const int32_t *sub)
{
    sums all[ROWS], ignored = {0};
    tile t;
    int rows = 0;
    for (int p = 0; p < n; p++) {
        for (int v = 0; v < VECTORS; v++) {
            stn_vec c = stn_vec_load(b->constant + STN_VEC_LANES * v);
            c.lo = vsubq_s32(c.lo, vdupq_n_s32(sub[p]));
            c.hi = vsubq_s32(c.hi, vdupq_n_s32(sub[p]));
            all[p].v[v] = c;
        }
        size_t at = call->patches[first + p] - call->patches[0];
        for (int j = 0; j < pack->digits; j++, rows++) {
            t.x[rows] = (const uint8_t *)call->scratch +
                        (size_t)j * pack->plane_bytes +
                        at / 4 * STN_TABLES_TABLE;
            t.to[rows] = &all[p];
            t.shift[rows] = 4 * j + (pack->streams == 1);
        }
    }
    int used = rows > 2 ? ROWS : rows;
    for (; rows < used; rows++) {
        t.x[rows] = t.x[0];
        t.to[rows] = &ignored;
        t.shift[rows] = 0;
    }
    for (int i = 0; i < pack->streams; i++) {
        t.minus = i == 1;
        if (used == 1)
            do_rows(&t, pack, &b->streams[i], 1);
        else if (used == 2)
            do_rows(&t, pack, &b->streams[i], 2);
        else
            do_rows(&t, pack, &b->streams[i], ROWS);
    }
    for (int v = 0; v < VECTORS && STN_VEC_LANES * v < b->width; v++)
        stn_finish_vec(&(stn_finish){&pack->head, call, (size_t)first,
                                     (size_t)n,
                                     (size_t)(b->first + STN_VEC_LANES * v),
                                     b->width - STN_VEC_LANES * v},
                       &all[0].v[v], VECTORS);
}

static void dot(const stn_dot_call *call)
{
    const stn_tables_pack *pack = call->prepared;
    if (call->n == 0)
        return;
    make_input(pack, call);
    int together = ROWS / pack->digits;
    for (int first = 0; first < call->n; first += together) {
        int n = call->n - first < together ? call->n - first : together;
        int32_t sub[ROWS] = {0};
        for (int p = 0; p < n && pack->streams == 1; p++)
            sub[p] = sum_patch(pack, call, first + p);
        for (int i = call->part; i < call->part_end; i++)
            do_block(call, pack, &pack->blocks[i], first, n, sub);
    }
}

const stn_tables_style *stn_tables_style_neon(void)
{
    /* Cycles counted as instructions at two a cycle, not measured. */
    static const stn_tables_style style = {.lanes = LANES,
                                           .rows = ROWS,
                                           .isa = "tables_neon",
                                           .run = dot,
                                           .index = 4.5,
                                           .row = 5.5,
                                           .widen = 2.5,
                                           .once = 70,
                                           .make = 16};
    return &style;
}
#endif
