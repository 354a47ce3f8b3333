/* SPDX-License-Identifier: MIT
 *
 * From a .stn file to a program: docs/format.md. Here the file is taken
 * apart, with every index and tensor size checked before it is used;
 * stn_program_check then decides whether what it says is a program. Dense
 * 8-bit codes, m and a stay in the mapped file; other codes are decoded. The
 * host must be little-endian, as the file is. */
#include "base/json.h"
#include "pack/format.h"
#include "pack/program_image.h"
#include <stdio.h>
#include <string.h>

/* The state of one reading. `where` names the file, then the instruction. */
typedef struct reader {
    stn_program_image *image;
    char where[STN_ERROR_CAPACITY / 2];
    size_t n_used; /* tensors that an instruction has named */
    size_t n_weights;
    stn_error *err;
} reader;

static stn_status check_keys(const reader *r, const stn_json *object,
                             const char *const *keys)
{
    if (!object || object->kind != STN_JSON_OBJECT)
        return stn_fail(r->err, STN_E_FORMAT, "%s: expected an object",
                        r->where);
    for (const stn_json *n = object->first; n; n = n->next) {
        bool known = false;
        for (const char *const *key = keys; *key; key++)
            known = known || strcmp(*key, n->key) == 0;
        if (!known || stn_json_member(object, n->key) != n)
            return stn_fail(r->err, STN_E_FORMAT, "%s: %s member \"%s\"",
                            r->where, known ? "repeated" : "unknown", n->key);
    }
    return STN_OK;
}

static bool whole_number(const stn_json *node, int min, int max, int *out)
{
    double x = node->number;
    if (node->kind != STN_JSON_NUMBER || !(x >= min && x <= max) ||
        x != (double)(int)x)
        return false;
    *out = (int)x;
    return true;
}

static stn_status whole_numbers(const reader *r, const stn_json *array, int n,
                                const char *what, int max, int *out)
{
    if (!array || array->kind != STN_JSON_ARRAY ||
        array->n_children != (size_t)n)
        return stn_fail(r->err, STN_E_FORMAT,
                        "%s: %s: expected a list of %d whole numbers", r->where,
                        what, n);
    int i = 0;
    for (const stn_json *item = array->first; item; item = item->next, i++)
        if (!whole_number(item, 0, max, &out[i]))
            return stn_fail(r->err, STN_E_FORMAT,
                            "%s: %s: entry %d is not a whole number from 0 to "
                            "%d",
                            r->where, what, i, max);
    return STN_OK;
}

static stn_status get_int(const reader *r, const stn_json *object,
                          const char *key, int64_t min, int64_t max, int *out)
{
    int64_t value;
    STN_TRY(stn_json_get_int(object, key, r->where, min, max, &value, r->err));
    *out = (int)value;
    return STN_OK;
}

static stn_status get_name(const reader *r, const char *text, char *out,
                           size_t capacity)
{
    size_t size = strlen(text);
    if (size >= capacity)
        return stn_fail(r->err, STN_E_FORMAT,
                        "%s: a name of %zu bytes, at most %zu are allowed",
                        r->where, size, capacity - 1);
    memcpy(out, text, size + 1);
    return STN_OK;
}

/* Index of a member's text in the NULL-terminated `words`. */
static stn_status get_word(const reader *r, const stn_json *node,
                           const char *what, const char *const *words, int *out)
{
    const char *text =
        node && node->kind == STN_JSON_STRING ? node->string : "";
    for (int i = 0; words[i]; i++)
        if (strcmp(words[i], text) == 0) {
            *out = i;
            return STN_OK;
        }
    return stn_fail(r->err, STN_E_FORMAT,
                    "%s: %s \"%.40s\" is not one that this version knows",
                    r->where, what, text);
}

/* The tensor NAME.SUFFIX of `count` elements (SIZE_MAX: any number) of `size`
 * bytes. The container has checked that it is aligned and inside the file. */
