/* SPDX-License-Identifier: MIT
 *
 * The integer program: weight codes as bits, the file, the checks, and the
 * reference interpreter against numbers worked out by hand or by a loop that
 * shares nothing with it. */
#include "test.h"
#include "base/file.h"
#include "base/rng.h"
#include "pack/format.h"
#include "pack/program_image.h"
#include "pack/write.h"
#include <unistd.h>

/* ---- Making programs ---------------------------------------------------- */

static stn_program_image *new_image(stn_shape input, int n_classes)
{
    static const char *const names[] = {"cat", "dog", "owl", "\"\xc3\xa9\""};
    stn_program_image *image = stn_alloc(1, sizeof *image);
    image->values = stn_arena_alloc(&image->arena, 64, sizeof(stn_value));
    image->instructions =
        stn_arena_alloc(&image->arena, 64, sizeof(stn_instruction));
    image->values[0] = (stn_value){"pixels", input, STN_TYPE_U8, 1, 0, 0};
    stn_program *p = &image->program;
    p->values = image->values;
    p->instructions = image->instructions;
    p->input = input;
    p->n_values = 1;
    p->n_classes = n_classes;
    p->class_names = names;
    strcpy(p->name, "tiny");
    return image;
}

/* Appends an instruction over value `from`; returns the new value's index. */
static int append(stn_program_image *image, const char *name, int from,
                  stn_instruction in, stn_type type, stn_shape shape)
{
    stn_program *p = &image->program;
    in.n_inputs = in.n_inputs ? in.n_inputs : 1;
    in.inputs[0] = from;
    in.output = p->n_values++;
    snprintf(in.name, sizeof in.name, "%s", name);
    stn_value *v = &image->values[in.output];
    *v = (stn_value){.shape = shape, .type = type, .scale = 0.5};
    snprintf(v->name, sizeof v->name, "%s out", name);
    image->instructions[p->n_instructions++] = in;
    return in.output;
}

static int8_t *random_codes(stn_program_image *image, stn_rng *rng,
                            stn_code code, size_t n)
{
    int8_t *codes = stn_arena_alloc(&image->arena, n, 1);
    for (size_t i = 0; i < n; i++)
        codes[i] = code == STN_CODE_BINARY ? (stn_rng_below(rng, 2) ? 1 : -1)
                   : code == STN_CODE_TERNARY
                       ? (int8_t)((int)stn_rng_below(rng, 3) - 1)
                       : (int8_t)((int)stn_rng_below(rng, 255) - 127);
    return codes;
}

static int append_rescale(stn_program_image *image, const char *name, int from,
                          int other, stn_type type, int shift)
{
    stn_shape shape = image->values[from].shape;
    size_t n = (size_t)shape.c;
    int32_t *m = stn_arena_alloc(&image->arena, 2 * n, sizeof *m);
    int64_t *a = stn_arena_alloc(&image->arena, n, sizeof *a);
    for (size_t c = 0; c < n; c++) {
        m[c] = 3 + (int32_t)c;
        m[n + c] = -2;
        a[c] = 5 * (int64_t)c - 7;
    }
    stn_instruction in = {.opcode = STN_RESCALE,
                          .n_inputs = other ? 2 : 1,
                          .inputs = {0, other},
                          .m0 = m,
                          .m1 = other ? m + n : NULL,
                          .a = a,
                          .shift = shift,
                          .lo = (int32_t)stn_type_min(type),
                          .hi = (int32_t)stn_type_max(type)};
    return append(image, name, from, in, type, shape);
}

static int append_sum(stn_program_image *image, const char *name, int from,
                      stn_opcode opcode, stn_code code, int out, int k, int pad,
                      int chunk)
{
    stn_rng rng = stn_rng_make(7, STN_RNG_TEST, (uint64_t)from);
    stn_shape x = image->values[from].shape;
    int in_channels = opcode == STN_CONV ? x.c : 1;
    size_t n = (size_t)out * (size_t)k * (size_t)k * (size_t)in_channels;
    stn_instruction in = {.opcode = opcode,
                          .kh = k,
                          .kw = k,
                          .stride = 1,
                          .pad = pad,
                          .weights = {.code = code,
                                      .out = out,
                                      .kh = k,
                                      .kw = k,
                                      .in = in_channels,
                                      .chunk = chunk}};
    in.weights.codes = random_codes(image, &rng, code, n);
    stn_shape y = {x.h + 2 * pad - k + 1, x.w + 2 * pad - k + 1, out};
    return append(image, name, from, in, STN_TYPE_S32, y);
}

