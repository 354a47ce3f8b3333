/* SPDX-License-Identifier: MIT
 *
 * YAML trees, merging, expressions, nearest words and attribute tables. */
#include "test.h"

#include "base/attributes.h"
#include "base/memory.h"
#include <math.h>

static stn_yaml_document *parse(const char *text)
{
    stn_error err;
    stn_yaml_document *d;
    assert_ok(stn_yaml_parse("f.yaml", text, &d, &err), err);
    return d;
}

static void refused(const char *text, const char *part)
{
    stn_error err;
    stn_yaml_document *d;
    assert_refused(stn_yaml_parse("f.yaml", text, &d, &err), err, STN_E_FORMAT,
                   part);
}

/* The scalar at a key of a key of the root. */
static const char *inner(stn_yaml_document *d, const char *outer,
                         const char *key)
{
    const stn_yaml *n =
        stn_yaml_get(stn_yaml_get(stn_yaml_root(d), outer), key);
    return n ? n->scalar : NULL;
}

static void tree_keeps_order_kinds_and_lines(void **state)
{
    (void)state;
    stn_yaml_document *d = parse("# comment\n"
                                 "b: 1\n"
                                 "a:\n"
                                 "  - x\n"
                                 "  - {k: \"v w\"}\n"
                                 "empty:\n");
    stn_yaml *root = stn_yaml_root(d);
    assert_int_equal(root->n_children, 3);
    assert_string_equal(root->first->key, "b");
    assert_int_equal(root->first->line, 2);
    const stn_yaml *a = stn_yaml_get(root, "a");
    assert_int_equal(a->kind, STN_YAML_SEQUENCE);
    assert_int_equal(a->line, 3);
    assert_int_equal(stn_yaml_at(a, 1)->line, 5);
    assert_string_equal(stn_yaml_get(stn_yaml_at(a, 1), "k")->scalar, "v w");
    assert_null(stn_yaml_at(a, 2));
    assert_null(stn_yaml_get(a, "k"));
    assert_null(stn_yaml_get(NULL, "k"));
    assert_string_equal(stn_yaml_get(root, "empty")->scalar, "");
    assert_string_equal(a->file, "f.yaml");
    stn_yaml_destroy(d);
    stn_yaml_destroy(NULL);
}

static void empty_text_is_an_empty_value(void **state)
{
    (void)state;
    stn_yaml_document *d = parse("# nothing\n");
    assert_int_equal(stn_yaml_root(d)->kind, STN_YAML_SCALAR);
    assert_string_equal(stn_yaml_root(d)->scalar, "");
    stn_yaml_destroy(d);
}

static void malformed_yaml_is_refused_with_its_line(void **state)
{
    (void)state;
    refused("a: 1\nb: [1, 2\nc: 3\n", "f.yaml:3");
    refused("a: 1\n\tb: 2\n", "f.yaml:2");
    refused("a: 1\nb: 2\na: 3\n", "f.yaml:3: key \"a\" was already given in "
                                  "line 1");
    refused("a: &x 1\nb: 2\n", "f.yaml:1: anchors");
    refused("a: 1\nb: *x\n", "f.yaml:2: anchors");
    refused("a: 1\n---\nb: 2\n", "f.yaml:2: a second document");
    refused("? [1, 2]\n: 3\n", "f.yaml:1: a key must be a word");
    refused("a: \"x\\0y\"\n", "f.yaml:1: text contains a NUL");
    refused("a: \xff\n", "f.yaml: byte 3");
    char deep[140];
    memset(deep, '[', 65);
    memset(deep + 65, ']', 65);
    deep[130] = '\0';
    refused(deep, "64 levels");
}

static void missing_file_is_named(void **state)
{
    (void)state;
    stn_error err;
    stn_yaml_document *d;
    assert_refused(stn_yaml_load("absent.yaml", &d, &err), err, STN_E_NOT_FOUND,
                   "absent.yaml");
}

static void merge_replaces_leaves_and_appends_new_keys(void **state)
{
    (void)state;
    stn_error err;
    stn_yaml_document *d = parse("a: {x: 1, y: 2}\nlist: [1, 2, 3]\nz: 5\n");
    stn_yaml_document *over =
        parse("\na: {y: 7, new: 8}\nlist: [9]\nmore: {k: v}\n");
    assert_ok(stn_yaml_merge(d, stn_yaml_root(d), stn_yaml_root(over), &err),
              err);
    stn_yaml_destroy(over); /* the copy must not need it */
    assert_string_equal(inner(d, "a", "x"), "1");
    assert_string_equal(inner(d, "a", "y"), "7");
    assert_string_equal(inner(d, "a", "new"), "8");
    assert_string_equal(inner(d, "more", "k"), "v");
    const stn_yaml *root = stn_yaml_root(d);
    assert_int_equal(stn_yaml_get(root, "list")->n_children, 1);
    assert_int_equal(stn_yaml_get(root, "list")->line, 3);
    assert_string_equal(stn_yaml_get(root, "z")->scalar, "5");
    assert_int_equal(root->n_children, 4);
    stn_yaml_destroy(d);
}