static stn_status get_tensor(reader *r, const char *name, const char *suffix,
                             const char *dtype, size_t size, size_t count,
                             const stn_st_tensor **out)
{
    char full[STN_NAME_CAPACITY + 32];
    snprintf(full, sizeof full, "%s.%s", name, suffix);
    const stn_st_tensor *t = stn_st_find(r->image->file, full);
    if (!t)
        return stn_fail(r->err, STN_E_FORMAT, "%s: tensor %s is missing",
                        r->where, full);
    if (strcmp(t->dtype, dtype) != 0)
        return stn_fail(r->err, STN_E_FORMAT,
                        "%s: tensor %s is %s, expected %s", r->where, full,
                        t->dtype, dtype);
    if (count != SIZE_MAX && t->size != count * size)
        return stn_fail(r->err, STN_E_FORMAT,
                        "%s: tensor %s has %zu bytes, expected %zu", r->where,
                        full, t->size, count * size);
    r->n_used++;
    *out = t;
    return STN_OK;
}

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

static stn_status get_bool(const reader *r, const stn_json *object,
                           const char *key, bool *out)
{
    const stn_json *node = stn_json_member(object, key);
    if (!node || node->kind != STN_JSON_BOOL)
        return stn_fail(r->err, STN_E_FORMAT,
                        "%s: \"%s\": expected true or false", r->where, key);
    *out = node->boolean;
    return STN_OK;
}

static stn_status read_grids(const reader *r, const stn_json *list,
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
        STN_TRY(whole_numbers(r, n, 3, "grids", STN_PROGRAM_DIM, grid));
        l->grids[l->n_grids++] = (stn_grid){grid[0], grid[1], grid[2]};
    }
    return STN_OK;
}

static stn_status read_structure(const reader *r, const stn_json *json,
                                 stn_layout *l)
{
    int kind, entries;
    STN_TRY(get_word(r, json ? stn_json_member(json, "kind") : NULL,
                     "structure", stn_structure_names, &kind));
    l->structure = (stn_structure)kind;
    STN_TRY(check_keys(r, json, structure_members(l->structure)));
    if (stn_structure_is_plane(l->structure))
        STN_TRY(get_bool(r, json, "flat", &l->flat));
    if (l->structure == STN_BLOCKS)
        return read_grids(r, stn_json_member(json, "grids"), l);
    if (l->structure == STN_SPARSE) {
        STN_TRY(get_int(r, json, "index_bits", 1, 16, &l->index_bits));
        STN_TRY(get_int(r, json, "entries", 0, STN_PROGRAM_WEIGHTS, &entries));
        l->n_index = (size_t)entries;
    } else if (stn_structure_is_plane(l->structure)) {
        STN_TRY(get_int(r, json, "p", 1, STN_PROGRAM_DIM, &l->p));
    }
    if (l->structure == STN_PERMUTED_DIAGONAL)
        STN_TRY(get_bool(r, json, "natural", &l->natural));
    return STN_OK;
}

/* The tensors of a weight whose alphabet and layout are known, decoded. */
static stn_status read_parts(reader *r, const char *name, stn_weights *w)
{
    stn_parts parts = {0};
    bool bytes = stn_weights_are_bytes(w);
    for (stn_part i = 0; i < STN_PARTS; i++) {
        const stn_st_tensor *t;
        if (!stn_weights_has_part(w, i))
            continue;
        STN_TRY(get_tensor(r, name, stn_part_names[i], bytes ? "I8" : "U8", 1,
                           SIZE_MAX, &t));
        parts.data[i] = t->data;
        parts.size[i] = t->size;
    }
    char where[STN_ERROR_CAPACITY / 2 + STN_NAME_CAPACITY];
    snprintf(where, sizeof where, "%s: %.79s", r->where, name);
    return stn_weights_unpack(w, &parts, &r->image->arena, where, r->err);
}

