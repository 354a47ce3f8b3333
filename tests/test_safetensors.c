/* SPDX-License-Identifier: MIT
 *
 * safetensors: what is written reads back, and each kind of damage is
 * refused with a text that names it. */
#include "test.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/safetensors.h"
#include <stdbool.h>

static const char path[] = "setun-test.safetensors";

static int remove_file(void **state)
{
    (void)state;
    remove(path);
    return 0;
}

static const uint8_t bytes[3] = {1, 2, 3};
static const float floats[4] = {0.5f, -1.0f, 2.0f, 1e-9f};
static const uint64_t words[1] = {UINT64_C(0x1122334455667788)};

static void write_three(void)
{
    const stn_st_tensor tensors[] = {
        {.name = "b",
         .dtype = "U8",
         .rank = 1,
         .shape = {3},
         .data = bytes,
         .size = 3},
        {.name = "a.weight",
         .dtype = "F32",
         .rank = 2,
         .shape = {2, 2},
         .data = floats,
         .size = 16},
        {.name = "w", .dtype = "U64", .rank = 0, .data = words, .size = 8},
        {.name = "none", .dtype = "I16", .rank = 2, .shape = {0, 9}},
    };
    const stn_st_pair metadata[] = {{"format", "x \"y\""}, {"n", "3"}};
    stn_error err;
    assert_ok(stn_st_write(path, tensors, 4, metadata, 2, &err), err);
}

static void written_tensors_read_back_aligned_and_in_order(void **state)
{
    (void)state;
    write_three();
    stn_error err;
    stn_st_file *file;
    assert_ok(stn_st_open(path, &file, &err), err);
    assert_int_equal(stn_st_count(file), 4);
    assert_string_equal(stn_st_at(file, 0)->name, "b");
    assert_string_equal(stn_st_at(file, 3)->name, "none");
    assert_null(stn_st_at(file, 4));
    assert_null(stn_st_find(file, "absent"));
    assert_string_equal(stn_st_metadata(file, "format"), "x \"y\"");
    assert_null(stn_st_metadata(file, "absent"));
    assert_string_equal(stn_st_path(file), path);
    const stn_st_tensor *a = stn_st_find(file, "a.weight");
    assert_int_equal(a->rank, 2);
    assert_int_equal(a->shape[1], 2);
    assert_int_equal((uintptr_t)a->data % 4, 0);
    assert_memory_equal(a->data, floats, sizeof floats);
    const stn_st_tensor *w = stn_st_find(file, "w");
    assert_int_equal((uintptr_t)w->data % STN_ALIGNMENT, 0);
    assert_memory_equal(w->data, words, 8);
    assert_memory_equal(stn_st_find(file, "b")->data, bytes, 3);
    assert_int_equal(stn_st_find(file, "none")->size, 0);
    stn_st_close(file);
    stn_st_close(NULL);
}

static void same_input_gives_the_same_bytes(void **state)
{
    (void)state;
    stn_error err;
    uint8_t *first, *second;
    size_t n, m;
    write_three();
    assert_ok(stn_file_read(path, &first, &n, &err), err);
    write_three();
    assert_ok(stn_file_read(path, &second, &m, &err), err);
    assert_int_equal(n, m);
    assert_memory_equal(first, second, n);
    stn_free(first);
    stn_free(second);
}

static void writer_refuses_what_would_not_read_back(void **state)
{
    (void)state;
    stn_error err;
    stn_st_tensor t[] = {{.name = "a",
                          .dtype = "U8",
                          .rank = 1,
                          .shape = {3},
                          .data = bytes,
                          .size = 3},
                         {.name = "a",
                          .dtype = "U8",
                          .rank = 1,
                          .shape = {3},
                          .data = bytes,
                          .size = 3}};
    assert_refused(stn_st_write(path, t, 2, NULL, 0, &err), err, STN_E_ARGUMENT,
                   "used twice");
    t[0].name = "__metadata__";
    assert_refused(stn_st_write(path, t, 1, NULL, 0, &err), err, STN_E_ARGUMENT,
                   "reserved");
    t[0].name = "b";
    t[0].dtype = "F32";
    assert_refused(stn_st_write(path, t, 1, NULL, 0, &err), err, STN_E_ARGUMENT,
                   "do not match");
    t[0].dtype = "Q4";
    assert_refused(stn_st_write(path, t, 1, NULL, 0, &err), err, STN_E_ARGUMENT,
                   "Q4");
}

/* Writes a file of `header` and `data` bytes of zeros, header padded to a
 * multiple of 8 or, unless `pad`, to an odd length, and expects a refusal. */
static void refused(const char *header, size_t data, bool pad, const char *part)
{
    size_t n = strlen(header), length = pad ? (n + 7) / 8 * 8 : n | 1;
    uint8_t *file = stn_alloc(8 + length + data, 1);
    for (int i = 0; i < 8; i++)
        file[i] = (uint8_t)(length >> (8 * i));
    memset(file + 8, ' ', length);
    memcpy(file + 8, header, n);
    stn_error err;
    assert_ok(stn_file_write_atomic(path, file, 8 + length + data, &err), err);
    stn_free(file);
    stn_st_file *out;
    assert_refused(stn_st_open(path, &out, &err), err, STN_E_FORMAT, part);
    assert_non_null(strstr(err.text, path));
}

#define TENSOR(name, type, shape, begin, end)                                  \
    "\"" name "\":{\"dtype\":\"" type "\",\"shape\":[" shape                   \
    "],\"data_offsets\":[" begin "," end "]}"

