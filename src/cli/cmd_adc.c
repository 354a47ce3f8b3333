/* SPDX-License-Identifier: MIT
 *
 * setun adc: what a machine's converters cost by resolution, and how right a
 * packed network is with each of them. */
#include "engine.h"
#include "results.h"
#include "setun/adc.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
static const stn_option OPTIONS[] = {
    {"on", 0, false, "MACHINE", "bitslice-isaac",
     "machine of 'setun list machines' that has converters, or a YAML file"},
    {"data", 'd', false, "NAME|DIR", NULL,
     "data set; its test split is used"},
    {"images", 'n', false, "N", "1000",
     "pictures to execute; 0 for all"},
    {"bits", 'b', true, "N|[N, ...]", NULL,
     "resolution to try, or one a slice from the lowest, 0 for ideal; default: 0, 8 down to 1, and the machine's own"},
    STN_CLI_MACHINE_SET,
    STN_CLI_WIDTH,
    STN_CLI_THREADS,
    STN_CLI_TABLE_FILE,
    STN_CLI_JSON,
    {0},
};
/* clang-format on */

#define MAX_ADCS 64
#define MAX_TRIES STN_CLI_REPEATS

/* One resolution tried on a network; `bits` is a value of options.adc_bits,
 * or NULL: the machine file's. */
typedef struct adc_try {
    const char *bits;
    char label[64];
    stn_simulation *simulation; /* NULL: refused, with `note` */
    char note[STN_ERROR_CAPACITY];
} adc_try;

typedef struct study {
    const stn_arguments *arguments;
    const char *machine;
    stn_adc_cost adcs[MAX_ADCS];
    int n_adcs;
    adc_try tries[MAX_TRIES];
    int n_tries;
    stn_cli_subject subject; /* when there is a network */
} study;

static stn_status read_adcs(study *s, stn_error *err)
{
    stn_machine *machine = NULL;
    int n = 0;
    const char *const *set = stn_cli_list(s->arguments, "set", &n);
    stn_status status = stn_machine_load(s->machine, set, n, &machine, err);
    if (status == STN_OK) {
        s->n_adcs = stn_machine_adcs(machine, s->adcs, MAX_ADCS);
        stn_machine_destroy(machine);
    }
    return status;
}

/* --- a network ------------------------------------------------------------*/

static void choose_tries(study *s)
{
    static const char *const usual[] = {"0", "8", "7", "6", "5",
                                        "4", "3", "2", "1", NULL};
    int n = 0;
    const char *const *given = stn_cli_list(s->arguments, "bits", &n);
    int n_usual = (int)(sizeof usual / sizeof usual[0]);
    s->n_tries = n ? n : n_usual;
    for (int i = 0; i < s->n_tries; i++) {
        adc_try *t = &s->tries[i];
        t->bits = n ? given[i] : usual[i];
        if (!t->bits)
            snprintf(t->label, sizeof t->label, "as in the file");
        else if (!strcmp(t->bits, "0"))
            snprintf(t->label, sizeof t->label, "ideal");
        else
            snprintf(t->label, sizeof t->label, "%s bits", t->bits);
        for (char *c = t->label; *c; c++) /* "," separates conditions */
            if (*c == ',')
                *c = ';';
    }
}

/* One resolution; a machine that cannot have it leaves a note. */
static stn_status run_try(study *s, adc_try *t, int threads, stn_error *err)
{
    stn_adc_trial trial = {
        .machine = s->machine, .bits = t->bits, .threads = threads};
    trial.set = stn_cli_list(s->arguments, "set", &trial.n_set);
    stn_status status = stn_adc_try(&trial, s->subject.program,
                                    s->subject.pictures, &t->simulation, err);
    if (status != STN_E_UNSUPPORTED)
        return status;
    snprintf(t->note, sizeof t->note, "%s", err->text);
    return STN_OK;
}

static int run_tries(study *s, int threads)
{
    stn_error err = {0};
    for (int i = 0; i < s->n_tries; i++) {
        stn_status status = run_try(s, &s->tries[i], threads, &err);
        if (status != STN_OK)
            return stn_cli_fail(status, &err);
    }
    return STN_EXIT_OK;
}