static stn_status read_weights(reader *r, const stn_json *json,
                               stn_instruction *in)
{
    stn_weights *w = &in->weights;
    int levels, shape[4];
    STN_TRY(get_word(r, stn_json_member(json, "levels"), "levels",
                     stn_levels_names, &levels));
    STN_TRY(get_int(r, json, "bits", 1, 8, &w->alphabet.bits));
    STN_TRY(whole_numbers(r, stn_json_member(json, "shape"), 4, "shape",
                          STN_PROGRAM_DIM, shape));
    STN_TRY(get_int(r, json, "chunk", 1, STN_PROGRAM_DIM, &w->chunk));
    STN_TRY(get_int(r, json, "pad", 0, STN_PROGRAM_DIM, &in->pad));
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
    return read_parts(r, in->name, w);
}

static stn_status read_rescale(reader *r, const stn_json *json,
                               stn_instruction *in)
{
    size_t n = (size_t)r->image->values[in->output].shape.c;
    int64_t lo, hi;
    STN_TRY(get_int(r, json, "shift", 0, STN_PROGRAM_SHIFT, &in->shift));
    STN_TRY(stn_json_get_int(json, "lo", r->where, INT32_MIN, INT32_MAX, &lo,
                             r->err));
    STN_TRY(stn_json_get_int(json, "hi", r->where, INT32_MIN, INT32_MAX, &hi,
                             r->err));
    in->lo = (int32_t)lo;
    in->hi = (int32_t)hi;
    const stn_st_tensor *t;
    STN_TRY(get_tensor(r, in->name, "m0", "I32", 4, n, &t));
    in->m0 = t->data;
    if (in->n_inputs == 2) {
        STN_TRY(get_tensor(r, in->name, "m1", "I32", 4, n, &t));
        in->m1 = t->data;
    }
    STN_TRY(get_tensor(r, in->name, "a", "I64", 8, n, &t));
    in->a = t->data;
    return STN_OK;
}

static stn_status read_pool(reader *r, const stn_json *json,
                            stn_instruction *in)
{
    int kernel[2];
    STN_TRY(whole_numbers(r, stn_json_member(json, "kernel"), 2, "kernel",
                          STN_PROGRAM_DIM, kernel));
    in->kh = kernel[0];
    in->kw = kernel[1];
    return STN_OK;
}

/* Members of each opcode, all of them required. */
static const char *const *members(stn_opcode opcode)
{
    static const char *const weighted[] = {
        "op",    "name",   "in",   "out",   "stride",    "pad",
        "shape", "levels", "bits", "chunk", "structure", NULL};
    static const char *const rescale[] = {"op",    "name", "in", "out",
                                          "shift", "lo",   "hi", NULL};
    static const char *const pool[] = {"op",     "name",   "in", "out",
                                       "kernel", "stride", NULL};
    if (opcode == STN_RESCALE)
        return rescale;
    return opcode == STN_CONV || opcode == STN_DEPTHWISE ? weighted : pool;
}

static stn_status read_instruction(reader *r, const stn_json *json,
                                   stn_instruction *in)
{
    int opcode, last = r->image->program.n_values - 1;
    const char *name;
    STN_TRY(get_word(r, stn_json_member(json, "op"), "op", stn_opcode_names,
                     &opcode));
    in->opcode = (stn_opcode)opcode;
    STN_TRY(check_keys(r, json, members(in->opcode)));
    STN_TRY(stn_json_get_string(json, "name", r->where, &name, r->err));
    STN_TRY(get_name(r, name, in->name, sizeof in->name));
    const stn_json *inputs = stn_json_member(json, "in");
    bool two = inputs && inputs->n_children == 2;
    in->n_inputs = two ? 2 : 1;
    STN_TRY(whole_numbers(r, inputs, in->n_inputs, "in", last, in->inputs));
    STN_TRY(get_int(r, json, "out", 1, last, &in->output));
    if (in->opcode == STN_RESCALE)
        return read_rescale(r, json, in);
    STN_TRY(get_int(r, json, "stride", 1, STN_PROGRAM_DIM, &in->stride));
    if (in->opcode == STN_CONV || in->opcode == STN_DEPTHWISE)
        return read_weights(r, json, in);
    return read_pool(r, json, in);
}

