/* SPDX-License-Identifier: MIT
 *
 * What alphabet and layout demand of a weight tensor, and what it costs to
 * store: the accounting that files are held to. */
#include "pack/format.h"
#include "pack/program_image.h"

stn_plane stn_weights_plane(const stn_weights *w)
{
    bool flat = w->layout.flat;
    return (stn_plane){w->out, flat ? w->kh * w->kw * w->in : w->in};
}

bool stn_weights_are_bytes(const stn_weights *w)
{
    return w->layout.structure == STN_DENSE && w->alphabet.bits == 8;
}

/* The usual way to store a code, where only that is given. */
static void settle_defaults(stn_weights *w)
{
    static const stn_alphabet usual[] = {
        {STN_LEVELS_WHOLE, 8}, {STN_LEVELS_TERNARY, 2}, {STN_LEVELS_ODD, 1}};
    if (w->alphabet.bits)
        return;
    w->alphabet = usual[w->code];
    if (w->code == STN_CODE_TERNARY && w->layout.structure == STN_DENSE)
        w->layout.structure = STN_GROUPS;
}

static stn_code code_of(stn_alphabet alphabet, stn_structure structure)
{
    if (alphabet.levels == STN_LEVELS_TERNARY)
        return STN_CODE_TERNARY;
    if (alphabet.bits > 1)
        return STN_CODE_INT8;
    return stn_structure_has_zeros(structure) ? STN_CODE_TERNARY
                                              : STN_CODE_BINARY;
}

stn_status stn_weights_check_index(const stn_weights *w, const char *where,
                                   stn_error *err)
{
    const stn_layout *l = &w->layout;
    stn_plane plane = stn_weights_plane(w);
    if (!stn_structure_is_plane(l->structure))
        return STN_OK;
    for (size_t i = 0; i < l->n_index; i++) {
        bool ascends;
        uint32_t limit = stn_layout_index_limit(l, plane, i, &ascends);
        uint32_t least = ascends ? l->index[i - 1] + 1 : 0;
        if (l->index[i] < least || l->index[i] >= limit)
            return stn_fail(err, STN_E_FORMAT,
                            "%s: entry %zu of the %s index is %u, expected %u "
                            "to %u",
                            where, i, stn_structure_name(l->structure),
                            (unsigned)l->index[i], (unsigned)least,
                            (unsigned)limit - 1);
    }
    return STN_OK;
}

stn_status stn_weights_check_layout(stn_weights *w, const char *where,
                                    stn_error *err)
{
    stn_layout *l = &w->layout;
    stn_plane plane = stn_weights_plane(w);
    const char *got, *expected;
    settle_defaults(w);
    if (!stn_alphabet_valid(w->alphabet))
        return stn_fail(err, STN_E_FORMAT,
                        "%s: %s numbers of %d bits, expected whole 2 to 8, odd "
                        "or nonzero 1 to 7, ternary 2",
                        where, stn_levels_name(w->alphabet.levels),
                        w->alphabet.bits);
    w->code = code_of(w->alphabet, l->structure);
    if (l->flat &&
        (!stn_structure_is_plane(l->structure) || w->kh * w->kw == 1))
        return stn_fail(err, STN_E_FORMAT,
                        "%s: a flat %s layout of %d x %d positions, expected a "
                        "structure of a plane, and several positions",
                        where, stn_structure_name(l->structure), w->kh, w->kw);
    if (l->structure == STN_GROUPS && !stn_alphabet_holds(w->alphabet, 0))
        return stn_fail(err, STN_E_FORMAT,
                        "%s: groups of %s numbers, expected whole or ternary "
                        "ones: a live group may hold a 0",
                        where, stn_levels_name(w->alphabet.levels));
    if (l->structure == STN_SPARSE &&
        (l->index_bits < 1 || l->index_bits > STN_INDEX_BITS_MAX))
        return stn_fail(err, STN_E_FORMAT,
                        "%s: distances of %d bits, expected 1 to %d", where,
                        l->index_bits, STN_INDEX_BITS_MAX);
    if (!stn_structure_is_plane(l->structure))
        return STN_OK;
    if (!stn_layout_fits(l, plane, &got, &expected))
        return stn_fail(err, STN_E_FORMAT,
                        "%s: %s over %d filters x %d inputs: %s, expected %s",
                        where, stn_structure_name(l->structure), plane.rows,
                        plane.cols, got, expected);
    l->n_index = stn_layout_index_count(l, plane);
    return STN_OK;
}

