/* SPDX-License-Identifier: MIT
 *
 * Weights as tensors of bits: docs/format.md, "Weights". The layout turns a
 * weight tensor into a sequence of stored values and back; the alphabet turns
 * that into bits. Every weight tensor has exactly one stored form, and only
 * that form is accepted back: padding bits are 0, a live group and a sparse
 * entry hold a nonzero weight. */
#include "base/bits.h"
#include "pack/format.h"
#include "pack/program_image.h"
#include "pack/walk.h"
#include <string.h>

const char *const stn_part_names[] = {"live", "index", "codes",
                                      "mask", "sign",  NULL};

bool stn_weights_has_part(const stn_weights *w, stn_part part)
{
    const stn_layout *l = &w->layout;
    bool ternary = w->alphabet.levels == STN_LEVELS_TERNARY;
    if (part == STN_PART_LIVE)
        return l->structure == STN_GROUPS;
    if (part == STN_PART_INDEX)
        return l->structure == STN_SPARSE || l->structure == STN_BLOCKS ||
               (l->structure == STN_PERMUTED_DIAGONAL && !l->natural);
    return part == STN_PART_CODES ? !ternary : ternary;
}

static void pack_values(stn_alphabet a, const int8_t *stored, size_t n,
                        uint8_t *codes, uint8_t *mask, uint8_t *sign)
{
    size_t nonzero = 0;
    for (size_t i = 0; i < n; i++) {
        if (a.levels != STN_LEVELS_TERNARY) {
            stn_bits_put(codes, i * (size_t)a.bits, a.bits,
                         stn_alphabet_encode(a, stored[i]));
        } else if (stored[i]) {
            stn_bits_put(mask, i, 1, 1);
            stn_bits_put(sign, nonzero++, 1, stored[i] < 0);
        }
    }
}

static void pack_index(const stn_weights *w, uint8_t *index)
{
    size_t at = 0;
    for (size_t i = 0; i < w->layout.n_index; i++) {
        int bits = stn_layout_index_bits(&w->layout, stn_weights_plane(w), i);
        stn_bits_put(index, at, bits, w->layout.index[i]);
        at += (size_t)bits;
    }
}

static void part_sizes(const stn_weights *w, size_t size[STN_PARTS])
{
    size_t index = stn_bytes_for_bits(w->index_bits);
    bool ternary = w->alphabet.levels == STN_LEVELS_TERNARY;
    memset(size, 0, STN_PARTS * sizeof *size);
    if (stn_weights_has_part(w, STN_PART_LIVE))
        size[STN_PART_LIVE] = index;
    else if (stn_weights_has_part(w, STN_PART_INDEX))
        size[STN_PART_INDEX] = index;
    if (ternary) {
        size[STN_PART_MASK] = stn_bytes_for_bits(w->n_stored);
        size[STN_PART_SIGN] = stn_bytes_for_bits(w->value_bits - w->n_stored);
    } else {
        size[STN_PART_CODES] = stn_bytes_for_bits(w->value_bits);
    }
}

stn_status stn_weights_pack(const stn_weights *w, stn_arena *arena,
                            stn_parts *parts, stn_error *err)
{
    *parts = (stn_parts){0};
    if (stn_weights_are_bytes(w)) {
        parts->data[STN_PART_CODES] = (const uint8_t *)w->codes;
        parts->size[STN_PART_CODES] = stn_weights_count(w);
        return STN_OK;
    }
    uint8_t *bytes[STN_PARTS];
    part_sizes(w, parts->size);
    for (int i = 0; i < STN_PARTS; i++) {
        bytes[i] = stn_arena_alloc(arena, parts->size[i], 1);
        parts->data[i] = bytes[i];
        if (!bytes[i])
            return stn_fail_memory(err, "packed weights");
    }
    int8_t *codes = stn_arena_alloc(arena, stn_weights_count(w), 1);
    int8_t *stored = stn_arena_alloc(arena, w->n_stored, 1);
    if (!codes || !stored)
        return stn_fail_memory(err, "packed weights");
    memcpy(codes, w->codes, stn_weights_count(w));
    stn_walk v = {.w = w, .codes = codes, .stored = stored};
    if (w->layout.structure == STN_GROUPS) {
        stn_mark_live(w, bytes[STN_PART_LIVE]);
        stn_walk_groups(&v, bytes[STN_PART_LIVE]);
    } else if (w->layout.structure == STN_SPARSE) {
        stn_walk_sparse(&v, bytes[STN_PART_INDEX]);
    } else {
        STN_TRY(stn_walk_plane(&v, err));
        pack_index(w, bytes[STN_PART_INDEX]);
    }
    pack_values(w->alphabet, stored, w->n_stored, bytes[STN_PART_CODES],
                bytes[STN_PART_MASK], bytes[STN_PART_SIGN]);
    return STN_OK;
}