static void set_follows_a_path_and_creates_only_when_asked(void **state)
{
    (void)state;
    stn_error err;
    stn_yaml_document *d = parse("a: {rows: 1}\nl: [{k: 1}, {k: 2}]\ne:\n");
    assert_ok(stn_yaml_set(d, "a.rows", "64", false, &err), err);
    assert_string_equal(inner(d, "a", "rows"), "64");
    assert_ok(stn_yaml_set(d, "l.1.k", "[5, 6]", false, &err), err);
    const stn_yaml *l = stn_yaml_get(stn_yaml_root(d), "l");
    assert_int_equal(stn_yaml_get(stn_yaml_at(l, 1), "k")->n_children, 2);
    assert_refused(stn_yaml_set(d, "a.rosw", "1", false, &err), err,
                   STN_E_NOT_FOUND, "did you mean \"rows\"");
    assert_refused(stn_yaml_set(d, "l.2.k", "1", false, &err), err,
                   STN_E_NOT_FOUND, "\"2\" is not in the list");
    assert_refused(stn_yaml_set(d, "a..b", "1", true, &err), err,
                   STN_E_ARGUMENT, "a path");
    assert_refused(stn_yaml_set(d, "a.rows", "[1", false, &err), err,
                   STN_E_FORMAT, "value \"[1\"");
    assert_string_equal(inner(d, "a", "rows"), "64");
    assert_refused(stn_yaml_set(d, "a.rows.x", "1", true, &err), err,
                   STN_E_NOT_FOUND, "single value");
    assert_ok(stn_yaml_set(d, "e.new", "v", true, &err), err);
    assert_string_equal(inner(d, "e", "new"), "v");
    assert_ok(stn_yaml_set(d, "top.new", "w", true, &err), err);
    assert_string_equal(inner(d, "top", "new"), "w");
    stn_yaml_destroy(d);
}

static const stn_yaml_variable variables[] = {{"p", 6}, {"m", 4}, {"width", 3}};
static const stn_yaml_scope scope = {variables, 3};

static void expression_gives(const char *text, double expected)
{
    stn_error err;
    stn_yaml node = {.scalar = text, .file = "f.yaml", .line = 1, .key = "k"};
    double x = 0.0;
    assert_ok(stn_yaml_number(&node, &scope, -1e9, 1e9, &x, &err), err);
    assert_true(fabs(x - expected) < 1e-12);
}

static void expression_fails(const char *text, const char *part)
{
    stn_error err;
    stn_yaml node = {.scalar = text, .file = "f.yaml", .line = 8, .key = "k"};
    double x = 0.0;
    assert_refused(stn_yaml_number(&node, &scope, -1e9, 1e9, &x, &err), err,
                   STN_E_FORMAT, part);
    assert_non_null(strstr(err.text, "f.yaml:8: k: "));
}

static void expressions_follow_precedence_and_scope(void **state)
{
    (void)state;
    expression_gives("12", 12);
    expression_gives(" -1.5e-3 ", -0.0015);
    expression_gives("$p", 6);
    expression_gives("p*m", 24);
    expression_gives("1 + 2 * 3 - 4 / 2", 5);
    expression_gives("(1+2)*3", 9);
    expression_gives("8/2/2", 2);
    expression_gives("8-2-2", 4);
    expression_gives("($width+1)/2", 2);
    expression_gives("-(-p)", 6);
}

static void broken_expressions_are_refused(void **state)
{
    (void)state;
    expression_fails("", "got the end");
    expression_fails("1 +", "got the end");
    expression_fails("(1", "expected \")\"");
    expression_fails("1 2", "expected an operator");
    expression_fails("1x", "expected an operator");
    expression_fails("widht", "did you mean \"width\"");
    expression_fails("q", "not a number or a known variable");
    expression_fails("1/0", "divisor");
    expression_fails("1e400", "too large");
    expression_fails("2e9", "expected a number from");
    expression_fails(".", "expected a number");
    expression_fails("nan", "k: got nan, expected a finite number");
    expression_fails(".NaN", "got .NaN, expected a finite number");
    expression_fails("-.inf", "got -.inf, expected a finite number");
    expression_fails("----------------------------------------1", "32 nested");
}