static int append_pool(stn_program_image *image, const char *name, int from,
                       stn_opcode opcode, int k)
{
    stn_value *x = &image->values[from];
    stn_shape y = {x->shape.h / k, x->shape.w / k, x->shape.c};
    stn_instruction in = {.opcode = opcode, .kh = k, .kw = k, .stride = k};
    return append(image, name, from, in,
                  opcode == STN_MAX_POOL ? x->type : STN_TYPE_S32, y);
}

/* Every opcode, code, type and a two-input rescale. */
static stn_program_image *tiny(void)
{
    stn_program_image *p = new_image((stn_shape){6, 5, 2}, 4);
    int v = append_sum(p, "stem", 0, STN_CONV, STN_CODE_INT8, 5, 3, 1, 2);
    int skip = append_rescale(p, "act1", v, 0, STN_TYPE_S16, 6);
    v = append_sum(p, "b.dw", skip, STN_DEPTHWISE, STN_CODE_BINARY, 10, 3, 1,
                   1);
    v = append_rescale(p, "act2", v, 0, STN_TYPE_U8, 12);
    v = append_sum(p, "b.pw", v, STN_CONV, STN_CODE_TERNARY, 5, 1, 0, 3);
    v = append_rescale(p, "join", v, skip, STN_TYPE_S8, 9);
    v = append_pool(p, "max", v, STN_MAX_POOL, 2);
    v = append_pool(p, "mean", v, STN_SUM_POOL, 2);
    v = append_rescale(p, "act3", v, 0, STN_TYPE_S8, 4);
    v = append_sum(p, "fc", v, STN_CONV, STN_CODE_TERNARY, 4, 1, 0, 5);
    append_rescale(p, "logits", v, 0, STN_TYPE_S32, 0);
    return p;
}

static void free_image(stn_program_image *image)
{
    stn_program_destroy(&image->program);
}

/* A folder of this test's own, and paths in it. */
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

/* ---- Codes -------------------------------------------------------------- */

static void round_trip(stn_code code, stn_code_shape s, const int8_t *codes)
{
    stn_error err;
    stn_code_sizes z = stn_codes_sizes(code, s, codes);
    size_t n = (size_t)s.out * (size_t)s.area * (size_t)s.in;
    uint8_t *live = malloc(z.live + 1), *mask = malloc(z.mask + 1);
    uint8_t *sign = malloc(z.sign + 1);
    int8_t *back = malloc(n);
    live[z.live] = mask[z.mask] = sign[z.sign] = 0xa5; /* guards */
    memset(back, 99, n);
    stn_codes_pack(code, s, codes, live, mask, sign);
    assert_int_equal(live[z.live] & mask[z.mask] & sign[z.sign], 0xa5);
    assert_ok(
        stn_codes_unpack(code, s, live, mask, sign, z, "here", back, &err),
        err);
    assert_memory_equal(codes, back, n);
    free(live);
    free(mask);
    free(sign);
    free(back);
}

static void packed_codes_unpack_to_themselves_at_any_shape(void **state)
{
    (void)state;
    stn_rng rng = stn_rng_make(1, STN_RNG_TEST, 0);
    for (int round = 0; round < 400; round++) {
        stn_code_shape s = {1 + (int)stn_rng_below(&rng, 9),
                            1 + (int)stn_rng_below(&rng, 10),
                            1 + (int)stn_rng_below(&rng, 20), 0};
        s.chunk = 1 + (int)stn_rng_below(&rng, (uint32_t)s.in);
        uint32_t sparsity = stn_rng_below(&rng, 101); /* percent; 100: all 0 */
        int8_t codes[9 * 10 * 20];
        int n = s.out * s.area * s.in;
        for (int i = 0; i < n; i++) {
            int sign = stn_rng_below(&rng, 2) ? 1 : -1;
            codes[i] = (int8_t)(stn_rng_below(&rng, 100) < sparsity ? 0 : sign);
        }
        round_trip(STN_CODE_TERNARY, s, codes);
        for (int i = 0; i < n; i++)
            codes[i] = stn_rng_below(&rng, 2) ? 1 : -1;
        round_trip(STN_CODE_BINARY, s, codes);
    }
}

