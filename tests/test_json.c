/* SPDX-License-Identifier: MIT
 *
 * The JSON reader and writer. */
#include "test.h"

#include "base/json.h"
#include "base/memory.h"
#include <locale.h>
#include <math.h>

static stn_json_document *parse(const char *text)
{
    stn_error err;
    stn_json_document *document;
    assert_ok(stn_json_parse("t", text, strlen(text), &document, &err), err);
    return document;
}

static void refused(const char *text, const char *part)
{
    stn_error err;
    stn_json_document *document;
    assert_refused(stn_json_parse("t", text, strlen(text), &document, &err),
                   err, STN_E_FORMAT, part);
}

static void every_kind_of_value_is_read(void **state)
{
    (void)state;
    stn_json_document *d = parse(" {\"a\": [1, -2.5e-1, true, null, \"x\"],"
                                 "\"b\": {}, \"\": false} ");
    const stn_json *root = stn_json_root(d);
    assert_int_equal(root->n_children, 3);
    const stn_json *a = stn_json_member(root, "a");
    assert_int_equal(a->n_children, 5);
    assert_true(stn_json_item(a, 1)->number == -0.25);
    assert_true(stn_json_item(a, 2)->boolean);
    assert_int_equal(stn_json_item(a, 3)->kind, STN_JSON_NULL);
    assert_string_equal(stn_json_item(a, 4)->string, "x");
    assert_null(stn_json_item(a, 5));
    assert_null(stn_json_member(a, "a"));
    assert_int_equal(stn_json_member(root, "b")->kind, STN_JSON_OBJECT);
    assert_int_equal(stn_json_member(root, "")->kind, STN_JSON_BOOL);
    stn_json_destroy(d);
}

static void escapes_become_utf8(void **state)
{
    (void)state;
    stn_json_document *d =
        parse("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e4\\u20aC\\ud83d\\ude00"
              "\xc3\xa4\"");
    assert_string_equal(stn_json_root(d)->string,
                        "\"\\/\b\f\n\r\tA\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"
                        "\xc3\xa4");
    stn_json_destroy(d);
}

static void malformed_text_is_refused_with_its_byte(void **state)
{
    (void)state;
    refused("", "ends at byte 0");
    refused("{\"a\" 1}", "byte 5: got '1', expected ':'");
    refused("{\"a\":1,}", "byte 7: got '}', expected a string");
    refused("[1,]", "byte 3");
    refused("[1 2]", "byte 3: got '2', expected ',' or ']'");
    refused("[1", "ends at byte 2");
    refused("{\"a", "end of a string");
    refused("\"a\\", "end of a string");
    refused("[1] x", "byte 4: got 'x', expected nothing");
    refused("nul", "byte 0");
    refused("'a'", "expected a value");
}

static void malformed_numbers_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"01",   "-",        "+1",  ".5",  "1.",
                                      "1.e2", "1e",       "1e+", "0x1", "1e999",
                                      "-01",  "Infinity", "NaN", "--1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        refused(bad[i], "expected");
    char digits[600];
    memset(digits, '1', sizeof digits - 1);
    digits[sizeof digits - 1] = '\0';
    refused(digits, "at most 400");
}

static void malformed_strings_are_refused(void **state)
{
    (void)state;
    refused("\"\\x\"", "an escape");
    refused("\"\\u12g4\"", "hexadecimal");
    refused("\"\\ud800\"", "surrogate");
    refused("\"\\ud800\\u0041\"", "surrogate");
    refused("\"\\udc00\"", "surrogate");
    refused("\"\\u0000\"", "U+0000");
    refused("\"a\nb\"", "control");
    refused("\"\xff\"", "UTF-8");
    refused("\"\xc3\"", "UTF-8");         /* cut */
    refused("\"\xc0\xaf\"", "UTF-8");     /* overlong */
    refused("\"\xe0\x80\xaf\"", "UTF-8"); /* overlong */
    refused("\"\xed\xa0\x80\"", "UTF-8"); /* surrogate */
    refused("\"\xf4\x90\x80\x80\"", "UTF-8");
}

static void depth_is_limited_to_64(void **state)
{
    (void)state;
    char text[131];
    memset(text, '[', 64);
    memset(text + 64, ']', 64);
    text[128] = '\0';
    stn_json_destroy(parse(text));
    memset(text, '[', 65);
    memset(text + 65, ']', 65);
    text[130] = '\0';
    refused(text, "64 levels");
}

static void every_cut_of_a_document_is_refused(void **state)
{
    (void)state;
    static const char text[] =
        "{\"a\":[1.5e3,true,\"x\\u00e4\",{\"b\":null}],\"c\":-2}";
    for (size_t n = 0; n + 1 < sizeof text; n++) {
        /* A heap copy, so that a sanitizer sees a read past the end. */
        char *copy = stn_alloc(n, 1);
        memcpy(copy, text, n);
        stn_error err;
        stn_json_document *d;
        assert_refused(stn_json_parse("t", copy, n, &d, &err), err,
                       STN_E_FORMAT, "t: ");
        stn_free(copy);
    }
}

