/* SPDX-License-Identifier: MIT
 *
 * From a .stn file to a program: docs/format.md. Here the file is taken
 * apart, with every index and tensor size checked before it is used;
 * stn_program_check then decides whether what it says is a program. Dense
 * 8-bit codes, m and a stay in the mapped file; other codes are decoded. The
 * host must be little-endian, as the file is. */
#include "base/bits.h"
#include "pack/format.h"
#include "pack/program_reader.h"
#include <stdio.h>
#include <string.h>

static stn_status get_name(const stn_reader *r, const char *text, char *out,
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

static stn_status read_rescale(stn_reader *r, const stn_json *json,
                               stn_instruction *in)
{
    size_t n = (size_t)r->image->values[in->output].shape.c;
    int64_t lo, hi;
    STN_TRY(stn_reader_int(r, json, "shift", 0, STN_PROGRAM_SHIFT, &in->shift));
    STN_TRY(stn_json_get_int(json, "lo", r->where, INT32_MIN, INT32_MAX, &lo,
                             r->err));
    STN_TRY(stn_json_get_int(json, "hi", r->where, INT32_MIN, INT32_MAX, &hi,
                             r->err));
    in->lo = (int32_t)lo;
    in->hi = (int32_t)hi;
    const stn_st_tensor *t;
    STN_TRY(stn_reader_tensor(r, in->name, "m0", "I32", 4, n, &t));
    in->m0 = t->data;
    if (in->n_inputs == 2) {
        STN_TRY(stn_reader_tensor(r, in->name, "m1", "I32", 4, n, &t));
        in->m1 = t->data;
    }
    STN_TRY(stn_reader_tensor(r, in->name, "a", "I64", 8, n, &t));
    in->a = t->data;
    return STN_OK;
}

static stn_status read_time(stn_reader *r, const stn_json *json,
                            stn_instruction *in)
{
    if (in->opcode == STN_RATE_CODE)
        return stn_reader_int(r, json, "steps", 1, STN_PROGRAM_STEPS,
                              &in->steps);
    if (in->opcode == STN_LIF) {
        STN_TRY(stn_reader_int(r, json, "leak", 0, 256, &in->leak));
        return stn_reader_int(r, json, "threshold", 0, STN_PROGRAM_THRESHOLD,
                              &in->threshold);
    }
    if (in->opcode == STN_SUM_STEPS)
        return STN_OK;
    return stn_reader_int(r, json, "window", 1, STN_PROGRAM_STEPS, &in->window);
}

static stn_status read_pool(stn_reader *r, const stn_json *json,
                            stn_instruction *in)
{
    int kernel[2];
    STN_TRY(stn_reader_numbers(r, stn_json_member(json, "kernel"), 2, "kernel",
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
    static const char *const time[][7] = {
        [STN_RATE_CODE] = {"op", "name", "in", "out", "steps"},
        [STN_LIF] = {"op", "name", "in", "out", "leak", "threshold"},
        [STN_SPLIT_TIME] = {"op", "name", "in", "out", "window"},
        [STN_PREFIX_SUM] = {"op", "name", "in", "out", "window"},
        [STN_SUM_STEPS] = {"op", "name", "in", "out"}};
    if (opcode == STN_RESCALE)
        return rescale;
    if (stn_opcode_is_time(opcode))
        return time[opcode];
    return opcode == STN_CONV || opcode == STN_DEPTHWISE ? weighted : pool;
}

static stn_status read_instruction(stn_reader *r, const stn_json *json,
                                   stn_instruction *in)
{
    int opcode, last = r->image->program.n_values - 1;
    const char *name;
    STN_TRY(stn_reader_word(r, stn_json_member(json, "op"), "op",
                            stn_opcode_names, &opcode));
    in->opcode = (stn_opcode)opcode;
    STN_TRY(stn_reader_check_keys(r, json, members(in->opcode)));
    STN_TRY(stn_json_get_string(json, "name", r->where, &name, r->err));
    STN_TRY(get_name(r, name, in->name, sizeof in->name));
    const stn_json *inputs = stn_json_member(json, "in");
    bool two = inputs && inputs->n_children == 2;
    in->n_inputs = two ? 2 : 1;
    STN_TRY(
        stn_reader_numbers(r, inputs, in->n_inputs, "in", last, in->inputs));
    STN_TRY(stn_reader_int(r, json, "out", 1, last, &in->output));
    if (in->opcode == STN_RESCALE)
        return read_rescale(r, json, in);
    if (stn_opcode_is_time(in->opcode))
        return read_time(r, json, in);
    STN_TRY(stn_reader_int(r, json, "stride", 1, STN_PROGRAM_DIM, &in->stride));
    if (in->opcode == STN_CONV || in->opcode == STN_DEPTHWISE)
        return stn_reader_weights(r, json, in);
    return read_pool(r, json, in);
}

/* [name, type, height, width, channels, scale] */
static stn_status read_value(stn_reader *r, const stn_json *json,
                             stn_value *value)
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
    STN_TRY(stn_reader_word(r, type, "type", stn_type_names, &word));
    value->type = (stn_type)word;
    value->scale = scale->number;
    if (!stn_reader_whole(h, 1, STN_PROGRAM_DIM, &value->shape.h) ||
        !stn_reader_whole(w, 1, STN_PROGRAM_DIM, &value->shape.w) ||
        !stn_reader_whole(c, 1, STN_PROGRAM_DIM, &value->shape.c))
        return stn_fail(r->err, STN_E_FORMAT,
                        "%s: a size is not a whole number from 1 to %d",
                        r->where, STN_PROGRAM_DIM);
    return STN_OK;
}

/* A list member with 1 to `max` entries. */
static stn_status get_list(const stn_reader *r, const stn_json *root,
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

static stn_status read_classes(stn_reader *r, const stn_json *root)
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

static stn_status read_values(stn_reader *r, const stn_json *root)
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

static stn_status read_instructions(stn_reader *r, const stn_json *root)
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

static stn_status read_root(stn_reader *r, const stn_json *root)
{
    static const char *const keys[] = {"name",   "input",        "classes",
                                       "values", "instructions", NULL};
    stn_program *p = &r->image->program;
    const char *name;
    int input[3];
    STN_TRY(stn_reader_check_keys(r, root, keys));
    STN_TRY(stn_json_get_string(root, "name", r->where, &name, r->err));
    STN_TRY(get_name(r, name, p->name, sizeof p->name));
    STN_TRY(stn_reader_numbers(r, stn_json_member(root, "input"), 3, "input",
                               STN_PROGRAM_DIM, input));
    p->input = (stn_shape){input[0], input[1], input[2]};
    STN_TRY(read_classes(r, root));
    STN_TRY(read_values(r, root));
    return read_instructions(r, root);
}

/* Reads and checks the program `root` into r->image. */
static stn_status read_program(stn_reader *r, const stn_json *root)
{
    STN_TRY(read_root(r, root));
    return stn_program_check(r->image, r->where, r->err);
}

static stn_status parse_program(stn_reader *r, const char *text)
{
    stn_json_document *document = NULL;
    STN_TRY(stn_json_parse(r->where, text, strlen(text), &document, r->err));
    stn_status status = read_program(r, stn_json_root(document));
    stn_json_destroy(document);
    return status;
}

/* What the weights of a narrower program would take in a file of its own. */
static void count_bytes(stn_program_image *image)
{
    for (int i = 0; i < image->program.n_instructions; i++) {
        stn_weights *w = &image->instructions[i].weights;
        if (!w->codes)
            continue;
        bool ternary = w->alphabet.levels == STN_LEVELS_TERNARY;
        size_t signs = ternary ? w->value_bits - w->n_stored : 0;
        w->stored_bytes = stn_bytes_for_bits(w->value_bits - signs) +
                          stn_bytes_for_bits(signs) +
                          stn_bytes_for_bits(w->index_bits);
    }
}

/* {"width": W, "program": {…}} */
static stn_status read_width(stn_reader *r, const stn_json *json, double *width)
{
    static const char *const keys[] = {"width", "program", NULL};
    STN_TRY(stn_reader_check_keys(r, json, keys));
    STN_TRY(stn_json_get_number(json, "width", r->where, width, r->err));
    stn_text_from_double(*width, r->prefix);
    size_t base = strlen(r->where);
    snprintf(r->where + base, sizeof r->where - base, ": width %s", r->prefix);
    strcat(r->prefix, "/");
    STN_TRY(read_program(r, stn_json_member(json, "program")));
    count_bytes(r->image);
    r->where[base] = '\0';
    return STN_OK;
}

/* The narrower programs of a list: to be joined, or, on failure, destroyed. */
static stn_status read_narrower(stn_reader *r, const stn_json *list,
                                stn_program_image **images, double *widths,
                                int *n)
{
    stn_program_image *widest = r->image;
    double before = 0;
    if (list->kind != STN_JSON_ARRAY || !list->n_children ||
        list->n_children >= STN_PROGRAM_WIDTHS)
        return stn_fail(r->err, STN_E_FORMAT,
                        "%s: \"widths\" must be a list of 1 to %d entries",
                        r->where, STN_PROGRAM_WIDTHS - 1);
    r->widest = &widest->program;
    for (const stn_json *w = list->first; w; w = w->next) {
        r->image = images[*n] = stn_alloc(1, sizeof *images[*n]);
        if (!r->image)
            return stn_fail_memory(r->err, "a program");
        STN_TRY(read_width(r, w, &widths[(*n)++]));
        if (!(widths[*n - 1] > before && widths[*n - 1] < 1))
            return stn_fail(r->err, STN_E_FORMAT,
                            "%s: width %g, expected one between %g and 1",
                            r->where, widths[*n - 1], before);
        before = widths[*n - 1];
    }
    widths[*n] = 1;
    return STN_OK;
}

static stn_status read_widths(stn_reader *r, const char *text)
{
    stn_program_image *widest = r->image, *images[STN_PROGRAM_WIDTHS] = {NULL};
    double widths[STN_PROGRAM_WIDTHS];
    stn_json_document *document = NULL;
    int n = 0;
    STN_TRY(stn_json_parse(r->where, text, strlen(text), &document, r->err));
    stn_status status =
        read_narrower(r, stn_json_root(document), images, widths, &n);
    stn_json_destroy(document);
    if (status == STN_OK)
        return stn_program_join(widest, images, widths, n + 1, r->where,
                                r->err);
    for (int i = 0; i < STN_PROGRAM_WIDTHS; i++)
        if (images[i])
            stn_program_destroy(&images[i]->program);
    return status;
}

static stn_status read_metadata(stn_reader *r, const char **text)
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

static stn_status read_image(stn_reader *r, const char *path)
{
    const char *text;
    STN_TRY(stn_st_open(path, &r->image->file, r->err));
    STN_TRY(read_metadata(r, &text));
    STN_TRY(stn_st_verify(r->image->file, r->err));
    r->file = r->image->file;
    STN_TRY(parse_program(r, text));
    const char *widths = stn_st_metadata(r->file, "widths");
    if (widths)
        STN_TRY(read_widths(r, widths));
    size_t n_tensors = stn_st_count(r->file);
    if (r->n_used != n_tensors)
        return stn_fail(r->err, STN_E_FORMAT,
                        "%s: %zu tensors, of which instructions name %zu",
                        r->where, n_tensors, r->n_used);
    return STN_OK;
}

stn_status stn_program_read(const char *path, stn_program **out, stn_error *err)
{
    stn_program_image *image = stn_alloc(1, sizeof *image);
    if (!image)
        return stn_fail_memory(err, "a program");
    stn_reader r = {.image = image, .err = err};
    /* Room is left for what is appended; a very long path is cut. */
    snprintf(r.where, sizeof r.where, "%.256s", path);
    stn_status status = read_image(&r, path);
    if (status != STN_OK) {
        stn_program_destroy(&image->program);
        return status;
    }
    image->program.file_bytes = stn_st_file_size(image->file);
    for (int i = 0; i + 1 < image->program.n_widths; i++)
        image->narrower[i]->program.file_bytes = image->program.file_bytes;
    *out = &image->program;
    return STN_OK;
}
