/* SPDX-License-Identifier: MIT
 *
 * Integer programs: the file, what the reader refuses, and what the checks
 * prove. */
#include "test.h"
#include "base/file.h"
#include "pack/write.h"
#include "programs.h"
#include <unistd.h>

/* A file name of this process's own. */
static const char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "test_program.%ld.%s", (long)getpid(), name);
    return path;
}

static const char *written_tiny(void)
{
    stn_error err;
    stn_program_image *image = tiny();
    const char *path = path_of("tiny.stn");
    const stn_st_pair metadata[] = {{"recipe", "test"}, {"accuracy", "0.9"}};
    assert_ok(stn_program_check(image, "tiny", &err), err);
    assert_ok(stn_program_write(path, &image->program, metadata, 2, &err), err);
    free_image(image);
    return path;
}

/* ---- The file ----------------------------------------------------------- */

static void assert_same_instruction(const stn_program *p, const stn_program *q,
                                    int i)
{
    const stn_instruction *a = &p->instructions[i], *b = &q->instructions[i];
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->opcode, b->opcode);
    assert_int_equal(a->n_inputs, b->n_inputs);
    assert_memory_equal(a->inputs, b->inputs, sizeof a->inputs);
    assert_int_equal(a->output, b->output);
    assert_int_equal(a->kh, b->kh);
    assert_int_equal(a->kw, b->kw);
    assert_int_equal(a->stride, b->stride);
    assert_int_equal(a->pad, b->pad);
    assert_int_equal(a->shift, b->shift);
    assert_int_equal(a->lo, b->lo);
    assert_int_equal(a->hi, b->hi);
    size_t n = (size_t)p->values[a->output].shape.c;
    if (a->m0)
        assert_memory_equal(a->m0, b->m0, n * sizeof *a->m0);
    if (a->m1)
        assert_memory_equal(a->m1, b->m1, n * sizeof *a->m1);
    if (a->a)
        assert_memory_equal(a->a, b->a, n * sizeof *a->a);
    if (a->weights.codes) {
        assert_int_equal(a->weights.code, b->weights.code);
        assert_int_equal(a->weights.chunk, b->weights.chunk);
        assert_int_equal(a->weights.n_live, b->weights.n_live);
        assert_int_equal(a->weights.n_nonzero, b->weights.n_nonzero);
        assert_memory_equal(a->weights.live, b->weights.live,
                            (size_t)a->weights.n_groups);
        assert_memory_equal(a->weights.codes, b->weights.codes,
                            stn_weights_count(&a->weights));
        assert_true(b->weights.stored_bytes > 0);
    }
}

static void a_written_program_reads_back_the_same(void **state)
{
    (void)state;
    stn_error err;
    const char *path = written_tiny();
    stn_program_image *image = tiny();
    assert_ok(stn_program_check(image, "tiny", &err), err);
    const stn_program *p = &image->program;
    stn_program *q;
    assert_ok(stn_program_read(path, &q, &err), err);
    assert_string_equal(q->name, "tiny");
    assert_int_equal(q->n_instructions, p->n_instructions);
    assert_int_equal(q->peak_bytes, p->peak_bytes);
    assert_string_equal(q->class_names[3], "\"\xc3\xa9\"");
    assert_string_equal(stn_program_metadata(q, "recipe"), "test");
    assert_null(stn_program_metadata(q, "absent"));
    for (int i = 0; i < p->n_instructions; i++)
        assert_same_instruction(p, q, i);
    for (int v = 0; v < p->n_values; v++) {
        const stn_value *a = &p->values[v], *b = &q->values[v];
        assert_string_equal(a->name, b->name);
        assert_memory_equal(&a->shape, &b->shape, sizeof a->shape);
        assert_int_equal(a->type, b->type);
        assert_true(a->scale == b->scale);
        assert_true(a->lo == b->lo && a->hi == b->hi);
    }
    stn_program_destroy(q);
    free_image(image);
    unlink(path);
}