static void typed_access_names_place_member_and_expectation(void **state)
{
    (void)state;
    stn_json_document *d = parse("{\"n\": 2.5, \"i\": 7, \"s\": \"x\","
                                 "\"big\": 1e17}");
    const stn_json *root = stn_json_root(d);
    stn_error err;
    const char *text;
    int64_t i;
    double x;
    assert_ok(stn_json_get_int(root, "i", "f", 0, 7, &i, &err), err);
    assert_int_equal(i, 7);
    assert_ok(stn_json_get_number(root, "n", "f", &x, &err), err);
    assert_ok(stn_json_get_string(root, "s", "f", &text, &err), err);
    assert_string_equal(text, "x");
    assert_refused(stn_json_get_int(root, "i", "f", 8, 9, &i, &err), err,
                   STN_E_FORMAT, "f: member \"i\" is 7, expected a whole");
    assert_refused(stn_json_get_int(root, "n", "f", 0, 9, &i, &err), err,
                   STN_E_FORMAT, "2.5");
    assert_refused(stn_json_get_int(root, "big", "f", 0, INT64_MAX, &i, &err),
                   err, STN_E_FORMAT, "1e+17");
    assert_refused(stn_json_get_string(root, "i", "f", &text, &err), err,
                   STN_E_FORMAT, "is a number, expected a string");
    assert_refused(stn_json_get_number(root, "z", "f", &x, &err), err,
                   STN_E_FORMAT, "missing");
    stn_json_destroy(d);
}

static void numbers_survive_a_round_trip(void **state)
{
    (void)state;
    static const double values[] = {
        0.0,     -0.0,   0.1,      1.0 / 3.0,
        1e300,   5e-324, 123456.0, 0.30000000000000004,
        -2.5e-8, 0x1p53};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        stn_error err;
        stn_json_writer w = {0};
        char *text;
        size_t size;
        stn_json_number(&w, NULL, values[i]);
        assert_ok(stn_json_finish(&w, &text, &size, &err), err);
        stn_json_document *d = parse(text);
        assert_memory_equal(&stn_json_root(d)->number, &values[i],
                            sizeof values[i]);
        stn_json_destroy(d);
        stn_free(text);
    }
}

static void writer_gives_exact_text(void **state)
{
    (void)state;
    stn_error err;
    stn_json_writer w = {0};
    char *text;
    size_t size;
    stn_json_begin_object(&w, NULL);
    stn_json_string(&w, "q\"", "a\\\n\x01\xff");
    stn_json_begin_array(&w, "list");
    stn_json_int(&w, NULL, INT64_MIN);
    stn_json_number(&w, NULL, 0.1);
    stn_json_number(&w, NULL, NAN);
    stn_json_end_array(&w);
    stn_json_bool(&w, "t", true);
    stn_json_null(&w, "z");
    stn_json_begin_object(&w, "e");
    stn_json_end_object(&w);
    stn_json_end_object(&w);
    assert_ok(stn_json_finish(&w, &text, &size, &err), err);
    assert_string_equal(text,
                        "{\"q\\\"\":\"a\\\\\\n\\u0001\xef\xbf\xbd\",\"list\":"
                        "[-9223372036854775808,0.1,null],\"t\":true,"
                        "\"z\":null,\"e\":{}}");
    assert_int_equal(size, strlen(text));
    stn_json_destroy(parse(text));
    stn_free(text);
}

static void indented_text_reads_back(void **state)
{
    (void)state;
    stn_error err;
    stn_json_writer w = {.indent = 2};
    char *text;
    size_t size;
    stn_json_begin_object(&w, NULL);
    stn_json_begin_array(&w, "a");
    for (int i = 0; i < 1000; i++)
        stn_json_int(&w, NULL, i);
    stn_json_end_array(&w);
    stn_json_end_object(&w);
    assert_ok(stn_json_finish(&w, &text, &size, &err), err);
    assert_non_null(strstr(text, "{\n  \"a\": [\n    0,\n    1,"));
    stn_json_document *d = parse(text);
    assert_int_equal(stn_json_member(stn_json_root(d), "a")->n_children, 1000);
    stn_json_destroy(d);
    stn_free(text);
}

static void numbers_ignore_the_locale(void **state)
{
    (void)state;
    if (!setlocale(LC_NUMERIC, "de_DE.UTF-8")) {
        print_message("skipped, needs the locale de_DE.UTF-8\n");
        skip();
    }
    numbers_survive_a_round_trip(state);
    writer_gives_exact_text(state);
    setlocale(LC_NUMERIC, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_value_is_read),
        cmocka_unit_test(escapes_become_utf8),
        cmocka_unit_test(malformed_text_is_refused_with_its_byte),
        cmocka_unit_test(malformed_numbers_are_refused),
        cmocka_unit_test(malformed_strings_are_refused),
        cmocka_unit_test(depth_is_limited_to_64),
        cmocka_unit_test(every_cut_of_a_document_is_refused),
        cmocka_unit_test(typed_access_names_place_member_and_expectation),
        cmocka_unit_test(numbers_survive_a_round_trip),
        cmocka_unit_test(writer_gives_exact_text),
        cmocka_unit_test(indented_text_reads_back),
        cmocka_unit_test(numbers_ignore_the_locale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
