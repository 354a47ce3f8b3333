/* SPDX-License-Identifier: MIT
 *
 * Filling the report's template, share/setun/report.html. */
#ifndef STN_REPORT_HTML_H
#define STN_REPORT_HTML_H

#include "base/status.h"

/* Replaces the template's placeholders SETUN_DATA (by `json`) and
 * SETUN_CHARTS (by `script`, or nothing for NULL), each escaped so that it
 * cannot end its script element. The caller releases *out (stn_free). */
stn_status stn_html_fill(const char *name, const char *template_text,
                         const char *json, const char *script, char **out,
                         stn_error *err);

#endif
