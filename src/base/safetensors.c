/* SPDX-License-Identifier: MIT
 *
 * Reading safetensors. The file is untrusted: nothing in the header is used
 * before it was checked, and a tensor's bytes are handed out only when they
 * lie inside the file and are aligned for their type. The rules are those of
 * the format's reference reader: header at most 100 MB, no holes, no overlap,
 * nothing after the last tensor. */
#include "base/safetensors.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include <stdlib.h>
#include <string.h>

#define MAX_HEADER 100000000u

struct stn_st_file {
    const uint8_t *map;
    size_t map_size;
    stn_arena arena;
    stn_json_document *header;
    const stn_json *metadata;
    const char *path;
    stn_st_tensor *tensors;      /* in the header's order */
    const stn_st_tensor **named; /* sorted by name */
    size_t n_tensors;
};

// clang-format off
static const struct {
    const char *name;
    size_t size;
} types[] = {
    {"F32", 4}, {"U8", 1},  {"I8", 1},  {"I16", 2},  {"I32", 4}, {"I64", 8},
    {"U64", 8}, {"U16", 2}, {"U32", 4}, {"BOOL", 1}, {"F16", 2}, {"BF16", 2},
    {"F64", 8},
};
// clang-format on

size_t stn_st_type_size(const char *dtype)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i].name, dtype) == 0)
            return types[i].size;
    return 0;
}

static stn_status read_shape(const stn_json *node, const char *where,
                             stn_st_tensor *tensor, stn_error *err)
{
    const stn_json *shape = stn_json_member(node, "shape");
    if (!shape || shape->kind != STN_JSON_ARRAY)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: \"shape\" is missing or not an array", where);
    if (shape->n_children > STN_SAFETENSORS_RANK)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: got %zu dimensions, expected at most %d", where,
                        shape->n_children, STN_SAFETENSORS_RANK);
    for (const stn_json *d = shape->first; d; d = d->next) {
        double x = d->number;
        if (d->kind != STN_JSON_NUMBER || !(x >= 0 && x <= 0x1p53) ||
            x != (double)(int64_t)x)
            return stn_fail(err, STN_E_FORMAT,
                            "%s: dimension %d of \"shape\" is not a whole "
                            "number of at least 0",
                            where, tensor->rank);
        tensor->shape[tensor->rank++] = (int64_t)x;
    }
    return STN_OK;
}

/* Bytes of a tensor; STN_E_FORMAT when they exceed size_t. */
static stn_status tensor_size(const stn_st_tensor *tensor, const char *where,
                              size_t *size, stn_error *err)
{
    size_t n = stn_st_type_size(tensor->dtype);
    for (int i = 0; i < tensor->rank; i++) {
        size_t d = (size_t)tensor->shape[i];
        if (d != 0 && n > SIZE_MAX / d)
            return stn_fail(err, STN_E_FORMAT,
                            "%s: the product of \"shape\" overflows", where);
        n *= d;
    }
    *size = n;
    return STN_OK;
}

/* Checks data_offsets against the shape and the `room` bytes of data that
 * start at file offset `base`. */
static stn_status read_offsets(const stn_json *node, const char *where,
                               const stn_st_file *file, size_t base,
                               stn_st_tensor *tensor, stn_error *err)
{
    const stn_json *offsets = stn_json_member(node, "data_offsets");
    const stn_json *begin = stn_json_item(offsets, 0);
    const stn_json *end = stn_json_item(offsets, 1);
    if (!end || offsets->n_children != 2 || begin->kind != STN_JSON_NUMBER ||
        end->kind != STN_JSON_NUMBER)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: \"data_offsets\" is not an array of two numbers",
                        where);
    double b = begin->number, e = end->number;
    size_t room = file->map_size - base;
    if (!(b >= 0 && b <= e && e <= (double)room && e <= 0x1p53) ||
        b != (double)(size_t)b || e != (double)(size_t)e)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: \"data_offsets\" [%.17g, %.17g] is not a range "
                        "inside the %zu bytes of data; is the file cut?",
                        where, b, e, room);
    size_t expected = 0;
    STN_TRY(tensor_size(tensor, where, &expected, err));
    tensor->size = (size_t)e - (size_t)b;
    if (tensor->size != expected)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: \"data_offsets\" span %zu bytes, expected %zu "
                        "by \"shape\" and \"dtype\" %s",
                        where, tensor->size, expected, tensor->dtype);
    size_t at = base + (size_t)b;
    if (at % stn_st_type_size(tensor->dtype) != 0)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: data at byte %zu is not aligned for %s; write "
                        "the file again",
                        where, at, tensor->dtype);
    tensor->data = file->map + at;
    return STN_OK;
}

