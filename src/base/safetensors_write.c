/* SPDX-License-Identifier: MIT
 *
 * Writing safetensors. The whole file is built in memory, then written
 * atomically; big-endian machines are not supported. */
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/safetensors.h"
#include <string.h>

static stn_status check(const char *path, const stn_st_tensor *tensors,
                        size_t n, stn_error *err)
{
    for (size_t i = 0; i < n; i++) {
        const stn_st_tensor *t = &tensors[i];
        size_t size = stn_st_type_size(t->dtype);
        bool fits = size > 0 && t->rank >= 0 && t->rank <= STN_SAFETENSORS_RANK;
        for (int d = 0; fits && d < t->rank; d++) {
            fits = t->shape[d] >= 0 &&
                   (t->shape[d] == 0 || size <= SIZE_MAX / (size_t)t->shape[d]);
            size *= (size_t)t->shape[d];
        }
        if (!fits || size != t->size)
            return stn_fail(err, STN_E_ARGUMENT,
                            "%s: tensor %s: %zu bytes of type %s do not match "
                            "its shape of rank %d",
                            path, t->name, t->size, t->dtype, t->rank);
        bool taken = strcmp(t->name, "__metadata__") == 0;
        for (size_t j = 0; j < i && !taken; j++)
            taken = strcmp(t->name, tensors[j].name) == 0;
        if (taken)
            return stn_fail(err, STN_E_ARGUMENT,
                            "%s: tensor name %s is used twice or reserved",
                            path, t->name);
    }
    return STN_OK;
}

/* Gives each tensor its offset, in passes of descending element size: then
 * every offset is a multiple of the element size. Returns the total. */
static size_t lay_out(const stn_st_tensor *tensors, size_t n, size_t *offsets)
{
    size_t at = 0;
    for (size_t unit = 8; unit > 0; unit /= 2)
        for (size_t i = 0; i < n; i++)
            if (stn_st_type_size(tensors[i].dtype) == unit) {
                offsets[i] = at;
                at += tensors[i].size;
            }
    return at;
}

static stn_status write_header(const stn_st_tensor *tensors, size_t n_tensors,
                               const size_t *offsets,
                               const stn_st_pair *metadata, size_t n_metadata,
                               char **text, size_t *size, stn_error *err)
{
    stn_json_writer w = {0};
    stn_json_begin_object(&w, NULL);
    if (n_metadata > 0) {
        stn_json_begin_object(&w, "__metadata__");
        for (size_t i = 0; i < n_metadata; i++)
            stn_json_string(&w, metadata[i].key, metadata[i].value);
        stn_json_end_object(&w);
    }
    for (size_t i = 0; i < n_tensors; i++) {
        const stn_st_tensor *t = &tensors[i];
        stn_json_begin_object(&w, t->name);
        stn_json_string(&w, "dtype", t->dtype);
        stn_json_begin_array(&w, "shape");
        for (int d = 0; d < t->rank; d++)
            stn_json_int(&w, NULL, t->shape[d]);
        stn_json_end_array(&w);
        stn_json_begin_array(&w, "data_offsets");
        stn_json_int(&w, NULL, (int64_t)offsets[i]);
        stn_json_int(&w, NULL, (int64_t)(offsets[i] + t->size));
        stn_json_end_array(&w);
        stn_json_end_object(&w);
    }
    stn_json_end_object(&w);
    return stn_json_finish(&w, text, size, err);
}

stn_status stn_st_write(const char *path, const stn_st_tensor *tensors,
                        size_t n_tensors, const stn_st_pair *metadata,
                        size_t n_metadata, stn_error *err)
{
    STN_TRY(check(path, tensors, n_tensors, err));
    char *header = NULL;
    uint8_t *bytes = NULL;
    stn_status status = STN_OK;
    size_t *offsets = stn_alloc(n_tensors, sizeof *offsets);
    if (!offsets) {
        status = stn_fail_memory(err, path);
        goto out;
    }
    size_t total = lay_out(tensors, n_tensors, offsets), length;
    status = write_header(tensors, n_tensors, offsets, metadata, n_metadata,
                          &header, &length, err);
    if (status != STN_OK)
        goto out;
    /* Data starts at a multiple of STN_ALIGNMENT after the length's 8 bytes;
     * the gap is spaces, which JSON ignores. */
    size_t start = stn_align_up(8 + length);
    if (total > SIZE_MAX - start || !(bytes = stn_alloc(start + total, 1))) {
        status = stn_fail_memory(err, path);
        goto out;
    }
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)((uint64_t)(start - 8) >> (8 * i));
    memset(bytes + 8, ' ', start - 8);
    memcpy(bytes + 8, header, length);
    for (size_t i = 0; i < n_tensors; i++)
        if (tensors[i].size > 0)
            memcpy(bytes + start + offsets[i], tensors[i].data,
                   tensors[i].size);
    (void)stn_st_seal(bytes, start + total);
    status = stn_file_write_atomic(path, bytes, start + total, err);
out:
    stn_free(bytes);
    stn_free(header);
    stn_free(offsets);
    return status;
}
