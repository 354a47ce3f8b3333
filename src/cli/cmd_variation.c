/* SPDX-License-Identifier: MIT
 *
 * setun variation: how right a packed network is on junctions that differ,
 * and some time after its weights were loaded. Chips are drawn from the spreads
 * of a device file, chip c with seed c, and each executes all pictures; the
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
     "the first chip: the seed of its cells and amplifiers"},
    {"chips", 0, false, "N", "5",
     "how many chips, whose seeds count up from the first"},
    {"spread", 0, true, "X", NULL,
     "multiple of the device's spreads; default: 0, 0.5, 1, 1.5, 2, 3, 4"},
    {"age", 0, true, "S", NULL,
     "seconds since the weights were loaded; default: 0"},
    {"pictures", 0, true, "N", NULL,
     "pictures classified since then; default: 0"},
    {"data", 'd', false, "NAME|DIR", NULL,
     "data set; its test split is used"},
    {"images", 'n', false, "N", "1000",
     "pictures to execute; 0 for all"},
    {"draws", 0, false, "N", "1000000",
     "sets of cells drawn for an error rate"},
    STN_CLI_MACHINE_SET,
    STN_CLI_WIDTH,
    STN_CLI_THREADS,
    STN_CLI_JSON,
    STN_CLI_TABLE_FILE,
    {0},
};
/* clang-format on */

/* A share of the pictures, over chips. */
typedef struct over_chips {
    double mean, lowest, highest;
} over_chips;

/* One spread, age and number of pictures. */
typedef struct trial {
    double spread, age_s, pictures;
    stn_mtj_report device;
    over_chips correct, exact, flipped; /* the last: of bits of weights */
} trial;

typedef struct study {
    const stn_arguments *arguments;
    stn_cli_subject subject;
    int threads, draws, chip, n_chips, n;
    trial trials[STN_CLI_REPEATS];
} study;

/* What an option is to go through, or else `usual`. */
typedef struct series {
    double values[STN_CLI_REPEATS];
    int n;
} series;

static bool read_series(const study *s, const char *option, series usual,
                        series *out)
{
    int n = 0;
    const char *const *texts = stn_cli_list(s->arguments, option, &n);
    *out = n ? (series){.n = n} : usual;
    for (int i = 0; i < n; i++) {
        char *end = NULL;
        out->values[i] = strtod(texts[i], &end);
        if (end == texts[i] || *end) {
            stn_cli_error("--%s: got \"%s\", expected a number", option,
                          texts[i]);
            return false;
        }
    }
    return true;
}

/* Every spread at every age and number of pictures. */
static bool read_trials(study *s)
{
    static const series spreads = {{0, 0.5, 1, 1.5, 2, 3, 4}, 7};
    static const series none = {{0}, 1};
    series spread, age, pictures;
    if (!read_series(s, "spread", spreads, &spread) ||
        !read_series(s, "age", none, &age) ||
        !read_series(s, "pictures", none, &pictures))
        return false;
    int n = spread.n * age.n * pictures.n;
    if (n > STN_CLI_REPEATS) {
        stn_cli_error("--spread, --age, --pictures: got %d combinations, "
                      "expected at most %d",
                      n, STN_CLI_REPEATS);
        return false;
    }
    for (int k = 0; k < n; k++)
        s->trials[k] =
            (trial){.spread = spread.values[k / (age.n * pictures.n)],
                    .age_s = age.values[k / pictures.n % age.n],
                    .pictures = pictures.values[k % pictures.n]};
    s->n = n;
    return true;
}

/* The machine on a chip of that device. */
static stn_status load(const study *s, const trial *t, int chip,
                       stn_machine **machine, stn_error *err)
{
    const char *set[STN_CLI_REPEATS + 5];
    char device[5][128];
    int n = 0;
    const char *const *given = stn_cli_list(s->arguments, "set", &n);
    memcpy(set, given, (size_t)n * sizeof *set);
    snprintf(device[0], sizeof device[0], "device.name=%s",
             stn_cli_text(s->arguments, "device"));
    snprintf(device[1], sizeof device[1], "device.spread=%.9g", t->spread);
    snprintf(device[2], sizeof device[2], "device.seed=%d", chip);
    snprintf(device[3], sizeof device[3], "device.age=%.9g", t->age_s);
    snprintf(device[4], sizeof device[4], "device.pictures=%.9g", t->pictures);
    for (int k = 0; k < 5; k++)
        set[n++] = device[k];
    return stn_machine_load(stn_cli_text(s->arguments, "on"), set, n, machine,
                            err);
}

