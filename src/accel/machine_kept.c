/* SPDX-License-Identifier: MIT
 *
 * The machine that was built last. The next one begins as its copy, and only
 * parts are made whose fields were assigned since, so that a point of a sweep
 * reads what it changes. The copy that is handed out is the caller's own. */
#include "accel/machine.h"
#include <stdio.h>
#include <string.h>

/* All of a machine but its name, its texts and its list of figures. Options and
 * circuits go to memory that `to`, of the same family, has or gets. */
static stn_status copy_parts(const stn_machine *from, stn_machine *to,
                             stn_error *err)
{
    const stn_accel_type *type = from->type;
    stn_machine own = *to;
    if (!own.attrs)
        own.attrs = stn_arena_alloc(&own.arena, 1, type->attrs_size);
    if (!own.circuits && from->circuits)
        own.circuits = stn_arena_alloc(&own.arena, 1, type->circuits_size);
    *to = *from;
    memcpy(to->name, own.name, sizeof to->name);
    to->title = own.title;
    to->figures = own.figures;
    to->arena = own.arena;
    to->attrs = own.attrs;
    to->circuits = own.circuits;
    if (!to->attrs || (from->circuits && !to->circuits))
        return stn_fail_memory(err, "a machine");
    memcpy(to->attrs, from->attrs, type->attrs_size);
    if (from->circuits)
        memcpy(to->circuits, from->circuits, type->circuits_size);
    return STN_OK;
}

static stn_status keep(stn_machine_kept *k, const stn_machine *m,
                       stn_error *err)
{
    if (k->machine && k->machine->type != m->type)
        stn_machine_forget(k);
    if (!k->machine)
        k->machine = stn_alloc(1, sizeof *k->machine);
    if (!k->machine)
        return stn_fail_memory(err, "a machine");
    STN_TRY(copy_parts(m, k->machine, err));
    k->stale = 0;
    k->stale_events = 0;
    return STN_OK;
}

void stn_machine_forget(stn_machine_kept *kept)
{
    stn_machine_destroy(kept->machine);
    kept->machine = NULL;
    kept->stale = STN_MAKE_ALL;
    kept->stale_events = UINT64_MAX;
}

stn_status stn_machine_build(const char *name, const stn_machine_files *files,
                             stn_machine_kept *kept, stn_machine **out,
                             stn_error *err)
{
    stn_machine *m = stn_alloc(1, sizeof *m);
    if (!m)
        return stn_fail_memory(err, "a machine");
    stn_status status = STN_OK;
    snprintf(m->name, sizeof m->name, "%s", name);
    m->figures.arena = files->unlisted ? NULL : &m->arena;
    if (kept->machine)
        status = copy_parts(kept->machine, m, err);
    if (status == STN_OK)
        status = stn_machine_make(files, kept, m, err);
    if (status == STN_OK && files->unlisted)
        status = keep(kept, m, err);
    if (status != STN_OK) {
        stn_machine_forget(kept);
        stn_machine_destroy(m);
        return status;
    }
    *out = m;
    return STN_OK;
}