static void ternary_codes_have_the_bytes_of_the_format_page(void **state)
{
    (void)state;
    /* One filter, 2 kernel positions, 3 channels, chunks of 2: groups are
     * channels 0–1 (live) and channel 2 (empty). */
    const int8_t codes[] = {+1, -1, 0, 0, -1, 0};
    stn_code_shape s = {1, 2, 3, 2};
    stn_code_sizes z = stn_codes_sizes(STN_CODE_TERNARY, s, codes);
    assert_int_equal(z.live, 1);
    assert_int_equal(z.mask, 1);
    assert_int_equal(z.sign, 1);
    uint8_t live, mask, sign;
    stn_codes_pack(STN_CODE_TERNARY, s, codes, &live, &mask, &sign);
    assert_int_equal(live, 0x01);
    assert_int_equal(mask, 0x0b); /* 1 1 0 1, least significant first */
    assert_int_equal(sign, 0x06); /* + − − */
}

static void bit_tensors_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    stn_error err;
    int8_t codes[6];
    stn_code_shape s = {1, 2, 3, 2};
    stn_code_sizes z = {1, 1, 1};
    uint8_t live = 0x01, mask = 0x0b, sign = 0x06, bytes[4] = {0x0b};
#define UNPACK(live_, mask_, sign_, sizes_)                                    \
    stn_codes_unpack(STN_CODE_TERNARY, s, live_, mask_, sign_, sizes_, "f",    \
                     codes, &err)
    assert_ok(UNPACK(&live, &mask, &sign, z), err);
    live = 0x05;
    assert_refused(UNPACK(&live, &mask, &sign, z), err, STN_E_FORMAT,
                   "f: live: padding bit 2");
    live = 0x01;
    mask = 0x8b;
    assert_refused(UNPACK(&live, &mask, &sign, z), err, STN_E_FORMAT,
                   "mask: padding bit 7");
    mask = 0x0b;
    sign = 0x0e;
    assert_refused(UNPACK(&live, &mask, &sign, z), err, STN_E_FORMAT,
                   "sign: padding bit 3");
    sign = 0x06;
    stn_code_sizes wrong = {1, 2, 1};
    assert_refused(UNPACK(&live, bytes, &sign, wrong), err, STN_E_FORMAT,
                   "mask has 2 bytes, expected 1");
    wrong = (stn_code_sizes){2, 1, 1};
    assert_refused(UNPACK(bytes, &mask, &sign, wrong), err, STN_E_FORMAT,
                   "live has 2 bytes");
    wrong = (stn_code_sizes){1, 1, 0};
    assert_refused(UNPACK(&live, &mask, &sign, wrong), err, STN_E_FORMAT,
                   "sign has 0 bytes, expected 1");
    live = 0x03; /* group 1 live, with both its weights 0 */
    wrong = (stn_code_sizes){1, 1, 1};
    assert_refused(UNPACK(&live, &mask, &sign, wrong), err, STN_E_FORMAT,
                   "group 1 is marked live");
#undef UNPACK
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
    assert_int_equal(size, 0x35b);
    assert_int_equal(bytes[0] | bytes[1] << 8, 824);
    assert_memory_equal(bytes + 0x340, data, sizeof data);
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
    stn_st_pair pairs[3];
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
    assert_ok(stn_st_write(path, tensors, n, pairs, 3, &err), err);
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
        {"version", "1", "2", "this reader knows \"1\""},
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
        {"program", "\"code\":\"int8\"", "\"code\":\"int4\"", "code \"int4\""},
        {"program", "\"code\":\"ternary\"", "\"code\":\"binary\"", "sign has"},
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