/* Chip number i, from 0. */
static void add_chip(over_chips *o, int i, double share)
{
    o->mean += (share - o->mean) / (i + 1);
    o->lowest = i && o->lowest < share ? o->lowest : share;
    o->highest = i && o->highest > share ? o->highest : share;
}

static stn_status run_chip(study *s, trial *t, int i, stn_error *err)
{
    stn_machine *machine = NULL;
    stn_simulation *m = NULL;
    stn_status status = load(s, t, s->chip + i, &machine, err);
    if (status != STN_OK)
        return status;
    stn_simulate_options o = {.pixels = s->subject.pictures->pixels,
                              .labels = s->subject.pictures->labels,
                              .n_pictures = (int)s->subject.pictures->n,
                              .threads = s->threads,
                              .check = STN_CHECK_REFERENCE};
    status = stn_simulate(machine, s->subject.program, &o, &m, err);
    stn_machine_destroy(machine);
    if (status != STN_OK)
        return status;
    double pictures = m->n_pictures;
    add_chip(&t->correct, i, m->n_correct / pictures);
    add_chip(&t->exact, i, (m->n_pictures - m->n_inexact) / pictures);
    double kept = m->n_kept_bits ? (double)m->n_kept_bits : 1.0;
    add_chip(&t->flipped, i, (double)m->n_flipped_bits / kept);
    stn_simulation_destroy(m);
    return STN_OK;
}

static bool is_aged(const trial *t)
{
    return t->age_s > 0 || t->pictures > 0;
}

/* Ideal chips are alike until they age: one is enough. */
static stn_status run_trial(study *s, trial *t, stn_error *err)
{
    int n = t->spread == 0 && !is_aged(t) ? 1 : s->n_chips;
    stn_status status =
        stn_mtj_evaluate_spread(stn_cli_text(s->arguments, "device"), t->spread,
                                s->draws, &t->device, err);
    for (int i = 0; status == STN_OK && i < n; i++)
        status = run_chip(s, t, i, err);
    return status;
}

/* Chance that heat has flipped a bit, and not back, after ten years. */
static double retention_error(const stn_mtj_report *device)
{
    return -0.5 * expm1(-2.0 * 10.0 * 365.25 * 86400.0 / device->retention_s);
}

/* "chip 1", "chips 1 to 5". */
static const char *chips_of(const study *s)
{
    static char text[64];
    if (s->n_chips == 1)
        snprintf(text, sizeof text, "chip %d", s->chip);
    else
        snprintf(text, sizeof text, "chips %d to %d", s->chip,
                 s->chip + s->n_chips - 1);
    return text;
}

static void print(const void *study_of)
{
    const study *s = study_of;
    printf("%s on %s, junctions %s, %s, %u pictures\n\n",
           s->subject.program->name, stn_cli_text(s->arguments, "on"),
           stn_cli_text(s->arguments, "device"), chips_of(s),
           s->subject.pictures->n);
    stn_table_begin("rrrrrrrrrrrr", "spread", "age in s", "pictures",
                    "error: 1 row", "2 rows", "3 rows", "write", "flipped",
                    "accuracy", "lowest chip", "highest", "exact pictures",
                    NULL);
    for (int i = 0; i < s->n; i++) {
        const trial *t = &s->trials[i];
        stn_table_cell("%g", t->spread);
        stn_table_cell("%g", t->age_s);
        stn_table_cell("%g", t->pictures);
        for (int k = 0; k < STN_MTJ_ROWS; k++)
            stn_table_cell("%.2e", t->device.sense_error[k]);
        stn_table_cell("%.2e", t->device.write_error_spread);
        stn_table_cell("%.2e", t->flipped.mean);
        stn_table_cell("%s", stn_cli_percent(t->correct.mean, 2));
        stn_table_cell("%s", stn_cli_percent(t->correct.lowest, 2));
        stn_table_cell("%s", stn_cli_percent(t->correct.highest, 2));
        stn_table_cell("%s", stn_cli_percent(t->exact.mean, 2));
    }
    stn_table_end();
    const stn_mtj_report *d = &s->trials[0].device;
    printf("\naccuracy, exact pictures and flipped bits of weights are means "
           "over the chips\n"
           "heat flips a bit of the mean cell within ten years with chance "
           "%.2e, one reading with %.2e\n",
           retention_error(d), d->read_disturb);
}