static void integers_must_be_whole_and_in_range(void **state)
{
    (void)state;
    stn_error err;
    int64_t i;
    stn_yaml node = {.scalar = "(m+2)/2", .file = "f", .line = 1};
    assert_ok(stn_yaml_int(&node, &scope, 0, 3, &i, &err), err);
    assert_int_equal(i, 3);
    assert_refused(stn_yaml_int(&node, &scope, 0, 2, &i, &err), err,
                   STN_E_FORMAT, "got 3, expected a whole number from 0 to 2");
    node.scalar = "m/8";
    assert_refused(stn_yaml_int(&node, &scope, 0, 9, &i, &err), err,
                   STN_E_FORMAT, "got 0.5");
    assert_refused(stn_yaml_int(NULL, NULL, 0, 9, &i, &err), err, STN_E_FORMAT,
                   "missing");
}

static void words_are_matched_or_the_nearest_is_named(void **state)
{
    (void)state;
    static const char *const words[] = {"binary", "ternary", "float", NULL};
    stn_error err;
    int i;
    bool flag = false;
    stn_yaml node = {.scalar = "ternary", .file = "f", .line = 3, .key = "q"};
    assert_ok(stn_yaml_choice(&node, words, &i, &err), err);
    assert_int_equal(i, 1);
    node.scalar = "ternray";
    assert_refused(stn_yaml_choice(&node, words, &i, &err), err, STN_E_FORMAT,
                   "f:3: q: \"ternray\" is unknown; did you mean \"ternary\"");
    node.scalar = "hexadecimal";
    assert_refused(stn_yaml_choice(&node, words, &i, &err), err, STN_E_FORMAT,
                   "expected one of: binary, ternary, float");
    node.scalar = "yes";
    assert_ok(stn_yaml_bool(&node, &flag, &err), err);
    assert_true(flag);
    node.scalar = "ye";
    assert_refused(stn_yaml_bool(&node, &flag, &err), err, STN_E_FORMAT,
                   "did you mean \"yes\"");
    assert_string_equal(stn_nearest_word("rows", words) ? "x" : "none", "none");
    assert_string_equal(stn_nearest_word("flaot", words), "float");
    assert_null(stn_nearest_word("", words));
}

static void unknown_keys_are_refused_with_the_nearest(void **state)
{
    (void)state;
    static const char *const keys[] = {"rows", "columns", NULL};
    stn_error err;
    stn_yaml_document *d = parse("rows: 1\n\ncolumsn: 2\n");
    assert_refused(stn_yaml_check_keys(stn_yaml_root(d), keys, &err), err,
                   STN_E_FORMAT,
                   "f.yaml:3: key \"columsn\" is unknown; did you mean "
                   "\"columns\"?");
    stn_yaml_destroy(d);
    d = parse("[1]");
    assert_refused(stn_yaml_check_keys(stn_yaml_root(d), keys, &err), err,
                   STN_E_FORMAT, "got a list, expected a map");
    stn_yaml_destroy(d);
}

typedef struct options {
    int rows, mode;
    float rate;
    bool on;
    stn_attr_floats steps;
} options;

static const char *const modes[] = {"slow", "fast", NULL};

// clang-format off
static const stn_attr table[] = {
    {"rows",  STN_ATTR_INT,    offsetof(options, rows),  NAN, 1, INFINITY, NULL, "rows of the array"},
    {"mode",  STN_ATTR_CHOICE, offsetof(options, mode),  1,   0, 0, modes, "speed"},
    {"rate",  STN_ATTR_FLOAT,  offsetof(options, rate),  0.5, 0, 1, NULL, "learning rate"},
    {"on",    STN_ATTR_BOOL,   offsetof(options, on),    1,   0, 1, NULL, "whether"},
    {"steps", STN_ATTR_FLOATS, offsetof(options, steps), 2,   0, 9, NULL, "steps"},
    {NULL, STN_ATTR_INT, 0, 0, 0, 0, NULL, NULL},
};
// clang-format on

static void attributes_take_defaults_and_values(void **state)
{
    (void)state;
    stn_error err;
    options o = {0};
    stn_yaml_document *d = parse("rows: $p*2\n");
    assert_ok(stn_attrs_parse(table, stn_yaml_root(d), &scope, NULL, &o, &err),
              err);
    assert_int_equal(o.rows, 12);
    assert_int_equal(o.mode, 1);
    assert_true(o.rate == 0.5f && o.on);
    assert_int_equal(o.steps.n, 1);
    assert_true(o.steps.v[0] == 2.0f);
    stn_yaml_destroy(d);
    static const char *const also[] = {"type", NULL};
    d = parse("rows: 3\nmode: slow\nrate: 1/4\non: off\nsteps: [1, 2.5, 9]\n"
              "type: x\n");
    assert_ok(stn_attrs_parse(table, stn_yaml_root(d), NULL, also, &o, &err),
              err);
    assert_int_equal(o.mode, 0);
    assert_true(o.rate == 0.25f && !o.on);
    assert_int_equal(o.steps.n, 3);
    assert_true(o.steps.v[1] == 2.5f);
    stn_yaml_destroy(d);
    /* No map at all: every default, if there is one for each. */
    assert_ok(stn_attrs_parse(table + 1, NULL, NULL, NULL, &o, &err), err);
    assert_int_equal(o.mode, 1);
}