/* The file of docs/format.md, "A whole file". */
/* What needs no decoding is used where the mapped file has it. */
static void bytes_and_constants_of_a_read_program_lie_in_its_file(void **state)
{
    (void)state;
    stn_error err;
    stn_program *p = NULL;
    const char *path = written_tiny();
    int n_bytes = 0, n_constants = 0;
    assert_ok(stn_program_read(path, &p, &err), err);
    const stn_st_file *file = ((const stn_program_image *)p)->file;
    for (int i = 0; i < p->n_instructions; i++) {
        const stn_instruction *in = &p->instructions[i];
        char name[128];
        if (in->weights.codes && in->weights.alphabet.bits == 8 &&
            in->weights.layout.structure == STN_DENSE) {
            snprintf(name, sizeof name, "%s.codes", in->name);
            assert_ptr_equal(in->weights.codes, stn_st_find(file, name)->data);
            n_bytes++;
        }
        if (in->opcode != STN_RESCALE)
            continue;
        snprintf(name, sizeof name, "%s.m0", in->name);
        assert_ptr_equal(in->m0, stn_st_find(file, name)->data);
        snprintf(name, sizeof name, "%s.a", in->name);
        assert_ptr_equal(in->a, stn_st_find(file, name)->data);
        n_constants++;
    }
    assert_true(n_bytes > 0 && n_constants > 0);
    stn_program_destroy(p);
    unlink(path);
}

static void the_worked_file_of_the_format_page_has_those_bytes(void **state)
{
    (void)state;
    static const uint8_t data[] = {
        0,    0,    0, 0, 0, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 1, 0, 0, 0, 1, 0, 0,    0,    0x09, 0x07, 0x06};
    stn_error err;
    stn_program_image *p = new_image((stn_shape){1, 1, 3}, 2);
    p->program.class_names = (const char *const[]){"a", "b"};
    int v = append_sum(p, "fc", 0, STN_CONV, STN_CODE_TERNARY, 2, 1, 0, 2);
    int8_t codes[] = {1, -1, 0, 0, 0, -1};
    p->instructions[0].weights.codes = codes;
    append_rescale(p, "out", v, 0, STN_TYPE_S32, 0);
    p->instructions[1].m0 = (int32_t[]){1, 1};
    p->instructions[1].a = (int64_t[]){0, -2};
    strcpy(p->values[1].name, "fc");
    strcpy(p->values[2].name, "out");
    p->values[0].scale = p->values[1].scale = 0;
    p->values[2].scale = 0.25;
    const char *path = path_of("worked.stn");
    uint8_t *bytes;
    size_t size;
    assert_ok(stn_program_check(p, "here", &err), err);
    assert_ok(stn_program_write(path, &p->program, NULL, 0, &err), err);
    assert_ok(stn_file_read(path, &bytes, &size, &err), err);
    assert_int_equal(size, 0x39b);
    assert_int_equal(bytes[0] | bytes[1] << 8, 888);
    assert_memory_equal(bytes + 0x40, "\"crc32\":\"930c7295\"", 18);
    assert_memory_equal(bytes + 0x380, data, sizeof data);
    stn_free(bytes);
    free_image(p);
    unlink(path);
}

/* Replaces the first `from` in a text of the file's metadata by `to`. */
static void rewrite(const char *path, const char *key, const char *from,
                    const char *to)
{
    static const char *const keys[] = {"format", "version", "program"};
    stn_error err;
    stn_st_file *file;
    assert_ok(stn_st_open(path, &file, &err), err);
    stn_st_pair pairs[4];
    char text[8192];
    for (int i = 0; i < 3; i++) {
        pairs[i] = (stn_st_pair){keys[i], stn_st_metadata(file, keys[i])};
        const char *at = strstr(pairs[i].value, from);
        if (strcmp(keys[i], key) != 0)
            continue;
        if (!at)
            fail_msg("%s has no '%s'", key, from);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - pairs[i].value),
                 pairs[i].value, to, at + strlen(from));
        pairs[i].value = text;
    }
    stn_st_tensor tensors[64];
    size_t n = stn_st_count(file);
    for (size_t i = 0; i < n; i++)
        tensors[i] = *stn_st_at(file, i);
    pairs[3] = STN_ST_SEAL;
    assert_ok(stn_st_write(path, tensors, n, pairs, 4, &err), err);
    stn_st_close(file);
}

