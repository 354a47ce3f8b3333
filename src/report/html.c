/* SPDX-License-Identifier: MIT
 *
 * The report: a template with two holes, data and chart script. Both stand
 * inside script elements, which HTML ends at the first "</script" and in
 * which "<!--" begins a state of its own, whatever the language inside. In
 * JSON and JavaScript a '<' of these matters only inside texts and regular
 * expressions, where "\u003c" and "<\/" mean the same. */
#include "report/html.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "setun/library.h"
#include "setun/report.h"
#include <string.h>

static const char DATA_MARK[] = "/*SETUN_DATA*/";
static const char CHARTS_MARK[] = "/*SETUN_CHARTS*/";

/* Bytes of `text` when every '<' is written in `width` bytes. */
static size_t escaped_size(const char *text, size_t width)
{
    size_t n = 0;
    for (; *text; text++)
        n += *text == '<' ? width : 1;
    return n;
}

/* In JSON a '<' occurs inside texts only. */
static char *put_json(char *to, const char *json)
{
    static const char LESS[] = "\\u003c";
    for (; *json; json++) {
        if (*json == '<') {
            memcpy(to, LESS, sizeof LESS - 1);
            to += sizeof LESS - 1;
        } else {
            *to++ = *json;
        }
    }
    return to;
}

/* In a script only the two dangerous sequences are touched. */
static char *put_script(char *to, const char *script)
{
    for (; *script; script++) {
        *to++ = *script;
        bool tag = !strncmp(script, "</", 2) || !strncmp(script, "<!--", 4);
        if (tag)
            *to++ = '\\';
    }
    return to;
}

static char *put(char *to, const char *from, size_t n)
{
    if (n)
        memcpy(to, from, n);
    return to + n;
}

stn_status stn_html_fill(const char *name, const char *template_text,
                         const char *json, const char *script, char **out,
                         stn_error *err)
{
    const char *charts = strstr(template_text, CHARTS_MARK);
    const char *data = charts ? strstr(charts, DATA_MARK) : NULL;
    if (!data)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: expected the placeholders %s and then %s; "
                        "restore the file from the release",
                        name, CHARTS_MARK, DATA_MARK);
    script = script ? script : "";
    size_t size = strlen(template_text) + escaped_size(script, 2) +
                  escaped_size(json, 6) + 1;
    char *text = stn_alloc(size, 1);
    if (!text)
        return stn_fail_memory(err, "report");
    const char *after_charts = charts + sizeof CHARTS_MARK - 1;
    const char *after_data = data + sizeof DATA_MARK - 1;
    char *to = put(text, template_text, (size_t)(charts - template_text));
    to = put_script(to, script);
    to = put(to, after_charts, (size_t)(data - after_charts));
    to = put_json(to, json);
    put(to, after_data, strlen(after_data));
    *out = text;
    return STN_OK;
}

/* The chart library, when it is installed, and the template's own script. */
static stn_status read_scripts(char **out, stn_error *err)
{
    char path[600];
    uint8_t *own = NULL, *library = NULL;
    size_t size = 0, library_size = 0;
    const char *script = stn_library_chart_script();
    STN_TRY(stn_path_format(path, sizeof path, err, "%s/report-cost.js",
                            stn_share_directory()));
    stn_status status = stn_file_read(path, &own, &size, err);
    if (status == STN_OK && script)
        status = stn_file_read(script, &library, &library_size, err);
    if (status == STN_OK) {
        char *text = stn_alloc(size + library_size + 2, 1);
        if (text) {
            char *to = put(text, (char *)library, library_size);
            *to++ = '\n';
            put(to, (char *)own, size);
        } else {
            status = stn_fail_memory(err, "report");
        }
        *out = text;
    }
    stn_free(library);
    stn_free(own);
    return status;
}

stn_status stn_report_render(const char *summary_json, const char *out_html,
                             stn_error *err)
{
    char path[600];
    uint8_t *page = NULL;
    char *html = NULL, *script = NULL;
    size_t size = 0;
    stn_json_document *document = NULL;
    stn_status status = stn_json_parse("summary", summary_json,
                                       strlen(summary_json), &document, err);
    stn_json_destroy(document);
    if (status == STN_OK)
        status = stn_path_format(path, sizeof path, err, "%s/report.html",
                                 stn_share_directory());
    if (status == STN_OK)
        status = stn_file_read(path, &page, &size, err);
    if (status == STN_OK)
        status = read_scripts(&script, err);
    if (status == STN_OK)
        status =
            stn_html_fill(path, (char *)page, summary_json, script, &html, err);
    if (status == STN_OK)
        status = stn_file_write_atomic(out_html, html, strlen(html), err);
    stn_free(html);
    stn_free(script);
    stn_free(page);
    return status;
}