static void a_tensor_that_no_instruction_names_is_refused(void **state)
{
    (void)state;
    stn_error err;
    stn_program *p;
    stn_st_file *file;
    const char *path = written_tiny();
    assert_ok(stn_st_open(path, &file, &err), err);
    stn_st_tensor tensors[64];
    size_t n = stn_st_count(file);
    for (size_t i = 0; i < n; i++)
        tensors[i] = *stn_st_at(file, i);
    tensors[n] = tensors[0];
    tensors[n].name = "stowaway";
    stn_st_pair pairs[] = {{"format", "setun-program"},
                           {"version", "1"},
                           {"program", stn_st_metadata(file, "program")}};
    assert_ok(stn_st_write(path, tensors, n + 1, pairs, 3, &err), err);
    stn_st_close(file);
    assert_refused(stn_program_read(path, &p, &err), err, STN_E_FORMAT,
                   "tensors, of which instructions name");
    unlink(path);
}

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
        values[v] = malloc(stn_shape_count(p->values[v].shape) *
                           stn_type_size(p->values[v].type));
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

/* ---- The reference interpreter, by hand --------------------------------- */

/* Runs one instruction over `x` of `in_shape` and gives the s32 output. The
 * program around it is never checked: only the arithmetic is of interest. */
static void run_one(stn_instruction in, stn_shape in_shape, stn_type in_type,
                    void *x, stn_shape out_shape, stn_type out_type, void *y)
{
    stn_error err;
    stn_value values[] = {{.name = "pixels", .shape = {1, 1, 1}},
                          {.name = "x", .shape = in_shape, .type = in_type},
                          {.name = "y", .shape = out_shape, .type = out_type}};
    in.n_inputs = in.n_inputs ? in.n_inputs : 1;
    in.inputs[0] = 1;
    in.inputs[1] = 1;
    in.output = 2;
    stn_program p = {.n_values = 3,
                     .n_instructions = 1,
                     .values = values,
                     .instructions = &in};
    void *buffers[] = {NULL, x, y};
    assert_ok(stn_reference_run(&p, NULL, buffers, &err), err);
}

static void rescale_floors_clamps_and_adds(void **state)
{
    (void)state;
    stn_instruction in = {.opcode = STN_RESCALE,
                          .m0 = (int32_t[]){3, -1, 1},
                          .m1 = (int32_t[]){-1, 0, 1},
                          .a = (int64_t[]){0, 1, -4},
                          .shift = 2,
                          .lo = -4,
                          .hi = 5};
    stn_shape s = {1, 2, 3};
    int16_t x[] = {-1, 6, 3, 9, -30, 30};
    int8_t y[6];
    run_one(in, s, STN_TYPE_S16, x, s, STN_TYPE_S8, y);
    /* ⌊−3/4⌋ = −1, ⌊−5/4⌋ = −2, ⌊−1/4⌋ = −1; ⌊27/4⌋ → 5, ⌊31/4⌋ → 5,
     * ⌊26/4⌋ → 5 */
    assert_memory_equal(y, ((int8_t[]){-1, -2, -1, 5, 5, 5}), 6);
    in.n_inputs = 2;
    run_one(in, s, STN_TYPE_S16, x, s, STN_TYPE_S8, y);
    /* ⌊−2/4⌋, ⌊−5/4⌋, ⌊2/4⌋; ⌊18/4⌋, 31/4 → 5, 56/4 → 5 */
    assert_memory_equal(y, ((int8_t[]){-1, -2, 0, 4, 5, 5}), 6);
    int32_t big[] = {INT32_MIN, INT32_MAX, 0, 0, 0, 0}, z[6];
    in = (stn_instruction){.opcode = STN_RESCALE,
                           .m0 = (int32_t[]){1 << 24, 1 << 24, 0},
                           .a = (int64_t[]){0, -1, -((int64_t)1 << 60)},
                           .shift = 40,
                           .lo = INT32_MIN,
                           .hi = INT32_MAX};
    run_one(in, s, STN_TYPE_S32, big, s, STN_TYPE_S32, z);
    assert_int_equal(z[0], -32768);
    assert_int_equal(z[1], 32767);
    assert_int_equal(z[2], -1048576);
}

