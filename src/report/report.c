/* SPDX-License-Identifier: MIT
 *
 * The report of a folder: the summary that a reproduction left in it, or one
 * made of a single run; and that of a simulation. */
#include "setun/report.h"
#include "base/file.h"
#include "report/results.h"
#include "setun/library.h"

static stn_status summarise_run(const char *run, const char *machine,
                                int threads, char **text, stn_error *err)
{
    stn_machine *loaded = NULL;
    STN_TRY(stn_machine_load(machine, NULL, 0, &loaded, err));
    stn_results *r = stn_alloc(1, sizeof *r);
    if (!r) {
        stn_machine_destroy(loaded);
        return stn_fail_memory(err, "report");
    }
    r->machine = loaded;
    stn_library_commit(r->commit, sizeof r->commit);
    stn_library_machine(r->cpu, sizeof r->cpu);
    const stn_measure_options options = {.machine = loaded,
                                         .threads = threads,
                                         .verify_images = 16,
                                         .simulate_images = 1};
    stn_status status =
        stn_measure_run(run, NULL, NULL, &options, &r->measures[0], err);
    if (status == STN_OK) {
        r->n_measures = 1;
        status = stn_results_summary(r, text, err);
    }
    stn_results_deinit(r);
    stn_free(r);
    stn_machine_destroy(loaded);
    return status;
}

stn_status stn_report_simulation(const stn_machine *machine,
                                 const stn_program *program,
                                 const stn_simulation *simulation,
                                 const char *command, const char *out_html,
                                 stn_error *err)
{
    char title[2 * STN_NAME_CAPACITY + 8];
    char *text = NULL;
    stn_results *r = stn_alloc(1, sizeof *r);
    if (!r)
        return stn_fail_memory(err, "report");
    snprintf(title, sizeof title, "%s on %s", program->name,
             stn_machine_name(machine));
    r->title = title;
    r->command = command;
    r->machine = machine;
    stn_library_commit(r->commit, sizeof r->commit);
    stn_status status =
        stn_measure_simulated(program, simulation, &r->measures[0], err);
    if (status == STN_OK) {
        r->n_measures = 1;
        status = stn_results_summary(r, &text, err);
    }
    if (status == STN_OK)
        status = stn_report_render(text, out_html, err);
    stn_free(text);
    stn_results_deinit(r);
    stn_free(r);
    return status;
}

stn_status stn_report_write(const char *folder, const char *machine,
                            int threads, const char *out_html, stn_error *err)
{
    char path[600];
    char *text = NULL;
    size_t size = 0;
    if (!stn_directory_exists(folder))
        return stn_fail(err, STN_E_NOT_FOUND,
                        "%s: no such folder; give a run of 'setun train' or a "
                        "folder of 'setun reproduce'",
                        folder);
    STN_TRY(stn_path_format(path, sizeof path, err, "%s/summary.json", folder));
    stn_status status;
    if (stn_file_exists(path))
        status = stn_file_read(path, (uint8_t **)&text, &size, err);
    else
        status = summarise_run(folder, machine, threads, &text, err);
    if (status == STN_OK)
        status = stn_report_render(text, out_html, err);
    stn_free(text);
    return status;
}
