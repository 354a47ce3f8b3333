/* SPDX-License-Identifier: MIT
 *
 * setun variation: how right a packed network is on junctions that differ. A
 * chip is drawn from the spreads of a device file and executes pictures; the
 * rates of all cells are printed beside. */
#include "engine.h"
#include "results.h"
#include "setun/mtj.h"
#include "setun/simulate.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
static const stn_option OPTIONS[] = {
    {"on", 0, false, "MACHINE", "mram-lowbit-sot",
     "machine of the bitwise family that senses rows together"},
    {"device", 0, false, "NAME", "sot-mtj",
     "junction in share/setun/devices, without .yaml"},
    {"chip", 0, false, "N", "1",
     "which chip: the seed of its cells and amplifiers"},
    {"spread", 0, true, "X", NULL,
     "multiple of the device's spreads; default: 0, 0.5, 1, 1.5, 2, 3, 4"},
    {"data", 'd', false, "NAME|DIR", NULL,
     "data set; its test split is used"},
    {"images", 'n', false, "N", "1000",
     "pictures to execute; 0 for all"},
    {"draws", 0, false, "N", "1000000",
     "sets of cells drawn for an error rate"},
    STN_CLI_MACHINE_SET,
    STN_CLI_WIDTH,
    STN_CLI_THREADS,
    STN_CLI_TABLE_FILE,
    {0},
};
/* clang-format on */

/* One spread. */
typedef struct trial {
    double spread;
    stn_mtj_report device;
    stn_simulation *simulation;
} trial;

typedef struct study {
    const stn_arguments *arguments;
    stn_cli_subject subject;
    int threads, draws, chip, n;
    trial trials[STN_CLI_REPEATS];
} study;

static bool read_spreads(study *s)
{
    static const char *const usual[] = {"0", "0.5", "1", "1.5", "2", "3", "4"};
    const char *const *texts = stn_cli_list(s->arguments, "spread", &s->n);
    if (!s->n) {
        texts = usual;
        s->n = (int)(sizeof usual / sizeof usual[0]);
    }
    for (int i = 0; i < s->n; i++) {
        char *end = NULL;
        s->trials[i].spread = strtod(texts[i], &end);
        if (end == texts[i] || *end) {
            stn_cli_error("--spread: got \"%s\", expected a number", texts[i]);
            return false;
        }
    }
    return true;
}

/* The machine on a chip of that device. */
static stn_status load(const study *s, double spread, stn_machine **machine,
                       stn_error *err)
{
    const char *set[STN_CLI_REPEATS + 3];
    char device[3][128];
    int n = 0;
    const char *const *given = stn_cli_list(s->arguments, "set", &n);
    memcpy(set, given, (size_t)n * sizeof *set);
    snprintf(device[0], sizeof device[0], "device.name=%s",
             stn_cli_text(s->arguments, "device"));
    snprintf(device[1], sizeof device[1], "device.spread=%.9g", spread);
    snprintf(device[2], sizeof device[2], "device.seed=%d", s->chip);
    for (int k = 0; k < 3; k++)
        set[n++] = device[k];
    return stn_machine_load(stn_cli_text(s->arguments, "on"), set, n, machine,
                            err);
}

static stn_status run_trial(study *s, trial *t, stn_error *err)
{
    stn_machine *machine = NULL;
    stn_status status =
        stn_mtj_evaluate_spread(stn_cli_text(s->arguments, "device"), t->spread,
                                s->draws, &t->device, err);
    if (status == STN_OK)
        status = load(s, t->spread, &machine, err);
    if (status != STN_OK)
        return status;
    stn_simulate_options o = {.pixels = s->subject.pictures->pixels,
                              .labels = s->subject.pictures->labels,
                              .n_pictures = (int)s->subject.pictures->n,
                              .threads = s->threads,
                              .check = STN_CHECK_REFERENCE};
    status = stn_simulate(machine, s->subject.program, &o, &t->simulation, err);
    stn_machine_destroy(machine);
    return status;
}

static double accuracy_of(const stn_simulation *s)
{
    return (double)s->n_correct / (double)s->n_pictures;
}

/* Chance that heat flips a bit within ten years. */
static double retention_error(const stn_mtj_report *device)
{
    return -expm1(-10.0 * 365.25 * 86400.0 / device->retention_s);
}