static void conv_pads_with_zero_and_strides(void **state)
{
    (void)state;
    /* 3 x 3 x 1 picture 1 … 9; filter o0 sums the window, o1 picks its last
     * element negated. stride 2, pad 1: windows centred on the corners. */
    int8_t w[18] = {1, 1, 1, 1, 1, 1, 1, 1, 1, [17] = -1};
    stn_instruction in = {
        .opcode = STN_CONV,
        .kh = 3,
        .kw = 3,
        .stride = 2,
        .pad = 1,
        .weights = {.out = 2, .kh = 3, .kw = 3, .in = 1, .codes = w}};
    uint8_t x[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    int32_t y[8];
    run_one(in, (stn_shape){3, 3, 1}, STN_TYPE_U8, x, (stn_shape){2, 2, 2},
            STN_TYPE_S32, y);
    assert_memory_equal(y, ((int32_t[]){12, -5, 16, 0, 24, 0, 28, 0}),
                        sizeof y);
}

static void conv_sums_over_all_channels_of_a_wide_kernel(void **state)
{
    (void)state;
    /* 1 x 3 kernel over two channels: weights o, i, j, c. */
    int8_t w[] = {1, -2, 3, -4, 5, -6};
    stn_instruction in = {
        .opcode = STN_CONV,
        .kh = 1,
        .kw = 3,
        .stride = 1,
        .weights = {.out = 1, .kh = 1, .kw = 3, .in = 2, .codes = w}};
    int8_t x[] = {1, 0, 0, 1, 2, 2, -128, 127};
    int32_t y[2];
    run_one(in, (stn_shape){1, 4, 2}, STN_TYPE_S8, x, (stn_shape){1, 2, 1},
            STN_TYPE_S32, y);
    assert_int_equal(y[0], 1 - 4 + 10 - 12);
    assert_int_equal(y[1], -2 + 6 - 8 - 640 - 762);
}

static void depthwise_output_reads_channel_o_mod_c(void **state)
{
    (void)state;
    int8_t w[] = {1, 1, 10, 10, 100, 100, 1, -1}; /* o, i, j of 1 x 2 */
    stn_instruction in = {
        .opcode = STN_DEPTHWISE,
        .kh = 1,
        .kw = 2,
        .stride = 1,
        .weights = {.out = 4, .kh = 1, .kw = 2, .in = 1, .codes = w}};
    uint8_t x[] = {1, 2, 3, 4}; /* channel 0: 1 3, channel 1: 2 4 */
    int32_t y[4];
    run_one(in, (stn_shape){1, 2, 2}, STN_TYPE_U8, x, (stn_shape){1, 1, 4},
            STN_TYPE_S32, y);
    assert_memory_equal(y, ((int32_t[]){4, 60, 400, -2}), sizeof y);
}

static void pools_drop_windows_that_do_not_fit(void **state)
{
    (void)state;
    int8_t x[] = {-5, -6, 99, -7, -8, 99, 99, 99, 99};
    stn_instruction in = {
        .opcode = STN_MAX_POOL, .kh = 2, .kw = 2, .stride = 2};
    int8_t max;
    run_one(in, (stn_shape){3, 3, 1}, STN_TYPE_S8, x, (stn_shape){1, 1, 1},
            STN_TYPE_S8, &max);
    assert_int_equal(max, -5);
    int32_t sum[4];
    in.opcode = STN_SUM_POOL;
    in.stride = 1;
    run_one(in, (stn_shape){3, 3, 1}, STN_TYPE_S8, x, (stn_shape){2, 2, 1},
            STN_TYPE_S32, sum);
    assert_memory_equal(sum, ((int32_t[]){-26, 184, 183, 289}), sizeof sum);
}

/* Independent of the interpreter's loops: scatters each input element into
 * the outputs it contributes to. */
static void reference_conv_agrees_with_scattering(void **state)
{
    (void)state;
    stn_rng rng = stn_rng_make(5, STN_RNG_TEST, 0);
    for (int round = 0; round < 200; round++) {
        int h = 1 + (int)stn_rng_below(&rng, 6);
        int w = 1 + (int)stn_rng_below(&rng, 6);
        int c = 1 + (int)stn_rng_below(&rng, 4);
        int k = 1 + (int)stn_rng_below(&rng, 3), out = c * 2;
        int stride = 1 + (int)stn_rng_below(&rng, 3);
        int pad = (int)stn_rng_below(&rng, (uint32_t)k);
        bool depthwise = round % 2;
        if (h + 2 * pad < k || w + 2 * pad < k)
            continue;
        int oh = (h + 2 * pad - k) / stride + 1;
        int ow = (w + 2 * pad - k) / stride + 1, wc = depthwise ? 1 : c;
        int8_t codes[8 * 9 * 4];
        int16_t x[6 * 6 * 4];
        int32_t y[10 * 10 * 8], expected[10 * 10 * 8] = {0};
        for (size_t i = 0; i < sizeof codes; i++)
            codes[i] = (int8_t)((int)stn_rng_below(&rng, 255) - 127);
        for (int i = 0; i < h * w * c; i++)
            x[i] = (int16_t)((int)stn_rng_below(&rng, 65536) - 32768);
        for (int i = 0; i < h * w * c; i++)
            for (int t = 0; t < k * k * out; t++) {
                int ch = i % c, q = i / c % w, r = i / c / w;
                int o = t % out, kj = t / out % k, ki = t / out / k;
                int yr = r + pad - ki, yq = q + pad - kj;
                if (yr < 0 || yq < 0 || yr % stride || yq % stride ||
                    yr / stride >= oh || yq / stride >= ow ||
                    (depthwise && o % c != ch))
                    continue;
                int code =
                    codes[((o * k + ki) * k + kj) * wc + (depthwise ? 0 : ch)];
                expected[(yr / stride * ow + yq / stride) * out + o] +=
                    code * x[i];
            }
        stn_instruction in = {
            .opcode = depthwise ? STN_DEPTHWISE : STN_CONV,
            .kh = k,
            .kw = k,
            .stride = stride,
            .pad = pad,
            .weights = {
                .out = out, .kh = k, .kw = k, .in = wc, .codes = codes}};
        run_one(in, (stn_shape){h, w, c}, STN_TYPE_S16, x,
                (stn_shape){oh, ow, out}, STN_TYPE_S32, y);
        assert_memory_equal(y, expected, (size_t)(oh * ow * out) * 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packed_codes_unpack_to_themselves_at_any_shape),
        cmocka_unit_test(ternary_codes_have_the_bytes_of_the_format_page),
        cmocka_unit_test(bit_tensors_that_do_not_fit_are_refused),
        cmocka_unit_test(a_written_program_reads_back_the_same),
        cmocka_unit_test(the_worked_file_of_the_format_page_has_those_bytes),
        cmocka_unit_test(each_wrong_text_in_the_file_is_refused),
        cmocka_unit_test(a_tensor_that_no_instruction_names_is_refused),
        cmocka_unit_test(flipped_bits_never_crash_the_reader),
        cmocka_unit_test(numbers_out_of_range_are_refused),
        cmocka_unit_test(sums_that_could_leave_32_bits_are_refused),
        cmocka_unit_test(dead_values_and_double_names_are_refused),
        cmocka_unit_test(proven_ranges_hold_and_are_reached),
        cmocka_unit_test(values_of_random_pictures_stay_in_proven_ranges),
        cmocka_unit_test(peak_memory_counts_values_alive_together),
        cmocka_unit_test(operations_count_positions_times_weights),
        cmocka_unit_test(rescale_floors_clamps_and_adds),
        cmocka_unit_test(conv_pads_with_zero_and_strides),
        cmocka_unit_test(conv_sums_over_all_channels_of_a_wide_kernel),
        cmocka_unit_test(depthwise_output_reads_channel_o_mod_c),
        cmocka_unit_test(pools_drop_windows_that_do_not_fit),
        cmocka_unit_test(reference_conv_agrees_with_scattering),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
