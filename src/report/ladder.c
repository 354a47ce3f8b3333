/* SPDX-License-Identifier: MIT
 *
 * The ladder of validation, from single circuits to whole machines. Rungs
 * whose figures are not ours to ship need the folder that has them. */
#include "accel/validate.h"
#include "report/validate.h"

static stn_status climb(const char *folder, stn_validate_list *list,
                        stn_error *err)
{
    if (folder) {
        STN_TRY(stn_validate_spice(folder, list, err));
        STN_TRY(stn_validate_nvsim(folder, list, err));
    }
    STN_TRY(stn_validate_cacti(list, err));
    STN_TRY(stn_validate_units(list, err));
    STN_TRY(stn_validate_converters(list, err));
    STN_TRY(stn_validate_pe_array(list, err));
    STN_TRY(stn_validate_cim(list, err));
    return folder ? stn_validate_silicon(folder, list, err) : STN_OK;
}

stn_status stn_validate(const char *reference_folder, stn_validation **out,
                        stn_error *err)
{
    stn_arena arena = {0};
    stn_validate_list list = {.arena = &arena};
    stn_status status = climb(reference_folder, &list, err);
    stn_arena_deinit(&arena);
    stn_validation *v = status == STN_OK ? stn_alloc(1, sizeof *v) : NULL;
    if (!v) {
        stn_free(list.items);
        if (status == STN_OK)
            status = stn_fail_memory(err, "a validation");
        return status;
    }
    *v = (stn_validation){.items = list.items, .n = list.n, .met = true};
    for (int i = 0; i < v->n; i++)
        v->met = v->met && v->items[i].met;
    *out = v;
    return STN_OK;
}

void stn_validation_destroy(stn_validation *validation)
{
    if (!validation)
        return;
    stn_free(validation->items);
    stn_free(validation);
}
