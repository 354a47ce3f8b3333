/* SPDX-License-Identifier: MIT
 *
 * Macros that compute in memory against silicon: the comparison `cim-silicon`
 * as a rung, what was published about each case beside ours. Reported, not
 * judged. */
#include "report/validate.h"
#include "setun/compare.h"
#include <math.h>
#include <stdio.h>

static stn_status put(const stn_result_row *r, stn_validate_list *list,
                      stn_error *err)
{
    stn_agreement item = {
        .rung = "cim", .reference = r->published, .model = r->ours};
    snprintf(item.quantity, sizeof item.quantity, "%s", r->quantity);
    snprintf(item.group, sizeof item.group, "%s", r->conditions);
    snprintf(item.unit, sizeof item.unit, "%s", r->unit);
    return stn_validate_add_single(list, &item, err);
}

stn_status stn_validate_cim(stn_validate_list *list, stn_error *err)
{
    stn_comparison *c = NULL;
    stn_status status = STN_OK;
    STN_TRY(stn_compare("cim-silicon", NULL, NULL, &c, err));
    for (int i = 0; i < c->n_rows && status == STN_OK; i++)
        if (!isnan(c->rows[i].published))
            status = put(&c->rows[i], list, err);
    stn_comparison_destroy(c);
    return status;
}