static void attributes_fail(const char *text, const char *part)
{
    stn_error err;
    options o = {0};
    stn_yaml_document *d = parse(text);
    assert_refused(
        stn_attrs_parse(table, stn_yaml_root(d), NULL, NULL, &o, &err), err,
        STN_E_FORMAT, part);
    stn_yaml_destroy(d);
}

static void bad_attributes_are_refused_with_their_line(void **state)
{
    (void)state;
    attributes_fail("on: true\n", "\"rows\" is missing: rows of the array");
    attributes_fail("", "\"rows\" is missing");
    attributes_fail("rows: 1\nraet: 1\n",
                    "f.yaml:2: key \"raet\" is unknown; did you mean \"rate\"");
    attributes_fail("rows: 1\nrate: 1.5\n", "f.yaml:2: rate: got 1.5");
    attributes_fail("rows: 1\nrate: [1]\n", "got a list or map");
    attributes_fail("rows: 3e9\n", "from 1 to 2147483647");
    attributes_fail("rows: 1\nmode: fats\n", "did you mean \"fast\"");
    attributes_fail("rows: 1\nsteps: [1, 10]\n", "got 10");
    attributes_fail("rows: 1\nsteps: []\n", "list of 1 to 16");
    attributes_fail("rows: 1\ntype: x\n", "\"type\" is unknown");
    attributes_fail("- 1\n", "got a list");
}

static void dumped_tree_parses_back_to_itself(void **state)
{
    (void)state;
    stn_error err;
    char *first, *second;
    stn_yaml_document *d = parse("a: {x: \"1: #\", y: }\nl: [1, [2, \"\"]]\n");
    assert_ok(stn_yaml_dump(stn_yaml_root(d), &first, &err), err);
    stn_yaml_destroy(d);
    d = parse(first);
    assert_string_equal(inner(d, "a", "x"), "1: #");
    assert_ok(stn_yaml_dump(stn_yaml_root(d), &second, &err), err);
    assert_string_equal(first, second);
    stn_yaml_destroy(d);
    stn_free(first);
    stn_free(second);
}

static void pick_takes_a_word_or_a_word_with_options(void **state)
{
    (void)state;
    stn_error err;
    const stn_yaml *inside;
    int i;
    stn_yaml_document *d = parse("a: fast\nb: {slow: {k: 1}}\nc: [1]\n");
    const stn_yaml *root = stn_yaml_root(d);
    assert_ok(stn_yaml_pick(stn_yaml_get(root, "a"), modes, &i, &inside, &err),
              err);
    assert_int_equal(i, 1);
    assert_null(inside);
    assert_ok(stn_yaml_pick(stn_yaml_get(root, "b"), modes, &i, &inside, &err),
              err);
    assert_int_equal(i, 0);
    assert_string_equal(stn_yaml_get(inside, "k")->scalar, "1");
    assert_refused(
        stn_yaml_pick(stn_yaml_get(root, "c"), modes, &i, &inside, &err), err,
        STN_E_FORMAT, "f.yaml:3");
    stn_yaml_destroy(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tree_keeps_order_kinds_and_lines),
        cmocka_unit_test(empty_text_is_an_empty_value),
        cmocka_unit_test(malformed_yaml_is_refused_with_its_line),
        cmocka_unit_test(missing_file_is_named),
        cmocka_unit_test(merge_replaces_leaves_and_appends_new_keys),
        cmocka_unit_test(set_follows_a_path_and_creates_only_when_asked),
        cmocka_unit_test(expressions_follow_precedence_and_scope),
        cmocka_unit_test(broken_expressions_are_refused),
        cmocka_unit_test(integers_must_be_whole_and_in_range),
        cmocka_unit_test(words_are_matched_or_the_nearest_is_named),
        cmocka_unit_test(unknown_keys_are_refused_with_the_nearest),
        cmocka_unit_test(attributes_take_defaults_and_values),
        cmocka_unit_test(bad_attributes_are_refused_with_their_line),
        cmocka_unit_test(dumped_tree_parses_back_to_itself),
        cmocka_unit_test(pick_takes_a_word_or_a_word_with_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