static stn_status read_tensor(stn_st_file *file, const stn_json *node,
                              size_t base, stn_error *err)
{
    char where[512];
    STN_TRY(stn_path_format(where, sizeof where, err, "%.300s: tensor %.160s",
                            file->path, node->key));
    stn_st_tensor *tensor = &file->tensors[file->n_tensors];
    const char *dtype;
    tensor->name = node->key;
    STN_TRY(stn_json_get_string(node, "dtype", where, &dtype, err));
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i].name, dtype) == 0)
            tensor->dtype = types[i].name;
    if (!tensor->dtype)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: \"dtype\" is %.40s, expected F32, U8, I8, I16, "
                        "I32, I64, U64 or another plain type",
                        where, dtype);
    STN_TRY(read_shape(node, where, tensor, err));
    STN_TRY(read_offsets(node, where, file, base, tensor, err));
    file->named[file->n_tensors++] = tensor;
    return STN_OK;
}

static int by_offset(const void *a, const void *b)
{
    const stn_st_tensor *x = *(const stn_st_tensor *const *)a;
    const stn_st_tensor *y = *(const stn_st_tensor *const *)b;
    uintptr_t p = (uintptr_t)x->data, q = (uintptr_t)y->data;
    if (p != q)
        return p < q ? -1 : 1;
    return (x->size > y->size) - (x->size < y->size);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const stn_st_tensor *const *)a)->name,
                  (*(const stn_st_tensor *const *)b)->name);
}

/* The tensors must tile the data, and no name may come twice. Leaves `named`
 * sorted by name. */
static stn_status check_together(stn_st_file *file, size_t base, stn_error *err)
{
    const stn_st_tensor **t = file->named;
    size_t n = file->n_tensors;
    qsort(t, n, sizeof *t, by_offset);
    const uint8_t *end = file->map + base;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *data = t[i]->data;
        if (data != end)
            return stn_fail(err, STN_E_FORMAT,
                            "%s: tensor %.160s starts at byte %zu of the "
                            "file, expected %zu: data %s",
                            file->path, t[i]->name, (size_t)(data - file->map),
                            (size_t)(end - file->map),
                            data < end ? "overlaps" : "has a hole");
        end += t[i]->size;
    }
    if (end != file->map + file->map_size)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: the tensors end at byte %zu, expected the file's "
                        "end at %zu",
                        file->path, (size_t)(end - file->map), file->map_size);
    qsort(t, n, sizeof *t, by_name);
    for (size_t i = 1; i < n; i++)
        if (strcmp(t[i - 1]->name, t[i]->name) == 0)
            return stn_fail(err, STN_E_FORMAT, "%s: tensor %.160s occurs twice",
                            file->path, t[i]->name);
    return STN_OK;
}

static stn_status check_metadata(const stn_st_file *file,
                                 const stn_json *metadata, stn_error *err)
{
    if (metadata->kind != STN_JSON_OBJECT)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: \"__metadata__\" is not an object", file->path);
    if (file->metadata)
        return stn_fail(err, STN_E_FORMAT, "%s: \"__metadata__\" occurs twice",
                        file->path);
    for (const stn_json *m = metadata->first; m; m = m->next)
        if (m->kind != STN_JSON_STRING)
            return stn_fail(err, STN_E_FORMAT,
                            "%s: \"__metadata__\" entry %.160s is not text",
                            file->path, m->key);
    return STN_OK;
}