static double accuracy_of(const stn_simulation *s)
{
    return (double)s->n_correct / (double)s->n_pictures;
}

/* --- output ---------------------------------------------------------------*/

/* Costs over those of 8 bits, the usual ADC of such machines. */
static const stn_adc_cost *reference_of(const study *s)
{
    return s->n_adcs >= 8 ? &s->adcs[7] : NULL;
}

static void print_adcs(const study *s)
{
    const stn_adc_cost *r = reference_of(s);
    stn_table_begin("rlrrrrrrrrr", "bits", "structure", "energy", "time",
                    "power", "leakage", "area", "8 bits: energy", "time",
                    "power", "area", NULL);
    for (int i = 0; i < s->n_adcs; i++) {
        const stn_adc_cost *a = &s->adcs[i];
        stn_table_cell("%d", a->bits);
        stn_table_cell("%s", a->structure);
        stn_table_cell("%s", stn_cli_si(a->energy_j, "J"));
        stn_table_cell("%s", stn_cli_si(a->latency_s, "s"));
        stn_table_cell("%s", stn_cli_si(a->power_w, "W"));
        stn_table_cell("%s", stn_cli_si(a->leakage_w, "W"));
        stn_table_cell("%s", stn_cli_si(a->area_m2, "m2"));
        stn_table_cell("%.3gx", r ? r->energy_j / a->energy_j : NAN);
        stn_table_cell("%.3gx", r ? r->latency_s / a->latency_s : NAN);
        stn_table_cell("%.3gx", r ? r->power_w / a->power_w : NAN);
        stn_table_cell("%.3gx", r ? r->area_m2 / a->area_m2 : NAN);
    }
    stn_table_end();
}

static void print_tries(const study *s)
{
    printf("\n%s, %u pictures\n\n", s->subject.program->name,
           s->subject.pictures->n);
    stn_table_begin("lrrrrrr", "ADCs", "accuracy", "exact pictures", "energy",
                    "of converters", "latency", "area", NULL);
    for (int i = 0; i < s->n_tries; i++) {
        const stn_simulation *m = s->tries[i].simulation;
        if (!m)
            continue;
        double energy_j = stn_cost_energy_j(&m->total);
        double converter_j = m->total.energy_j[STN_COMPONENT_CONVERTER];
        stn_table_cell("%s", s->tries[i].label);
        stn_table_cell("%s", stn_cli_percent(accuracy_of(m), 2));
        stn_table_cell("%d", m->n_pictures - m->n_inexact);
        stn_table_cell("%s", stn_cli_si(energy_j, "J"));
        stn_table_cell("%s", stn_cli_percent(converter_j / energy_j, 1));
        stn_table_cell("%s", stn_cli_si(m->total.latency_s, "s"));
        stn_table_cell("%s", stn_cli_si(stn_cost_area_m2(&m->total), "m2"));
    }
    stn_table_end();
    for (int i = 0; i < s->n_tries; i++)
        if (!s->tries[i].simulation)
            printf("%s: %s\n", s->tries[i].label, s->tries[i].note);
}

static void put_adcs(const study *s, stn_json_writer *w)
{
    for (int i = 0; i < s->n_adcs; i++) {
        const stn_adc_cost *a = &s->adcs[i];
        char text[160];
        snprintf(text, sizeof text, "ADC, none, %d bits, %s", a->bits,
                 s->machine);
        stn_cli_results_row(w, "ADC energy", text, 1e15 * a->energy_j, "fJ");
        stn_cli_results_row(w, "ADC time", text, 1e12 * a->latency_s, "ps");
        stn_cli_results_row(w, "ADC area", text, 1e12 * a->area_m2, "um2");
        if (a->leakage_w > 0.0)
            stn_cli_results_row(w, "ADC leakage", text, 1e9 * a->leakage_w,
                                "nW");
    }
}