/* [name, type, height, width, channels, scale] */
static stn_status read_value(reader *r, const stn_json *json, stn_value *value)
{
    if (json->kind != STN_JSON_ARRAY || json->n_children != 6)
        return stn_fail(r->err, STN_E_FORMAT,
                        "%s: expected [name, type, height, width, channels, "
                        "scale]",
                        r->where);
    const stn_json *name = json->first, *type = name->next;
    const stn_json *h = type->next, *w = h->next, *c = w->next;
    const stn_json *scale = c->next;
    int word;
    if (name->kind != STN_JSON_STRING || scale->kind != STN_JSON_NUMBER)
        return stn_fail(r->err, STN_E_FORMAT,
                        "%s: name or scale is of another kind", r->where);
    STN_TRY(get_name(r, name->string, value->name, sizeof value->name));
    STN_TRY(get_word(r, type, "type", stn_type_names, &word));
    value->type = (stn_type)word;
    value->scale = scale->number;
    if (!whole_number(h, 1, STN_PROGRAM_DIM, &value->shape.h) ||
        !whole_number(w, 1, STN_PROGRAM_DIM, &value->shape.w) ||
        !whole_number(c, 1, STN_PROGRAM_DIM, &value->shape.c))
        return stn_fail(r->err, STN_E_FORMAT,
                        "%s: a size is not a whole number from 1 to %d",
                        r->where, STN_PROGRAM_DIM);
    return STN_OK;
}

/* A list member with 1 to `max` entries. */
static stn_status get_list(const reader *r, const stn_json *root,
                           const char *key, size_t max, const stn_json **out,
                           int *n)
{
    const stn_json *list = stn_json_member(root, key);
    if (!list || list->kind != STN_JSON_ARRAY || !list->n_children ||
        list->n_children > max)
        return stn_fail(r->err, STN_E_FORMAT,
                        "%s: \"%s\" must be a list of 1 to %zu entries",
                        r->where, key, max);
    *out = list;
    *n = (int)list->n_children;
    return STN_OK;
}

static stn_status read_classes(reader *r, const stn_json *root)
{
    stn_program *p = &r->image->program;
    const stn_json *list;
    STN_TRY(
        get_list(r, root, "classes", STN_PROGRAM_DIM, &list, &p->n_classes));
    const char **names =
        stn_arena_alloc(&r->image->arena, (size_t)p->n_classes, sizeof *names);
    int i = 0;
    for (const stn_json *n = list->first; names && n; n = n->next) {
        if (n->kind != STN_JSON_STRING)
            return stn_fail(r->err, STN_E_FORMAT,
                            "%s: class %d has no text as its name", r->where,
                            i);
        names[i] = stn_arena_string(&r->image->arena, n->string);
        if (!names[i++])
            names = NULL;
    }
    if (!names)
        return stn_fail_memory(r->err, "class names");
    p->class_names = names;
    return STN_OK;
}

static stn_status read_values(reader *r, const stn_json *root)
{
    stn_program_image *image = r->image;
    const stn_json *list;
    STN_TRY(get_list(r, root, "values", STN_PROGRAM_INSTRUCTIONS + 1, &list,
                     &image->program.n_values));
    image->values =
        stn_arena_alloc(&image->arena, list->n_children, sizeof *image->values);
    if (!image->values)
        return stn_fail_memory(r->err, "values");
    image->program.values = image->values;
    size_t base = strlen(r->where);
    int i = 0;
    for (const stn_json *n = list->first; n; n = n->next, i++) {
        snprintf(r->where + base, sizeof r->where - base, ": value %d", i);
        STN_TRY(read_value(r, n, &image->values[i]));
    }
    r->where[base] = '\0';
    return STN_OK;
}