static void each_wrong_text_in_the_file_is_refused(void **state)
{
    (void)state;
    // clang-format off
    static const struct {
        const char *key, *from, *to, *says;
    } cases[] = {
        {"format",  "setun-program", "onnx", "expected \"setun-program\""},
        {"version", "3", "2", "this reader knows \"3\""},
        {"program", "{\"name\"", "{\"nome\"", "unknown member \"nome\""},
        {"program", "{\"name\"", "[", "byte 1: got ':'"},
        {"program", "\"op\":\"conv\"", "\"op\":\"gemm\"", "op \"gemm\""},
        {"program", "\"op\":\"conv\"", "\"op\":\"max_pool\"", "unknown member"},
        {"program", "\"stride\":1", "\"stride\":1,\"stride\":1", "repeated"},
        {"program", "\"stride\":1", "\"stride\":0", "stride"},
        {"program", "\"stride\":1", "\"stride\":2", "stem: conv makes 3 x 3"},
        {"program", "\"pad\":1", "\"pad\":3", "pad is 3"},
        {"program", "\"pad\":1", "\"pad\":0", "conv makes 4 x 3"},
        {"program", "\"in\":[0]", "\"in\":[5]", "reads value 5"},
        {"program", "\"in\":[0]", "\"in\":[99]", "entry 0"},
        {"program", "\"in\":[0]", "\"in\":[0.5]", "entry 0"},
        {"program", "\"in\":[0]", "\"in\":[0,0]", "2 inputs, expected 1"},
        {"program", "\"out\":2", "\"out\":1", "writes value 1"},
        {"program", "\"out\":1", "\"out\":0", "from 1 to 11"},
        {"program", "[5,3,3,2]", "[5,3,2,3]", "expected 3 x 2 x 2 a filter"},
        {"program", "[5,3,3,2]", "[6,3,3,2]", "has 90 bytes, expected 108"},
        {"program", "[5,3,3,2]", "[65536,65536,65536,65536]", "product"},
        {"program", "\"chunk\":2", "\"chunk\":3", "chunk"},
        {"program", "\"levels\":\"whole\"", "\"levels\":\"real\"",
         "levels \"real\""},
        {"program", "\"bits\":8", "\"bits\":9", "\"bits\""},
        {"program", "\"bits\":8", "\"bits\":4", "tensor stem.codes is I8"},
        {"program", "\"bits\":1", "\"bits\":8", "odd numbers of 8 bits"},
        {"program", "\"bits\":1", "\"bits\":3", "codes has 12 bytes"},
        {"program", "\"levels\":\"ternary\",\"bits\":2",
         "\"levels\":\"ternary\",\"bits\":3", "numbers of 3 bits"},
        {"program", "\"levels\":\"ternary\"", "\"levels\":\"odd\"",
         "groups of odd numbers"},
        {"program", "{\"kind\":\"dense\"}", "{\"kind\":\"loose\"}",
         "structure \"loose\""},
        {"program", "{\"kind\":\"dense\"}", "{\"kind\":\"groups\"}",
         "stem.live is missing"},
        {"program", "{\"kind\":\"dense\"}", "{\"kind\":\"dense\",\"p\":2}",
         "unknown member \"p\""},
        {"program", "{\"kind\":\"dense\"}",
         "{\"kind\":\"circulant\",\"flat\":1,\"p\":2}", "true or false"},
        {"program", "{\"kind\":\"dense\"}",
         "{\"kind\":\"circulant\",\"flat\":false,\"p\":3}",
         "circulant over 5 filters x 2 inputs"},
        {"program", "{\"kind\":\"dense\"}",
         "{\"kind\":\"circulant\",\"flat\":false,\"p\":2}",
         "stem.codes is I8, expected U8"},
        {"program", "{\"kind\":\"dense\"}",
         "{\"kind\":\"blocks\",\"flat\":false,\"grids\":[]}", "one or two"},
        {"program", "{\"kind\":\"dense\"}",
         "{\"kind\":\"blocks\",\"flat\":false,\"grids\":[[2,1,3]]}",
         "expected blocks within the plane"},
        {"program", "{\"kind\":\"dense\"}",
         "{\"kind\":\"sparse\",\"index_bits\":0,\"entries\":1}",
         "index_bits"},
        {"program", "\"chunk\":3", "\"chunk\":1", "live has"},
        {"program", "\"shift\":6", "\"shift\":41", "from 0 to 40"},
        {"program", "\"hi\":32767", "\"hi\":32768", "within s16"},
        {"program", "\"lo\":-32768", "\"lo\":32767.5", "\"lo\""},
        {"program", "\"name\":\"act1\"", "\"name\":\"stem\"", "missing"},
        {"program", "\"s16\"", "\"f32\"", "type \"f32\""},
        {"program", "\"s16\"", "\"s8\"", "within s8"},
        {"program", "\"s32\",6,5,5", "\"s32\",6,5,6", "but value stem out"},
        {"program", "\"s32\",6,5,5", "\"s16\",6,5,5", "expected s32"},
        {"program", "\"u8\",6,5,2", "\"s8\",6,5,2", "expected the u8 picture"},
        {"program", "\"u8\",6,5,2", "\"u8\",6,5,-2", "size"},
        {"program", "\"input\":[6,5,2]", "\"input\":[6,5,3]", "picture"},
        {"program", "\"classes\":[\"cat\",", "\"classes\":[", "1 x 1 x 3"},
        {"program", "\"classes\":[", "\"classes\":[1,", "class 0"},
        {"program", ",0.5]", ",-1]", "scale -1"},
    };
    // clang-format on
    stn_error err;
    stn_program *p;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *path = written_tiny();
        rewrite(path, cases[i].key, cases[i].from, cases[i].to);
        assert_refused(stn_program_read(path, &p, &err), err, STN_E_FORMAT,
                       cases[i].says);
        unlink(path);
    }
}