static void put_ratios(const study *s, stn_json_writer *w)
{
    const stn_adc_cost *r = reference_of(s);
    for (int i = 0; r && i < 8; i++) {
        const stn_adc_cost *a = &s->adcs[i];
        char text[160];
        snprintf(text, sizeof text, "ADC, over 8 bits, %d bits, %s", a->bits,
                 s->machine);
        stn_cli_results_row(w, "ADC power ratio", text, r->power_w / a->power_w,
                            "x");
        stn_cli_results_row(w, "ADC energy ratio", text,
                            r->energy_j / a->energy_j, "x");
        stn_cli_results_row(w, "ADC speed ratio", text,
                            r->latency_s / a->latency_s, "x");
        stn_cli_results_row(w, "ADC area ratio", text, r->area_m2 / a->area_m2,
                            "x");
    }
}

static void put_tries(const study *s, stn_json_writer *w)
{
    const char *data =
        s->subject.dataset ? stn_dataset_name(s->subject.dataset) : "";
    for (int i = 0; i < s->n_tries; i++) {
        const stn_simulation *m = s->tries[i].simulation;
        char text[320];
        if (!m)
            continue;
        snprintf(text, sizeof text, "%s, %s, %s, %s", s->subject.program->name,
                 data, s->tries[i].label, s->machine);
        stn_cli_results_row(w, "accuracy", text, 100 * accuracy_of(m), "%");
        stn_cli_results_row(
            w, "exact pictures", text,
            100.0 * (m->n_pictures - m->n_inexact) / m->n_pictures, "%");
        stn_cli_results_row(w, "energy per image", text,
                            1e6 * stn_cost_energy_j(&m->total), "uJ");
        stn_cli_results_row(w, "converter energy per image", text,
                            1e6 * m->total.energy_j[STN_COMPONENT_CONVERTER],
                            "uJ");
        stn_cli_results_row(w, "latency per image", text,
                            1e3 * m->total.latency_s, "ms");
        stn_cli_results_row(w, "area", text, 1e6 * stn_cost_area_m2(&m->total),
                            "mm2");
    }
}

static void write_json(const void *study_of, stn_json_writer *w)
{
    const study *s = study_of;
    stn_cli_results_begin(w, "crossbar-adc", s->arguments);
    put_adcs(s, w);
    put_ratios(s, w);
    put_tries(s, w);
    stn_cli_results_end(w);
}

static void print(const void *study_of)
{
    const study *s = study_of;
    print_adcs(s);
    if (s->n_tries)
        print_tries(s);
}

static int run(const stn_arguments *arguments)
{
    int64_t images = 0, threads = 0;
    stn_error err = {0};
    study s = {.arguments = arguments,
               .machine = stn_cli_text(arguments, "on")};
    if (!stn_cli_int(arguments, "images", 0, 1000000, &images) ||
        !stn_cli_int(arguments, "threads", 0, 4096, &threads))
        return STN_EXIT_USAGE;
    stn_status status = read_adcs(&s, &err);
    if (status != STN_OK)
        return stn_cli_fail(status, &err);
    if (!s.n_adcs) {
        stn_cli_error("machine %s has no converters", s.machine);
        return STN_EXIT_USAGE;
    }
    int code = STN_EXIT_OK;
    if (arguments->n_operands) {
        code = stn_cli_open(arguments, (uint32_t)images, &s.subject);
        if (code != STN_EXIT_OK)
            return code;
        choose_tries(&s);
        code = run_tries(&s, (int)threads);
    }
    if (code == STN_EXIT_OK)
        code = stn_cli_results_show(
            &(stn_cli_study){arguments, &s, print, write_json});
    for (int i = 0; i < s.n_tries; i++)
        stn_simulation_destroy(s.tries[i].simulation);
    if (arguments->n_operands)
        stn_cli_close(&s.subject);
    return code;
}

const stn_command stn_cmd_adc = {
    .name = "adc",
    .operands = "[FILE.stn]",
    .min_operands = 0,
    .max_operands = 1,
    .summary = "Cost converters by resolution, and try a network on each",
    .details =
        "Without a network: energy, time, power, leakage and area of a "
        "converter at "
        "each resolution, and how many times less than at 8 bits. With one: "
        "pictures are executed on the machine's bits at each resolution, and "
        "accuracy, energy, latency and area are set side by side.\n\nExample: "
        "setun adc model.stn --data mnist --bits 0 --bits 3 --bits '[3, 3, 3, "
        "1]'",
    .options = OPTIONS,
    .run = run,
};