static stn_status read_instructions(reader *r, const stn_json *root)
{
    stn_program_image *image = r->image;
    const stn_json *list;
    STN_TRY(get_list(r, root, "instructions", STN_PROGRAM_INSTRUCTIONS, &list,
                     &image->program.n_instructions));
    image->instructions = stn_arena_alloc(&image->arena, list->n_children,
                                          sizeof *image->instructions);
    if (!image->instructions)
        return stn_fail_memory(r->err, "instructions");
    image->program.instructions = image->instructions;
    size_t base = strlen(r->where);
    int i = 0;
    for (const stn_json *n = list->first; n; n = n->next, i++) {
        snprintf(r->where + base, sizeof r->where - base, ": instruction %d",
                 i);
        STN_TRY(read_instruction(r, n, &image->instructions[i]));
    }
    r->where[base] = '\0';
    return STN_OK;
}

static stn_status read_root(reader *r, const stn_json *root)
{
    static const char *const keys[] = {"name",   "input",        "classes",
                                       "values", "instructions", NULL};
    stn_program *p = &r->image->program;
    const char *name;
    int input[3];
    STN_TRY(check_keys(r, root, keys));
    STN_TRY(stn_json_get_string(root, "name", r->where, &name, r->err));
    STN_TRY(get_name(r, name, p->name, sizeof p->name));
    STN_TRY(whole_numbers(r, stn_json_member(root, "input"), 3, "input",
                          STN_PROGRAM_DIM, input));
    p->input = (stn_shape){input[0], input[1], input[2]};
    STN_TRY(read_classes(r, root));
    STN_TRY(read_values(r, root));
    STN_TRY(read_instructions(r, root));
    size_t n_tensors = stn_st_count(r->image->file);
    if (r->n_used != n_tensors)
        return stn_fail(r->err, STN_E_FORMAT,
                        "%s: %zu tensors, of which instructions name %zu",
                        r->where, n_tensors, r->n_used);
    return STN_OK;
}

static stn_status read_metadata(reader *r, const char **text)
{
    const stn_st_file *file = r->image->file;
    const char *format = stn_st_metadata(file, "format");
    const char *version = stn_st_metadata(file, "version");
    if (!format || strcmp(format, "setun-program") != 0)
        return stn_fail(r->err, STN_E_FORMAT,
                        "%s: format is \"%.40s\", expected \"setun-program\"; "
                        "make one with setun pack",
                        r->where, format ? format : "");
    if (!version || strcmp(version, STN_FORMAT_VERSION) != 0)
        return stn_fail(r->err, STN_E_FORMAT,
                        "%s: version is \"%.40s\", this reader knows "
                        "\"" STN_FORMAT_VERSION "\"; pack the model again",
                        r->where, version ? version : "");
    *text = stn_st_metadata(file, "program");
    if (!*text)
        return stn_fail(r->err, STN_E_FORMAT,
                        "%s: the metadata has no \"program\"", r->where);
    return STN_OK;
}

static stn_status read_image(reader *r, const char *path)
{
    const char *text;
    STN_TRY(stn_st_open(path, &r->image->file, r->err));
    STN_TRY(read_metadata(r, &text));
    stn_json_document *document = NULL;
    STN_TRY(stn_json_parse(r->where, text, strlen(text), &document, r->err));
    stn_status status = read_root(r, stn_json_root(document));
    stn_json_destroy(document);
    if (status == STN_OK)
        status = stn_program_check(r->image, r->where, r->err);
    return status;
}

stn_status stn_program_read(const char *path, stn_program **out, stn_error *err)
{
    stn_program_image *image = stn_alloc(1, sizeof *image);
    if (!image)
        return stn_fail_memory(err, "a program");
    reader r = {.image = image, .err = err};
    /* Room is left for what is appended; a very long path is cut. */
    snprintf(r.where, sizeof r.where, "%.256s", path);
    stn_status status = read_image(&r, path);
    if (status != STN_OK) {
        stn_program_destroy(&image->program);
        return status;
    }
    image->program.file_bytes = stn_st_file_size(image->file);
    *out = &image->program;
    return STN_OK;
}