/* `n` bits must fill the part, the rest of its last byte being 0. */
static stn_status check_part(const stn_parts *parts, stn_part part, size_t n,
                             const char *where, stn_error *err)
{
    const char *name = stn_part_names[part];
    size_t size = parts->size[part];
    if (size != stn_bytes_for_bits(n))
        return stn_fail(err, STN_E_FORMAT,
                        "%s: %s has %zu bytes, expected %zu for %zu bits",
                        where, name, size, stn_bytes_for_bits(n), n);
    for (size_t k = n; k < 8 * size; k++)
        if (stn_bits_get(parts->data[part], k, 1))
            return stn_fail(err, STN_E_FORMAT,
                            "%s: %s: padding bit %zu is 1, expected 0", where,
                            name, k);
    return STN_OK;
}

static stn_status unpack_index(stn_weights *w, const uint8_t *bytes,
                               stn_arena *arena, const char *where,
                               stn_error *err)
{
    stn_layout *l = &w->layout;
    uint32_t *index = stn_arena_alloc(arena, l->n_index, sizeof *index);
    size_t at = 0;
    if (!index)
        return stn_fail_memory(err, "an index of weights");
    for (size_t i = 0; i < l->n_index; i++) {
        int bits = stn_layout_index_bits(l, stn_weights_plane(w), i);
        index[i] = stn_bits_get(bytes, at, bits);
        at += (size_t)bits;
    }
    l->index = index;
    return stn_weights_check_index(w, where, err);
}

/* Reads what says where values are, and so how many there are. */
static stn_status unpack_places(stn_weights *w, const stn_parts *parts,
                                stn_arena *arena, const char *where,
                                stn_error *err)
{
    const uint8_t *live = parts->data[STN_PART_LIVE];
    size_t bits = stn_weights_index_bits(w);
    w->n_stored = stn_weights_count(w);
    if (stn_weights_has_part(w, STN_PART_LIVE)) {
        STN_TRY(check_part(parts, STN_PART_LIVE, bits, where, err));
        w->n_stored = 0;
        for (int i = 0; i < stn_group_count(w); i++)
            if (stn_bits_get(live, (size_t)i, 1))
                w->n_stored += stn_group_size(w, i);
    }
    if (stn_weights_has_part(w, STN_PART_INDEX))
        STN_TRY(check_part(parts, STN_PART_INDEX, bits, where, err));
    if (w->layout.structure == STN_SPARSE) {
        if (stn_walk_sparse_count(w, parts->data[STN_PART_INDEX], &w->n_stored))
            return STN_OK;
        return stn_fail(err, STN_E_FORMAT,
                        "%s: index: its %zu distances leave the %zu weights "
                        "or end without a value",
                        where, w->layout.n_index, stn_weights_count(w));
    }
    if (stn_weights_has_part(w, STN_PART_INDEX))
        STN_TRY(
            unpack_index(w, parts->data[STN_PART_INDEX], arena, where, err));
    return stn_structure_is_plane(w->layout.structure)
               ? stn_weights_count_plane(w, err)
               : STN_OK;
}

static void unpack_one_bit(const uint8_t *codes, const int8_t decoded[2],
                           size_t n, int8_t *to)
{
    for (size_t i = 0; i < n; i++)
        to[i] = decoded[codes[i / 8] >> (i % 8) & 1];
}

/* Eight masks with their signs, which begin at the lowest bit of `sign`: no
 * branch could be foretold. Returns how many signs it took. */
static int unpack_eight(unsigned mask, unsigned sign, int n, int8_t *to)
{
    int taken = 0;
    for (int i = 0; i < n; i++) {
        unsigned live = mask >> i & 1U, minus = live & sign >> taken;
        to[i] = (int8_t)((int)live - 2 * (int)minus);
        taken += (int)live;
    }
    return taken;
}

static void unpack_ternary(const uint8_t *mask, const uint8_t *sign, size_t n,
                           size_t sign_bytes, int8_t *to)
{
    size_t at = 0; /* of signs, bits */
    for (size_t i = 0; i < n; i += 8) {
        unsigned next = 0;
        if (at / 8 < sign_bytes)
            next = sign[at / 8];
        if (at / 8 + 1 < sign_bytes)
            next |= (unsigned)sign[at / 8 + 1] << 8;
        next >>= at % 8;
        /* The whole eight first: its length is then known and unrolled. */
        int taken = n - i >= 8
                        ? unpack_eight(mask[i / 8], next, 8, to + i)
                        : unpack_eight(mask[i / 8], next, (int)(n - i), to + i);
        at += (size_t)taken;
    }
}