/* The mean, and the chips furthest from it, in %. */
static void put_share(stn_json_writer *w, const char *quantity,
                      const char *conditions, const over_chips *o)
{
    char text[64];
    stn_cli_results_row(w, quantity, conditions, 100 * o->mean, "%");
    snprintf(text, sizeof text, "%s, lowest chip", quantity);
    stn_cli_results_row(w, text, conditions, 100 * o->lowest, "%");
    snprintf(text, sizeof text, "%s, highest chip", quantity);
    stn_cli_results_row(w, text, conditions, 100 * o->highest, "%");
}

static void put_trial(const study *s, const trial *t, stn_json_writer *w)
{
    static const char *const errors[STN_MTJ_ROWS] = {
        "error, 1 row", "error, 2 rows", "error, 3 rows"};
    const char *chance = "chance";
    char text[384], age[64] = "";
    if (is_aged(t))
        snprintf(age, sizeof age, " after %g s and %g pictures", t->age_s,
                 t->pictures);
    snprintf(text, sizeof text, "%s, %s, spread %g%s, %s, %s, %s",
             s->subject.program->name, stn_dataset_name(s->subject.dataset),
             t->spread, age, stn_cli_text(s->arguments, "device"),
             stn_cli_text(s->arguments, "on"), chips_of(s));
    for (int k = 0; k < STN_MTJ_ROWS; k++)
        stn_cli_results_row(w, errors[k], text, t->device.sense_error[k],
                            chance);
    stn_cli_results_row(w, "write error", text, t->device.write_error_spread,
                        chance);
    stn_cli_results_row(w, "flipped in ten years", text,
                        retention_error(&t->device), chance);
    stn_cli_results_row(w, "read disturb", text, t->device.read_disturb,
                        chance);
    if (is_aged(t))
        put_share(w, "flipped bits", text, &t->flipped);
    put_share(w, "accuracy", text, &t->correct);
    put_share(w, "exact pictures", text, &t->exact);
}

static void write_json(const void *study_of, stn_json_writer *w)
{
    const study *s = study_of;
    stn_cli_results_begin(w, "variation", s->arguments);
    for (int i = 0; i < s->n; i++)
        put_trial(s, &s->trials[i], w);
    stn_cli_results_end(w);
}

static int run_all(study *s)
{
    stn_error err = {0};
    for (int i = 0; i < s->n; i++) {
        stn_status status = run_trial(s, &s->trials[i], &err);
        if (status != STN_OK)
            return stn_cli_fail(status, &err);
    }
    return stn_cli_results_show(
        &(stn_cli_study){s->arguments, s, print, write_json});
}

static int run(const stn_arguments *arguments)
{
    int64_t images = 0, threads = 0, draws = 0, chip = 0, chips = 0;
    study s = {.arguments = arguments};
    if (!stn_cli_int(arguments, "images", 0, 1000000, &images) ||
        !stn_cli_int(arguments, "threads", 0, 4096, &threads) ||
        !stn_cli_int(arguments, "draws", 100, 1000000000, &draws) ||
        !stn_cli_int(arguments, "chip", 0, 999990000, &chip) ||
        !stn_cli_int(arguments, "chips", 1, 10000, &chips) || !read_trials(&s))
        return STN_EXIT_USAGE;
    s.threads = (int)threads;
    s.draws = (int)draws;
    s.chip = (int)chip;
    s.n_chips = (int)chips;
    int code = stn_cli_open(arguments, (uint32_t)images, &s.subject);
    if (code != STN_EXIT_OK)
        return code;
    code = run_all(&s);
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
        "Every cell and every amplifier of a chip is drawn once from the "
        "device file's spreads of resistance, TMR, diameter and offset, and "
        "stays as it is; writes err by the chance of each cell. With --age and "
        "--pictures bits "
        "of "
        "the weights have flipped by heat and by being read since they were "
        "loaded. Accuracy is the mean of the "
        "chips, beside the worst and the best of them. The rates shown are "
        "those of all cells, for the worst reference.\n\nExample: setun "
        "variation "
        "model.stn --data mnist "
        "--device stt-mtj",
    .options = OPTIONS,
    .run = run,
};