static stn_status fail_code(const stn_weights *w, size_t k, const char *where,
                            stn_error *err)
{
    return stn_fail(err, STN_E_FORMAT,
                    "%s: weight %zu is %d, which is no %s number of %d bit%s",
                    where, k, w->codes[k], stn_levels_name(w->alphabet.levels),
                    w->alphabet.bits, w->alphabet.bits == 1 ? "" : "s");
}

static stn_status fail_unstored(const stn_weights *w, size_t k,
                                const char *where, stn_error *err)
{
    return stn_fail(err, STN_E_FORMAT,
                    "%s: weight %zu is %d, but the %s layout does not store "
                    "it, expected 0",
                    where, k, w->codes[k],
                    stn_structure_name(w->layout.structure));
}

stn_status stn_weights_count_plane(stn_weights *w, stn_error *err)
{
    stn_plane plane = stn_weights_plane(w);
    size_t cells = (size_t)plane.rows * (size_t)plane.cols;
    int32_t *source = stn_alloc((size_t)plane.cols, sizeof *source);
    if (!source)
        return stn_fail_memory(err, "a row of weights");
    w->n_stored = stn_layout_stored(&w->layout, plane, source) *
                  (stn_weights_count(w) / cells);
    stn_free(source);
    return STN_OK;
}

/* Whether the alphabet holds a code, by the code's byte. */
static void list_held(stn_alphabet a, bool holds[256])
{
    for (int code = INT8_MIN; code <= INT8_MAX; code++)
        holds[(uint8_t)code] = stn_alphabet_holds(a, code);
}

/* Every weight comes from where the plane says; counts stored ones. */
static stn_status check_plane(stn_weights *w, stn_arena *scratch,
                              size_t *nonzero, const char *where,
                              stn_error *err)
{
    stn_plane plane = stn_weights_plane(w);
    size_t area =
        stn_weights_count(w) / (size_t)plane.rows / (size_t)plane.cols;
    int32_t *source =
        stn_arena_alloc(scratch, (size_t)plane.cols, sizeof *source);
    if (!source)
        return stn_fail_memory(err, "a row of weights");
    bool holds[256];
    list_held(w->alphabet, holds);
    size_t k = 0, cols = (size_t)plane.cols;
    for (int r = 0; r < plane.rows; r++) {
        int32_t own = r * plane.cols;
        stn_layout_row(&w->layout, plane, r, source);
        for (size_t a = 0; a < area; a++)
            for (size_t c = 0; c < cols; c++, k++) {
                if (source[c] < 0) {
                    if (w->codes[k])
                        return fail_unstored(w, k, where, err);
                    continue;
                }
                if (!holds[(uint8_t)w->codes[k]])
                    return fail_code(w, k, where, err);
                size_t from = stn_plane_from(source[c], own + (int32_t)c, k,
                                             plane, area, a);
                if (w->codes[from] != w->codes[k])
                    return stn_fail(err, STN_E_FORMAT,
                                    "%s: weight %zu is %d, expected %d as "
                                    "weight %zu of its circulant block",
                                    where, k, w->codes[k], w->codes[from],
                                    from);
                w->n_stored += from == k;
                *nonzero += from == k && w->codes[k];
            }
    }
    return STN_OK;
}

static size_t sparse_entries(const stn_weights *w, int bits)
{
    size_t n = stn_weights_count(w), gap = 0, entries = 0;
    size_t most = ((size_t)1 << bits) - 1;
    for (size_t k = 0; k < n; k++) {
        if (!w->codes[k]) {
            gap++;
            continue;
        }
        entries += gap / most + 1;
        gap = 0;
    }
    return entries;
}

/* Of the distances, so that all take the fewest. */
static int least_index_bits(const stn_weights *w)
{
    int bits = 1;
    size_t least = SIZE_MAX;
    for (int b = 1; b <= STN_INDEX_BITS_MAX; b++) {
        size_t n = sparse_entries(w, b) * (size_t)b;
        bits = n < least ? b : bits;
        least = n < least ? n : least;
    }
    return bits;
}

/* Channels of chunk b. */
static int chunk_width(const stn_weights *w, int b)
{
    int left = w->in - b * w->chunk;
    return left < w->chunk ? left : w->chunk;
}