/* `stored` has room for w->n_stored values. */
static stn_status unpack_values(const stn_weights *w, const stn_parts *parts,
                                const char *where, int8_t *stored,
                                stn_error *err)
{
    stn_alphabet a = w->alphabet;
    size_t n = w->n_stored, nonzero;
    const uint8_t *codes = parts->data[STN_PART_CODES];
    const uint8_t *mask = parts->data[STN_PART_MASK];
    const uint8_t *sign = parts->data[STN_PART_SIGN];
    if (a.levels != STN_LEVELS_TERNARY) {
        int8_t decoded[256]; /* codes have at most 8 bits */
        for (unsigned i = 0; i < 1U << a.bits; i++)
            decoded[i] = (int8_t)stn_alphabet_decode(a, i);
        if (a.bits == 1)
            unpack_one_bit(codes, decoded, n, stored);
        for (size_t i = 0; i < n && a.bits > 1; i++)
            stored[i] =
                decoded[stn_bits_get(codes, i * (size_t)a.bits, a.bits)];
        return STN_OK;
    }
    nonzero = stn_bits_count(mask, n);
    STN_TRY(check_part(parts, STN_PART_SIGN, nonzero, where, err));
    unpack_ternary(mask, sign, n, parts->size[STN_PART_SIGN], stored);
    return STN_OK;
}

/* A live group and a sparse entry hold a nonzero weight. */
static stn_status check_nonzero(const stn_weights *w, const uint8_t *live,
                                const int8_t *stored, const char *where,
                                stn_error *err)
{
    size_t k = 0;
    if (w->layout.structure == STN_SPARSE)
        for (size_t i = 0; i < w->n_stored; i++)
            if (!stored[i])
                return stn_fail(err, STN_E_FORMAT,
                                "%s: stored weight %zu is 0, expected none: "
                                "sparse weights store what is not 0",
                                where, i);
    if (w->layout.structure != STN_GROUPS)
        return STN_OK;
    for (int i = 0; i < stn_group_count(w); i++) {
        size_t size = stn_group_size(w, i);
        if (!stn_bits_get(live, (size_t)i, 1))
            continue;
        k += size;
        if (!stn_count_nonzero(stored + k - size, size))
            return stn_fail(err, STN_E_FORMAT,
                            "%s: group %d is marked live but all its weights "
                            "are 0",
                            where, i);
    }
    return STN_OK;
}

static stn_status unpack_with(stn_weights *w, const stn_parts *parts,
                              int8_t *codes, int8_t *stored, const char *where,
                              stn_error *err)
{
    const uint8_t *live = parts->data[STN_PART_LIVE];
    stn_walk v = {.w = w, .codes = codes, .stored = stored, .unpacking = true};
    if (w->layout.structure == STN_DENSE) { /* all are stored, in order */
        w->codes = codes;
        return unpack_values(w, parts, where, codes, err);
    }
    STN_TRY(unpack_values(w, parts, where, stored, err));
    STN_TRY(check_nonzero(w, live, stored, where, err));
    w->codes = codes;
    if (w->layout.structure == STN_SPARSE)
        stn_walk_sparse_back(&v, parts->data[STN_PART_INDEX]);
    else if (w->layout.structure == STN_GROUPS)
        stn_walk_groups(&v, live);
    else
        return stn_walk_plane(&v, err);
    return STN_OK;
}

stn_status stn_weights_unpack(stn_weights *w, const stn_parts *parts,
                              stn_arena *arena, const char *where,
                              stn_error *err)
{
    size_t n = stn_weights_count(w);
    w->stored_bytes = 0;
    for (int i = 0; i < STN_PARTS; i++)
        w->stored_bytes += parts->size[i];
    STN_TRY(unpack_places(w, parts, arena, where, err));
    bool ternary = w->alphabet.levels == STN_LEVELS_TERNARY;
    STN_TRY(check_part(parts, ternary ? STN_PART_MASK : STN_PART_CODES,
                       w->n_stored * (ternary ? 1 : (size_t)w->alphabet.bits),
                       where, err));
    if (stn_weights_are_bytes(w)) {
        w->codes = (const int8_t *)parts->data[STN_PART_CODES];
        return STN_OK;
    }
    int8_t *codes = stn_arena_alloc(arena, n, 1);
    int8_t *stored = stn_alloc(w->n_stored, 1);
    stn_status status = STN_OK;
    if (codes && stored)
        status = unpack_with(w, parts, codes, stored, where, err);
    else
        status = stn_fail_memory(err, "decoded weights");
    stn_free(stored);
    return status;
}