/* Writes the file again with `n_pairs` of metadata, the last the program, and
 * with its first tensor once more under another name, if any. */
static void write_again(const char *path, size_t n_pairs, stn_st_pair *pairs,
                        const char *stowaway)
{
    stn_error err;
    stn_st_file *file;
    stn_st_tensor tensors[64];
    assert_ok(stn_st_open(path, &file, &err), err);
    size_t n = stn_st_count(file);
    assert_true(n < 64);
    for (size_t i = 0; i < n; i++)
        tensors[i] = *stn_st_at(file, i);
    tensors[n] = tensors[0];
    tensors[n].name = stowaway;
    pairs[n_pairs - 1].value = stn_st_metadata(file, "program");
    assert_ok(stn_st_write(path, tensors, n + (stowaway != NULL), pairs,
                           n_pairs, &err),
              err);
    stn_st_close(file);
}

static void a_tensor_that_no_instruction_names_is_refused(void **state)
{
    (void)state;
    stn_error err;
    stn_program *p;
    const char *path = written_tiny();
    stn_st_pair pairs[] = {{"format", "setun-program"},
                           {"version", "3"},
                           STN_ST_SEAL,
                           {"program", NULL}};
    write_again(path, 4, pairs, "stowaway");
    assert_refused(stn_program_read(path, &p, &err), err, STN_E_FORMAT,
                   "tensors, of which instructions name");
    unlink(path);
}

/* Any byte of the file, the seal's own digits among them. */
static void a_changed_byte_anywhere_is_refused(void **state)
{
    (void)state;
    stn_error err;
    stn_program *p;
    const char *path = written_tiny();
    uint8_t *bytes;
    size_t size;
    int by_seal = 0;
    assert_ok(stn_file_read(path, &bytes, &size, &err), err);
    for (size_t at = 0; at < size; at++) {
        bytes[at] ^= (uint8_t)(1u << at % 8);
        assert_ok(stn_file_write_atomic(path, bytes, size, &err), err);
        assert_refused(stn_program_read(path, &p, &err), err, STN_E_FORMAT,
                       path);
        by_seal += strstr(err.text, "the CRC-32 of the file is ") != NULL;
        bytes[at] ^= (uint8_t)(1u << at % 8);
    }
    assert_true(by_seal > 1000 && by_seal < (int)size);
    stn_free(bytes);
    unlink(path);
}

