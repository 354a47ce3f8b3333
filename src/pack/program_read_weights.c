/* SPDX-License-Identifier: MIT
 *
 * Reading weights: docs/format.md, "Weights". Every size is checked before
 * memory is taken for it. */
#include "pack/format.h"
#include "pack/program_reader.h"
#include <stdio.h>

/* The members that each kind of structure has, all of them required. */
static const char *const *structure_members(stn_structure structure)
{
    static const char *const none[] = {"kind", NULL};
    static const char *const blocks[] = {"kind", "flat", "grids", NULL};
    static const char *const diagonal[] = {"kind", "flat", "p", "natural",
                                           NULL};
    static const char *const circulant[] = {"kind", "flat", "p", NULL};
    static const char *const sparse[] = {"kind", "index_bits", "entries", NULL};
    static const char *const *const all[] = {
        [STN_DENSE] = none,          [STN_GROUPS] = none,
        [STN_BLOCKS] = blocks,       [STN_PERMUTED_DIAGONAL] = diagonal,
        [STN_CIRCULANT] = circulant, [STN_SPARSE] = sparse};
    return all[structure];
}

static stn_status get_bool(const stn_reader *r, const stn_json *object,
                           const char *key, bool *out)
{
    const stn_json *node = stn_json_member(object, key);
    if (!node || node->kind != STN_JSON_BOOL)
        return stn_fail(r->err, STN_E_FORMAT,
                        "%s: \"%s\": expected true or false", r->where, key);
    *out = node->boolean;
    return STN_OK;
}

static stn_status read_grids(const stn_reader *r, const stn_json *list,
                             stn_layout *l)
{
    if (!list || list->kind != STN_JSON_ARRAY || !list->n_children ||
        list->n_children > 2)
        return stn_fail(r->err, STN_E_FORMAT,
                        "%s: \"grids\": expected one or two of [rows, cols, "
                        "kept]",
                        r->where);
    l->n_grids = 0;
    for (const stn_json *n = list->first; n; n = n->next) {
        int grid[3];
        STN_TRY(stn_reader_numbers(r, n, 3, "grids", STN_PROGRAM_DIM, grid));
        l->grids[l->n_grids++] = (stn_grid){grid[0], grid[1], grid[2]};
    }
    return STN_OK;
}

static stn_status read_structure(const stn_reader *r, const stn_json *json,
                                 stn_layout *l)
{
    int kind, entries;
    STN_TRY(stn_reader_word(r, json ? stn_json_member(json, "kind") : NULL,
                            "structure", stn_structure_names, &kind));
    l->structure = (stn_structure)kind;
    STN_TRY(stn_reader_check_keys(r, json, structure_members(l->structure)));
    if (stn_structure_is_plane(l->structure))
        STN_TRY(get_bool(r, json, "flat", &l->flat));
    if (l->structure == STN_BLOCKS)
        return read_grids(r, stn_json_member(json, "grids"), l);
    if (l->structure == STN_SPARSE) {
        STN_TRY(stn_reader_int(r, json, "index_bits", 1, STN_INDEX_BITS_MAX,
                               &l->index_bits));
        STN_TRY(stn_reader_int(r, json, "entries", 0, STN_PROGRAM_WEIGHTS,
                               &entries));
        l->n_index = (size_t)entries;
    } else if (stn_structure_is_plane(l->structure)) {
        STN_TRY(stn_reader_int(r, json, "p", 1, STN_PROGRAM_DIM, &l->p));
    }
    if (l->structure == STN_PERMUTED_DIAGONAL)
        STN_TRY(get_bool(r, json, "natural", &l->natural));
    return STN_OK;
}

/* The tensors of a weight whose alphabet and layout are known, decoded. */
static stn_status read_parts(stn_reader *r, const char *name, stn_weights *w)
{
    stn_parts parts = {0};
    bool bytes = stn_weights_are_bytes(w);
    for (stn_part i = 0; i < STN_PARTS; i++) {
        const stn_st_tensor *t;
        if (!stn_weights_has_part(w, i))
            continue;
        STN_TRY(stn_reader_tensor(r, name, stn_part_names[i],
                                  bytes ? "I8" : "U8", 1, SIZE_MAX, &t));
        parts.data[i] = t->data;
        parts.size[i] = t->size;
    }
    char where[STN_ERROR_CAPACITY / 2 + STN_NAME_CAPACITY + 32];
    snprintf(where, sizeof where, "%s: %.79s", r->where, name);
    return stn_weights_unpack(w, &parts, &r->image->arena, where, r->err);
}

/* The same of a narrower program: the leading channels of the widest's. */
static stn_status read_leading(stn_reader *r, stn_instruction *in)
{
    stn_weights *w = &in->weights;
    const stn_instruction *whole =
        stn_program_find_whole(r->widest, in, r->where, r->err);
    if (!whole)
        return STN_E_FORMAT;
    int8_t *codes = stn_arena_alloc(&r->image->arena, stn_weights_count(w), 1);
    if (!codes)
        return stn_fail_memory(r->err, "decoded weights");
    stn_weights_take_leading(&whole->weights, w, codes);
    w->codes = codes;
    return STN_OK;
}

stn_status stn_reader_weights(stn_reader *r, const stn_json *json,
                              stn_instruction *in)
{
    stn_weights *w = &in->weights;
    int levels, shape[4];
    STN_TRY(stn_reader_word(r, stn_json_member(json, "levels"), "levels",
                            stn_levels_names, &levels));
    STN_TRY(stn_reader_int(r, json, "bits", 1, 8, &w->alphabet.bits));
    STN_TRY(stn_reader_numbers(r, stn_json_member(json, "shape"), 4, "shape",
                               STN_PROGRAM_DIM, shape));
    STN_TRY(stn_reader_int(r, json, "chunk", 1, STN_PROGRAM_DIM, &w->chunk));
    STN_TRY(stn_reader_int(r, json, "pad", 0, STN_PROGRAM_DIM, &in->pad));
    STN_TRY(read_structure(r, stn_json_member(json, "structure"), &w->layout));
    w->alphabet.levels = (stn_levels)levels;
    w->out = shape[0];
    w->kh = in->kh = shape[1];
    w->kw = in->kw = shape[2];
    w->in = shape[3];
    if (w->chunk > w->in || !w->out || !w->kh || !w->kw || !stn_weights_fit(w))
        return stn_fail(r->err, STN_E_FORMAT,
                        "%s: weights %d x %d x %d x %d in chunks of %d: sizes "
                        "must be positive, chunk at most the last, the product "
                        "at most %d",
                        r->where, w->out, w->kh, w->kw, w->in, w->chunk,
                        STN_PROGRAM_WEIGHTS);
    r->n_weights += stn_weights_count(w);
    if (r->n_weights > STN_PROGRAM_WEIGHTS)
        return stn_fail(r->err, STN_E_FORMAT, "%s: more than %d weights in all",
                        r->where, STN_PROGRAM_WEIGHTS);
    STN_TRY(stn_weights_check_layout(w, r->where, r->err));
    return r->widest ? read_leading(r, in) : read_parts(r, in->name, w);
}