static void print(const study *s)
{
    printf("%s on %s, junctions %s, chip %d, %u pictures\n\n",
           s->subject.program->name, stn_cli_text(s->arguments, "on"),
           stn_cli_text(s->arguments, "device"), s->chip,
           s->subject.pictures->n);
    stn_table_begin("rrrrrrr", "spread", "error: 1 row", "2 rows", "3 rows",
                    "write", "accuracy", "exact pictures", NULL);
    for (int i = 0; i < s->n; i++) {
        const trial *t = &s->trials[i];
        stn_table_cell("%g", t->spread);
        for (int k = 0; k < STN_MTJ_ROWS; k++)
            stn_table_cell("%.2e", t->device.sense_error[k]);
        stn_table_cell("%.2e", t->device.write_error);
        stn_table_cell("%s", stn_cli_percent(accuracy_of(t->simulation), 2));
        stn_table_cell("%d",
                       t->simulation->n_pictures - t->simulation->n_inexact);
    }
    stn_table_end();
    const stn_mtj_report *d = &s->trials[0].device;
    printf("\na stored bit is flipped by heat within ten years with chance "
           "%.2e, by one sensing with %.2e; neither is injected\n",
           retention_error(d), d->read_disturb);
}

static int save(const study *s, const char *path)
{
    stn_json_writer w = {.indent = 2};
    stn_cli_results_begin(&w, "variation", s->arguments);
    for (int i = 0; i < s->n; i++) {
        const trial *t = &s->trials[i];
        const stn_simulation *m = t->simulation;
        char text[256];
        snprintf(text, sizeof text, "%s, %s, spread %g, %s, %s, chip %d",
                 s->subject.program->name, stn_dataset_name(s->subject.dataset),
                 t->spread, stn_cli_text(s->arguments, "device"),
                 stn_cli_text(s->arguments, "on"), s->chip);
        stn_cli_results_row(&w, "error, 1 row", text, t->device.sense_error[0],
                            "chance");
        stn_cli_results_row(&w, "error, 2 rows", text, t->device.sense_error[1],
                            "chance");
        stn_cli_results_row(&w, "error, 3 rows", text, t->device.sense_error[2],
                            "chance");
        stn_cli_results_row(&w, "write error", text, t->device.write_error,
                            "chance");
        stn_cli_results_row(&w, "flipped in ten years", text,
                            retention_error(&t->device), "chance");
        stn_cli_results_row(&w, "read disturb", text, t->device.read_disturb,
                            "chance");
        stn_cli_results_row(&w, "accuracy", text, 100 * accuracy_of(m), "%");
        stn_cli_results_row(
            &w, "exact pictures", text,
            100.0 * (m->n_pictures - m->n_inexact) / m->n_pictures, "%");
    }
    stn_cli_results_end(&w);
    return stn_cli_json_save(&w, path);
}

static int run_all(study *s)
{
    const char *results = stn_cli_text(s->arguments, "results");
    stn_error err = {0};
    for (int i = 0; i < s->n; i++) {
        stn_status status = run_trial(s, &s->trials[i], &err);
        if (status != STN_OK)
            return stn_cli_fail(status, &err);
    }
    print(s);
    return results ? save(s, results) : STN_EXIT_OK;
}

static int run(const stn_arguments *arguments)
{
    int64_t images = 0, threads = 0, draws = 0, chip = 0;
    study s = {.arguments = arguments};
    if (!stn_cli_int(arguments, "images", 0, 1000000, &images) ||
        !stn_cli_int(arguments, "threads", 0, 4096, &threads) ||
        !stn_cli_int(arguments, "draws", 100, 1000000000, &draws) ||
        !stn_cli_int(arguments, "chip", 0, 1000000000, &chip) ||
        !read_spreads(&s))
        return STN_EXIT_USAGE;
    s.threads = (int)threads;
    s.draws = (int)draws;
    s.chip = (int)chip;
    int code = stn_cli_open(arguments, (uint32_t)images, &s.subject);
    if (code != STN_EXIT_OK)
        return code;
    code = run_all(&s);
    for (int i = 0; i < s.n; i++)
        stn_simulation_destroy(s.trials[i].simulation);
    stn_cli_close(&s.subject);
    return code;
}

const stn_command stn_cmd_variation = {
    .name = "variation",
    .operands = "FILE.stn",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Say how right a network is on junctions that differ",
    .details =
        "Every cell and every amplifier of the machine is drawn once from the "
        "device file's spreads of resistance, TMR, diameter and offset, and "
        "stays as it is; writes err by chance. The rates shown are those of "
        "all cells, for the worst reference.\n\nExample: setun variation "
        "model.stn --data mnist "
        "--device stt-mtj",
    .options = OPTIONS,
    .run = run,
};