static void a_file_without_a_seal_is_refused(void **state)
{
    (void)state;
    stn_error err;
    stn_program *p;
    const char *path = written_tiny();
    stn_st_pair pairs[] = {
        {"format", "setun-program"}, {"version", "3"}, {"program", NULL}};
    write_again(path, 3, pairs, NULL);
    assert_refused(stn_program_read(path, &p, &err), err, STN_E_FORMAT,
                   "no \"crc32\"");
    unlink(path);
}

/* The seal is put right after, so that what is behind it is tested. */
static void flipped_bits_never_crash_the_reader(void **state)
{
    (void)state;
    stn_error err;
    const char *path = written_tiny();
    uint8_t *bytes, pixels[60] = {255, 1, 2, 255};
    size_t size;
    int accepted = 0;
    assert_ok(stn_file_read(path, &bytes, &size, &err), err);
    for (uint64_t seed = 0; seed < 4000; seed++) {
        stn_rng rng = stn_rng_make(seed, STN_RNG_TEST, 1);
        uint8_t *copy = malloc(size);
        memcpy(copy, bytes, size);
        for (uint32_t k = 1 + stn_rng_below(&rng, 3); k > 0; k--)
            copy[stn_rng_below(&rng, (uint32_t)size)] ^=
                (uint8_t)(1u << stn_rng_below(&rng, 8));
        size_t cut = seed % 16 ? size : stn_rng_below(&rng, (uint32_t)size);
        (void)stn_st_seal(copy, size);
        FILE *out = fopen(path, "wb");
        assert_non_null(out);
        assert_int_equal(fwrite(copy, 1, cut, out), cut);
        fclose(out);
        free(copy);
        stn_program *p = NULL;
        if (stn_program_read(path, &p, &err) != STN_OK) {
            assert_true(err.text[0]);
            continue;
        }
        /* A weight or a name changed: still a program, which must run. */
        int32_t logits[4];
        accepted++;
        if (p->input.h * p->input.w * p->input.c == 60 && p->n_classes == 4)
            assert_ok(stn_reference_classify(p, pixels, logits, &err), err);
        stn_program_destroy(p);
    }
    assert_true(accepted > 100 && accepted < 3500);
    stn_free(bytes);
    unlink(path);
}

/* ---- The checks --------------------------------------------------------- */

static stn_instruction *find(stn_program_image *image, const char *name)
{
    for (int i = 0; i < image->program.n_instructions; i++)
        if (strcmp(image->instructions[i].name, name) == 0)
            return &image->instructions[i];
    fail_msg("no instruction %s", name);
    return NULL;
}

static void numbers_out_of_range_are_refused(void **state)
{
    (void)state;
    stn_error err;
    for (int k = 0; k < 8; k++) {
        static const char *const says[] = {"m0 of channel 2 is 16777217",
                                           "m0 of channel 2 is -16777217",
                                           "a of channel 1",
                                           "weight 3 is -128",
                                           "weight 0 is 0",
                                           "weight 1 is 2",
                                           "shift is -1",
                                           "clamp 5 … 4"};
        stn_program_image *p = tiny();
        stn_instruction *act = find(p, "act1");
        int32_t *m = (int32_t *)(uintptr_t)act->m0;
        int64_t *a = (int64_t *)(uintptr_t)act->a;
        int8_t *i8 = (int8_t *)(uintptr_t)find(p, "stem")->weights.codes;
        int8_t *bin = (int8_t *)(uintptr_t)find(p, "b.dw")->weights.codes;
        int8_t *ter = (int8_t *)(uintptr_t)find(p, "b.pw")->weights.codes;
        m[2] = k == 0 ? 16777217 : k == 1 ? -16777217 : 16777216;
        a[1] = k == 2 ? ((int64_t)1 << 60) + 1 : (int64_t)1 << 60;
        i8[3] = k == 3 ? -128 : 127;
        bin[0] = k == 4 ? 0 : 1;
        ter[1] = k == 5 ? 2 : 1;
        act->shift = k == 6 ? -1 : 6;
        if (k == 7) {
            act->lo = 5;
            act->hi = 4;
        }
        assert_refused(stn_program_check(p, "here", &err), err, STN_E_FORMAT,
                       says[k]);
        free_image(p);
    }
}

/* A filter of n ones over full-scale s16: 65538 · 32767 > 2^31 − 1 fits for
 * n = 65536 only. */