static void each_damage_of_a_tensor_entry_is_refused(void **state)
{
    (void)state;
    refused("{" TENSOR("a", "F32", "2", "0", "8") "}", 4, true, "not a range");
    refused("{" TENSOR("a", "F32", "2", "8", "0") "}", 8, true, "not a range");
    refused("{" TENSOR("a", "F32", "2", "-8", "0") "}", 8, true, "not a range");
    refused("{" TENSOR("a", "F32", "2", "0.5", "8.5") "}", 16, true,
            "not a range");
    refused("{" TENSOR("a", "F32", "2", "1e300", "2e300") "}", 8, true,
            "not a range");
    refused("{" TENSOR("a", "F32", "3", "0", "8") "}", 8, true,
            "span 8 bytes, expected 12");
    refused("{" TENSOR("a", "F32", "4294967296,4294967296,9", "0", "8") "}", 8,
            true, "overflows");
    refused("{" TENSOR("a", "F32", "-2", "0", "8") "}", 8, true, "dimension 0");
    refused("{" TENSOR("a", "F32", "1.5", "0", "8") "}", 8, true,
            "dimension 0");
    refused("{" TENSOR("a", "F32", "1,1,1,1,1,1,1,1,1", "0", "4") "}", 4, true,
            "9 dimensions, expected at most 8");
    refused("{" TENSOR("a", "F33", "2", "0", "8") "}", 8, true, "F33");
    refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, true,
            "data_offsets");
    refused("{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,1]}}", 1, true,
            "shape");
    refused("{\"a\":{\"shape\":[1],\"data_offsets\":[0,1]}}", 1, true, "dtype");
    refused("{\"a\":7}", 1, true, "dtype");
}

static void overlaps_holes_remains_and_duplicates_are_refused(void **state)
{
    (void)state;
    refused("{" TENSOR("a", "U8", "8", "0", "8") "," TENSOR("b", "U8", "8", "4",
                                                            "12") "}",
            12, true, "overlaps");
    refused("{" TENSOR("a", "U8", "4", "0", "4") "," TENSOR("b", "U8", "4", "8",
                                                            "12") "}",
            12, true, "hole");
    refused("{" TENSOR("a", "U8", "4", "0", "4") "}", 5, true,
            "expected the file's end");
    refused("{" TENSOR("a", "U8", "1", "0", "1") "," TENSOR("a", "U8", "1", "1",
                                                            "2") "}",
            2, true, "occurs twice");
    refused("{\"__metadata__\":{},\"__metadata__\":{}}", 0, true,
            "occurs twice");
    refused("{\"__metadata__\":{\"a\":1}}", 0, true, "not text");
    refused("{\"__metadata__\":[]}", 0, true, "not an object");
}

static void misaligned_data_is_refused(void **state)
{
    (void)state;
    refused("{" TENSOR("a", "U8", "1", "0", "1") "," TENSOR("b", "F32", "1",
                                                            "1", "5") "}",
            5, true, "not aligned for F32");
    refused("{" TENSOR("a", "U64", "1", "0", "8") "}", 8, false,
            "not aligned for U64");
}

static void damaged_headers_are_refused(void **state)
{
    (void)state;
    refused("[]", 0, true, "not a JSON object");
    refused("{\"a\":", 0, false, "header: ends at byte 5");
    stn_error err;
    stn_st_file *out;
    static const uint8_t cut[8] = {9, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t huge[10] = {255, 255, 255, 255, 255,
                                     255, 255, 255, '{', '}'};
    assert_ok(stn_file_write_atomic(path, cut, 8, &err), err);
    assert_refused(stn_st_open(path, &out, &err), err, STN_E_FORMAT,
                   "does not fit");
    assert_ok(stn_file_write_atomic(path, huge, 10, &err), err);
    assert_refused(stn_st_open(path, &out, &err), err, STN_E_FORMAT,
                   "does not fit");
    assert_ok(stn_file_write_atomic(path, cut, 3, &err), err);
    assert_refused(stn_st_open(path, &out, &err), err, STN_E_FORMAT,
                   "at least 8");
    remove(path);
    assert_refused(stn_st_open(path, &out, &err), err, STN_E_NOT_FOUND, path);
}

static void every_cut_of_a_file_is_refused(void **state)
{
    (void)state;
    stn_error err;
    uint8_t *whole;
    size_t n;
    write_three();
    assert_ok(stn_file_read(path, &whole, &n, &err), err);
    for (size_t cut = 0; cut < n; cut += 7) {
        stn_st_file *out;
        FILE *f = fopen(path, "wb");
        assert_int_equal(fwrite(whole, 1, cut, f), cut);
        fclose(f);
        assert_refused(stn_st_open(path, &out, &err), err, STN_E_FORMAT, path);
    }
    stn_free(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_tensors_read_back_aligned_and_in_order),
        cmocka_unit_test(same_input_gives_the_same_bytes),
        cmocka_unit_test(writer_refuses_what_would_not_read_back),
        cmocka_unit_test(each_damage_of_a_tensor_entry_is_refused),
        cmocka_unit_test(overlaps_holes_remains_and_duplicates_are_refused),
        cmocka_unit_test(misaligned_data_is_refused),
        cmocka_unit_test(damaged_headers_are_refused),
        cmocka_unit_test(every_cut_of_a_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, remove_file);
}