static size_t weights_of_live_groups(const stn_weights *w, stn_arena *scratch)
{
    int n_chunks = (w->in + w->chunk - 1) / w->chunk;
    uint8_t *live = stn_arena_alloc(scratch, (size_t)n_chunks, 1);
    size_t n = 0, k = 0;
    if (!live)
        return SIZE_MAX;
    for (int o = 0; o < w->out; o++) {
        for (int b = 0; b < n_chunks; b++)
            live[b] = 0;
        for (int a = 0; a < w->kh * w->kw; a++)
            for (int b = 0; b < n_chunks; b++) {
                size_t width = (size_t)chunk_width(w, b);
                live[b] |= stn_count_nonzero(w->codes + k, width) != 0;
                k += width;
            }
        for (int b = 0; b < n_chunks; b++)
            n += live[b] ? (size_t)(w->kh * w->kw * chunk_width(w, b)) : 0;
    }
    return n;
}

/* Whether all codes are among those held; false also where that is not seen at
 * once: where a code between the least and the most is not held. */
static bool surely_held(const stn_weights *w, const bool *holds, size_t n,
                        size_t nonzero)
{
    int8_t least = 0, most = 0;
    for (size_t k = 0; k < n; k++) { /* a loop that vectorises */
        least = w->codes[k] < least ? w->codes[k] : least;
        most = w->codes[k] > most ? w->codes[k] : most;
    }
    bool held = holds[0] || nonzero == n;
    for (int code = least; code <= most; code++)
        held &= !code || holds[(uint8_t)code];
    return held;
}

/* Structures whose zeros may be anywhere. */
static stn_status check_scattered(stn_weights *w, stn_arena *scratch,
                                  size_t *nonzero, const char *where,
                                  stn_error *err)
{
    size_t n = stn_weights_count(w);
    bool dense = w->layout.structure == STN_DENSE, holds[256];
    list_held(w->alphabet, holds);
    if (!dense)
        holds[0] = true;
    *nonzero = stn_count_nonzero(w->codes, n);
    bool held = surely_held(w, holds, n, *nonzero);
    for (size_t k = 0; k < n && !held; k++)
        if (!holds[(uint8_t)w->codes[k]])
            return fail_code(w, k, where, err);
    w->n_stored = dense ? n : *nonzero;
    if (w->layout.structure == STN_SPARSE)
        w->layout.n_index = sparse_entries(w, w->layout.index_bits);
    if (w->layout.structure == STN_GROUPS)
        w->n_stored = weights_of_live_groups(w, scratch);
    return w->n_stored == SIZE_MAX ? stn_fail_memory(err, "groups") : STN_OK;
}

size_t stn_weights_index_bits(const stn_weights *w)
{
    const stn_layout *l = &w->layout;
    size_t bits = 0;
    if (l->structure == STN_GROUPS)
        return (size_t)w->out * (size_t)((w->in + w->chunk - 1) / w->chunk);
    if (l->structure == STN_SPARSE)
        return l->n_index * (size_t)l->index_bits;
    for (size_t i = 0; i < l->n_index; i++)
        bits += (size_t)stn_layout_index_bits(l, stn_weights_plane(w), i);
    return bits;
}

stn_status stn_weights_check(stn_weights *w, const char *where, stn_error *err)
{
    stn_arena scratch = {0};
    size_t nonzero = 0; /* of the stored values */
    if (w->layout.structure == STN_SPARSE && w->layout.index_bits == 0)
        w->layout.index_bits = least_index_bits(w);
    STN_TRY(stn_weights_check_layout(w, where, err));
    STN_TRY(stn_weights_check_index(w, where, err));
    w->n_stored = 0;
    stn_status status =
        stn_structure_is_plane(w->layout.structure)
            ? check_plane(w, &scratch, &nonzero, where, err)
            : check_scattered(w, &scratch, &nonzero, where, err);
    stn_arena_deinit(&scratch);
    if (status != STN_OK)
        return status;
    bool ternary = w->alphabet.levels == STN_LEVELS_TERNARY;
    w->value_bits = ternary ? w->n_stored + nonzero
                            : w->n_stored * (size_t)w->alphabet.bits;
    w->index_bits = stn_weights_index_bits(w);
    return STN_OK;
}