static stn_program_image *wide_sum(int channels, int code)
{
    stn_program_image *p = new_image((stn_shape){1, 1, channels}, 1);
    int v = append_rescale(p, "up", 0, 0, STN_TYPE_S16, 0);
    int32_t *m = (int32_t *)(uintptr_t)p->instructions[0].m0;
    int64_t *a = (int64_t *)(uintptr_t)p->instructions[0].a;
    for (int c = 0; c < channels; c++) {
        m[c] = 32767;
        a[c] = 0;
    }
    v = append_sum(p, "sum", v, STN_CONV, STN_CODE_INT8, 1, 1, 0, 1);
    int8_t *w = (int8_t *)(uintptr_t)p->instructions[1].weights.codes;
    for (int c = 0; c < channels; c++)
        w[c] = (int8_t)code;
    append_rescale(p, "logits", v, 0, STN_TYPE_S32, 0);
    return p;
}

static void sums_that_could_leave_32_bits_are_refused(void **state)
{
    (void)state;
    stn_error err;
    /* 516 · 127 = 65532 <= 65538 = ⌊(2^31 − 1) / 32767⌋ < 65659 = 517 · 127 */
    stn_program_image *p = wide_sum(516, 127);
    assert_ok(stn_program_check(p, "here", &err), err);
    assert_true(p->values[2].hi == 516LL * 127 * 32767);
    assert_true(p->values[2].lo == 0);
    free_image(p);
    p = wide_sum(517, 127);
    assert_refused(stn_program_check(p, "here", &err), err, STN_E_FORMAT,
                   "here: sum: sums of one filter");
    free_image(p);
    p = wide_sum(517, -127);
    assert_refused(stn_program_check(p, "here", &err), err, STN_E_FORMAT,
                   "leaves 32 bits");
    free_image(p);
}

static void dead_values_and_double_names_are_refused(void **state)
{
    (void)state;
    stn_error err;
    stn_program_image *p = tiny();
    stn_instruction *join = find(p, "join");
    join->inputs[0] = join->inputs[1];
    assert_refused(stn_program_check(p, "here", &err), err, STN_E_FORMAT,
                   "(b.pw out) is written and never read");
    free_image(p);
    p = tiny();
    strcpy(find(p, "mean")->name, "max");
    assert_refused(stn_program_check(p, "here", &err), err, STN_E_FORMAT,
                   "both named max");
    free_image(p);
}

static void proven_ranges_hold_and_are_reached(void **state)
{
    (void)state;
    stn_error err;
    /* A 2 x 2 window with one filter +3 −2 0 0: at its extremes when the
     * picture is full-scale where the filter is positive. */
    stn_program_image *p = new_image((stn_shape){2, 2, 1}, 1);
    int v = append_sum(p, "sum", 0, STN_CONV, STN_CODE_INT8, 1, 2, 0, 1);
    int8_t *w = (int8_t *)(uintptr_t)p->instructions[0].weights.codes;
    memcpy(w, (int8_t[]){3, -2, 0, 0}, 4);
    append_rescale(p, "logits", v, 0, STN_TYPE_S32, 1);
    assert_ok(stn_program_check(p, "here", &err), err);
    assert_true(p->values[1].hi == 3 * 255 && p->values[1].lo == -2 * 255);
    /* m = 3, a = −7: ⌊(3·765 − 7)/2⌋ and ⌊(−3·510 − 7)/2⌋ */
    assert_true(p->values[2].hi == 1144 && p->values[2].lo == -769);
    int32_t logit;
    assert_ok(stn_reference_classify(&p->program, (uint8_t[]){255, 0, 9, 9},
                                     &logit, &err),
              err);
    assert_int_equal(logit, 1144);
    assert_ok(stn_reference_classify(&p->program, (uint8_t[]){0, 255, 9, 9},
                                     &logit, &err),
              err);
    assert_int_equal(logit, -769);
    free_image(p);
}

