/* SPDX-License-Identifier: MIT
 *
 * Numbers in YAML: literals and small expressions,
 *     sum     = product { (+|-) product }
 *     product = factor { (*|/) factor }
 *     factor  = [+|-] factor | number | [$] name | ( sum )
 * Depth is limited to 32. Everything is double, so integers are exact up to
 * 2^53. */
#include "base/text.h"
#include "base/yaml.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_DEPTH 32

typedef struct expression {
    const char *at;
    const stn_yaml *node;
    const stn_yaml_scope *scope;
    int depth;
    stn_error *err;
} expression;

static const char *key_of(const stn_yaml *node)
{
    return node->key ? node->key : "value";
}

static stn_status fail(const expression *e, const char *expected)
{
    return stn_yaml_fail(
        e->node, e->err, "%s: \"%.100s\": got %s%.20s%s, expected %s",
        key_of(e->node), e->node->scalar, *e->at ? "\"" : "",
        *e->at ? e->at : "the end", *e->at ? "\"" : "", expected);
}

static void skip_space(expression *e)
{
    e->at += strspn(e->at, " \t\n");
}

static stn_status sum(expression *e, double *out);

static stn_status variable(expression *e, double *out)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    if (*e->at == '$')
        e->at++;
    size_t n = strspn(e->at, letters);
    if (n == 0 || (*e->at >= '0' && *e->at <= '9'))
        return fail(e, "a number, a variable or \"(\"");
    const char *names[33] = {NULL};
    size_t n_variables = e->scope ? e->scope->n_variables : 0;
    for (size_t i = 0; i < n_variables; i++) {
        const stn_yaml_variable *v = &e->scope->variables[i];
        if (strlen(v->name) == n && strncmp(v->name, e->at, n) == 0) {
            e->at += n;
            *out = v->value;
            return STN_OK;
        }
        if (i < 32)
            names[i] = v->name;
    }
    char name[64] = "";
    memcpy(name, e->at, n < sizeof name ? n : sizeof name - 1);
    const char *nearest = stn_nearest_word(name, names);
    bool whole = strcmp(name, e->node->scalar) == 0;
    return stn_yaml_fail(
        e->node, e->err,
        "%s: %s%.100s%s\"%s\" is not a number or a known "
        "variable%s%s%s",
        key_of(e->node), whole ? "" : "\"", whole ? "" : e->node->scalar,
        whole ? "" : "\": ", name, nearest ? "; did you mean \"" : "",
        nearest ? nearest : "", nearest ? "\"?" : "");
}

static stn_status factor(expression *e, double *out)
{
    if (e->depth == MAX_DEPTH)
        return fail(e, "at most 32 nested signs and brackets");
    e->depth++;
    skip_space(e);
    char c = *e->at;
    if (c == '-' || c == '+') {
        e->at++;
        STN_TRY(factor(e, out));
        if (c == '-')
            *out = -*out;
    } else if (c == '(') {
        e->at++;
        STN_TRY(sum(e, out));
        if (*e->at != ')')
            return fail(e, "\")\"");
        e->at++;
    } else {
        size_t n = stn_text_to_double(e->at, strlen(e->at), out);
        e->at += n;
        if (n == 0)
            STN_TRY(variable(e, out));
    }
    skip_space(e);
    e->depth--;
    return STN_OK;
}

static stn_status product(expression *e, double *out)
{
    STN_TRY(factor(e, out));
    while (*e->at == '*' || *e->at == '/') {
        bool divide = *e->at++ == '/';
        double right = 0.0;
        STN_TRY(factor(e, &right));
        if (divide && right == 0.0)
            return fail(e, "a divisor other than 0 before this place");
        *out = divide ? *out / right : *out * right;
    }
    return STN_OK;
}

static stn_status sum(expression *e, double *out)
{
    STN_TRY(product(e, out));
    while (*e->at == '+' || *e->at == '-') {
        bool minus = *e->at++ == '-';
        double right = 0.0;
        STN_TRY(product(e, &right));
        *out = minus ? *out - right : *out + right;
    }
    return STN_OK;
}

/* YAML's words for what is no number here, with or without a sign. */
static bool is_infinite_or_nan(const char *text)
{
    static const char *const words[] = {".nan", ".inf", "nan", "inf",
                                        "infinity"};
    text += *text == '-' || *text == '+';
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(text, words[i]) == 0)
            return true;
    return false;
}

static stn_status evaluate(const stn_yaml *node, const stn_yaml_scope *scope,
                           double *out, stn_error *err)
{
    if (!node)
        return stn_fail(err, STN_E_FORMAT, "a required number is missing");
    if (node->kind != STN_YAML_SCALAR)
        return stn_yaml_fail(node, err,
                             "%s: got a list or map, expected a number",
                             key_of(node));
    if (is_infinite_or_nan(node->scalar))
        return stn_yaml_fail(node, err, "%s: got %s, expected a finite number",
                             key_of(node), node->scalar);
    expression e = {
        .at = node->scalar, .node = node, .scope = scope, .err = err};
    double value = 0.0;
    STN_TRY(sum(&e, &value));
    if (*e.at)
        return fail(&e, "an operator or the end");
    if (!isfinite(value))
        return stn_yaml_fail(node, err,
                             "%s: \"%.100s\" is too large for a number",
                             key_of(node), node->scalar);
    *out = value;
    return STN_OK;
}

stn_status stn_yaml_number(const stn_yaml *node, const stn_yaml_scope *scope,
                           double min, double max, double *out, stn_error *err)
{
    double x = 0.0;
    STN_TRY(evaluate(node, scope, &x, err));
    if (!(x >= min && x <= max))
        return stn_yaml_fail(node, err,
                             "%s: got %.9g, expected a number from %.9g to "
                             "%.9g",
                             key_of(node), x, min, max);
    *out = x;
    return STN_OK;
}

stn_status stn_yaml_int(const stn_yaml *node, const stn_yaml_scope *scope,
                        int64_t min, int64_t max, int64_t *out, stn_error *err)
{
    double x = 0.0;
    STN_TRY(evaluate(node, scope, &x, err));
    bool whole = fabs(x) <= 0x1p53 && x == (double)(int64_t)x;
    if (!whole || (int64_t)x < min || (int64_t)x > max)
        return stn_yaml_fail(node, err,
                             "%s: got %.15g, expected a whole number from "
                             "%lld to %lld",
                             key_of(node), x, (long long)min, (long long)max);
    *out = (int64_t)x;
    return STN_OK;
}

stn_status stn_yaml_bool(const stn_yaml *node, bool *out, stn_error *err)
{
    static const char *const words[] = {"false", "true", "no", "yes",
                                        "off",   "on",   NULL};
    int i = 0;
    STN_TRY(stn_yaml_choice(node, words, &i, err));
    *out = i % 2 == 1;
    return STN_OK;
}