static stn_status read_tensors(stn_st_file *file, size_t base, stn_error *err)
{
    const stn_json *root = stn_json_root(file->header);
    if (root->kind != STN_JSON_OBJECT)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: the header is not a JSON object", file->path);
    size_t n = root->n_children;
    file->tensors = stn_arena_alloc(&file->arena, n, sizeof *file->tensors);
    file->named = stn_arena_alloc(&file->arena, n, sizeof(void *));
    if (!file->tensors || !file->named)
        return stn_fail_memory(err, "a list of tensors");
    for (const stn_json *node = root->first; node; node = node->next) {
        if (strcmp(node->key, "__metadata__") == 0) {
            STN_TRY(check_metadata(file, node, err));
            file->metadata = node;
        } else {
            STN_TRY(read_tensor(file, node, base, err));
        }
    }
    return check_together(file, base, err);
}

static stn_status read_file(stn_st_file *file, stn_error *err)
{
    if (file->map_size < 8)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: got %zu bytes, expected at least 8 for the "
                        "header's length; is it a .stn or .safetensors "
                        "file, whole?",
                        file->path, file->map_size);
    uint64_t length = 0;
    for (int i = 7; i >= 0; i--)
        length = length << 8 | file->map[i];
    if (length > MAX_HEADER || length > file->map_size - 8)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: header of %llu bytes at byte 8 does not fit the "
                        "file of %zu bytes; is it a safetensors file, whole?",
                        file->path, (unsigned long long)length, file->map_size);
    stn_status status = stn_json_parse("header", (const char *)file->map + 8,
                                       (size_t)length, &file->header, err);
    if (status != STN_OK)
        return stn_fail_within(err, status, "%s", file->path);
    return read_tensors(file, 8 + (size_t)length, err);
}

stn_status stn_st_open(const char *path, stn_st_file **out, stn_error *err)
{
    stn_st_file *file = stn_alloc(1, sizeof *file);
    if (!file)
        return stn_fail_memory(err, path);
    stn_status status = STN_OK;
    file->path = stn_arena_string(&file->arena, path);
    if (!file->path)
        status = stn_fail_memory(err, path);
    if (status == STN_OK)
        status = stn_file_map(path, &file->map, &file->map_size, err);
    if (status == STN_OK)
        status = read_file(file, err);
    if (status != STN_OK) {
        stn_st_close(file);
        return status;
    }
    *out = file;
    return STN_OK;
}

void stn_st_close(stn_st_file *file)
{
    if (!file)
        return;
    stn_json_destroy(file->header);
    stn_file_unmap(file->map, file->map_size);
    stn_arena_deinit(&file->arena);
    stn_free(file);
}

const char *stn_st_path(const stn_st_file *file)
{
    return file->path;
}

size_t stn_st_file_size(const stn_st_file *file)
{
    return file->map_size;
}

const uint8_t *stn_st_bytes(const stn_st_file *file)
{
    return file->map;
}

const char *stn_st_metadata(const stn_st_file *file, const char *key)
{
    const stn_json *value = stn_json_member(file->metadata, key);
    return value ? value->string : NULL;
}

const stn_st_tensor *stn_st_find(const stn_st_file *file, const char *name)
{
    stn_st_tensor key = {.name = name};
    const stn_st_tensor *wanted = &key;
    if (file->n_tensors == 0)
        return NULL;
    const stn_st_tensor **found = bsearch(&wanted, file->named, file->n_tensors,
                                          sizeof *file->named, by_name);
    return found ? *found : NULL;
}

size_t stn_st_count(const stn_st_file *file)
{
    return file->n_tensors;
}

const stn_st_tensor *stn_st_at(const stn_st_file *file, size_t i)
{
    return i < file->n_tensors ? &file->tensors[i] : NULL;
}