static void values_of_random_pictures_stay_in_proven_ranges(void **state)
{
    (void)state;
    stn_error err;
    stn_program_image *image = tiny();
    stn_program *p = &image->program;
    assert_ok(stn_program_check(image, "tiny", &err), err);
    void *values[32] = {NULL};
    for (int v = 1; v < p->n_values; v++)
        values[v] = malloc(stn_value_bytes(&p->values[v]));
    stn_rng rng = stn_rng_make(3, STN_RNG_TEST, 0);
    for (int round = 0; round < 100; round++) {
        uint8_t pixels[60];
        for (int i = 0; i < 60; i++)
            pixels[i] = (uint8_t)(stn_rng_below(&rng, 2) * 255);
        assert_ok(stn_reference_run(p, pixels, values, &err), err);
        for (int v = 1; v < p->n_values; v++)
            if (p->values[v].type == STN_TYPE_S32)
                for (size_t i = 0; i < stn_shape_count(p->values[v].shape);
                     i++) {
                    int32_t x = ((int32_t *)values[v])[i];
                    assert_true(x >= p->values[v].lo && x <= p->values[v].hi);
                }
    }
    values[3] = (free(values[3]), NULL);
    assert_refused(stn_reference_run(p, (uint8_t[60]){0}, values, &err), err,
                   STN_E_ARGUMENT, "b.dw out");
    for (int v = 1; v < p->n_values; v++)
        free(values[v]);
    free_image(image);
}

static void peak_memory_counts_values_alive_together(void **state)
{
    (void)state;
    stn_error err;
    /* u8 4x4x1 (16 bytes) → conv s32 4x4x1 (64) → u8 (16) → sum s32 (4) → s32
     * (4): the largest is picture and sums, 80; then sums and u8, 80. */
    stn_program_image *p = new_image((stn_shape){4, 4, 1}, 1);
    int v = append_sum(p, "sum", 0, STN_CONV, STN_CODE_BINARY, 1, 1, 0, 1);
    v = append_rescale(p, "act", v, 0, STN_TYPE_U8, 1);
    v = append_pool(p, "mean", v, STN_SUM_POOL, 4);
    append_rescale(p, "logits", v, 0, STN_TYPE_S32, 0);
    assert_ok(stn_program_check(p, "here", &err), err);
    assert_int_equal(p->program.peak_bytes, 80);
    free_image(p);
}

static void operations_count_positions_times_weights(void **state)
{
    (void)state;
    stn_error err;
    uint64_t dense, nonzero;
    stn_program_image *p = tiny();
    assert_ok(stn_program_check(p, "tiny", &err), err);
    stn_instruction *dw = find(p, "b.dw"), *pw = find(p, "b.pw");
    int at = (int)(dw - p->instructions);
    stn_instruction_operations(&p->program, at, &dense, &nonzero);
    assert_int_equal(dense, 6 * 5 * 10 * 9);
    assert_int_equal(nonzero, dense);
    at = (int)(pw - p->instructions);
    stn_instruction_operations(&p->program, at, &dense, &nonzero);
    assert_int_equal(dense, 6 * 5 * 5 * 10);
    assert_true(nonzero < dense && nonzero == 30 * pw->weights.n_nonzero);
    stn_instruction_operations(&p->program, 1, &dense, &nonzero);
    assert_int_equal(dense + nonzero, 0);
    free_image(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_written_program_reads_back_the_same),
        cmocka_unit_test(bytes_and_constants_of_a_read_program_lie_in_its_file),
        cmocka_unit_test(the_worked_file_of_the_format_page_has_those_bytes),
        cmocka_unit_test(each_wrong_text_in_the_file_is_refused),
        cmocka_unit_test(a_tensor_that_no_instruction_names_is_refused),
        cmocka_unit_test(a_changed_byte_anywhere_is_refused),
        cmocka_unit_test(a_file_without_a_seal_is_refused),
        cmocka_unit_test(flipped_bits_never_crash_the_reader),
        cmocka_unit_test(numbers_out_of_range_are_refused),
        cmocka_unit_test(sums_that_could_leave_32_bits_are_refused),
        cmocka_unit_test(dead_values_and_double_names_are_refused),
        cmocka_unit_test(proven_ranges_hold_and_are_reached),
        cmocka_unit_test(values_of_random_pictures_stay_in_proven_ranges),
        cmocka_unit_test(peak_memory_counts_values_alive_together),
        cmocka_unit_test(operations_count_positions_times_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
