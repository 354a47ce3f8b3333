/* SPDX-License-Identifier: MIT
 *
 * setun verify: every executor on the same pictures, bit against bit. */
#include "engine.h"
#include "setun/library.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
static const stn_option OPTIONS[] = {
    {"data", 'd', false, "NAME|DIR", NULL,
     "data set (required); its test split is used"},
    {"images", 'n', false, "N", "64",
     "pictures for the reference and the engine; 0 for all"},
    {"on", 0, true, "MACHINE", "bdnet-sot",
     "machine to compare as well, 'none', or 'all' of 'setun list machines'"},
    {"machine-images", 0, false, "N", "4",
     "pictures for the machines, which are slower"},
    STN_CLI_WIDTH,
    STN_CLI_BITS,
    {"stochastic", 0, false, NULL, NULL,
     "also the stochastic executor beside its own definition"},
    {"threads", 't', false, "N", "0",
     "threads of reference and machines, 0 for all CPUs"},
    STN_CLI_JSON,
    {0},
};
/* clang-format on */

static void print_text(const stn_verification *v, int n)
{
    stn_table_begin("lrrr", "executor", "images", "mismatches", "time", NULL);
    for (int i = 0; i < n; i++) {
        stn_table_cell("%s", v[i].executor);
        stn_table_cell("%u", v[i].n);
        stn_table_cell("%u", v[i].n_mismatches);
        stn_table_cell("%s", stn_cli_si(v[i].seconds, "s"));
    }
    stn_table_end();
    for (int i = 0; i < n; i++)
        if (v[i].errs)
            printf("%s: errs at random, other logits than the reference for %u "
                   "of %u pictures, in %" PRIu64 " of %" PRIu64 " bits\n",
                   v[i].executor, v[i].n_inexact, v[i].n, v[i].n_bits_differ,
                   v[i].n_bits);
        else if (v[i].n_inexact)
            printf("%s: inexact as it is defined, other logits than the "
                   "reference for %u pictures\n",
                   v[i].executor, v[i].n_inexact);
    for (int i = 0; i < n; i++)
        if (v[i].n_mismatches)
            printf("%s: first difference in picture %u, logit %d: expected "
                   "%" PRId32 ", got %" PRId32 "\n",
                   v[i].executor, v[i].image, v[i].logit, v[i].expected,
                   v[i].got);
}

static int print_json(const stn_verification *v, int n)
{
    stn_json_writer w = {.indent = 2};
    stn_json_begin_array(&w, NULL);
    for (int i = 0; i < n; i++) {
        stn_json_begin_object(&w, NULL);
        stn_json_string(&w, "executor", v[i].executor);
        stn_json_int(&w, "images", v[i].n);
        stn_json_int(&w, "mismatches", v[i].n_mismatches);
        stn_json_int(&w, "inexact", v[i].n_inexact);
        if (v[i].errs) {
            stn_json_int(&w, "bits", (int64_t)v[i].n_bits);
            stn_json_int(&w, "bits_differ", (int64_t)v[i].n_bits_differ);
        }
        stn_json_number(&w, "seconds", v[i].seconds);
        if (v[i].n_mismatches) {
            stn_json_int(&w, "first_image", v[i].image);
            stn_json_int(&w, "first_logit", v[i].logit);
            stn_json_int(&w, "expected", v[i].expected);
            stn_json_int(&w, "got", v[i].got);
        }
        stn_json_end_object(&w);
    }
    stn_json_end_array(&w);
    return stn_cli_json(&w);
}

static int compare(const stn_arguments *arguments, const stn_cli_subject *s,
                   const stn_verify_options *o)
{
    stn_verification v[STN_VERIFY_MAX];
    int n = 0;
    stn_error err = {0};
    stn_status status = stn_verify(s->program, s->pictures, o, v, &n, &err);
    if (status != STN_OK)
        return stn_cli_fail(status, &err);
    int code = STN_EXIT_OK;
    if (stn_cli_switch(arguments, "json"))
        code = print_json(v, n);
    else
        print_text(v, n);
    for (int i = 0; i < n && code == STN_EXIT_OK; i++)
        if (v[i].n_mismatches)
            code = STN_EXIT_MISMATCH;
    return code;
}

/* Whether a program has room on a machine; says why not. */
static stn_status fits(const stn_program *program, const char *name, bool *out,
                       stn_error *err)
{
    stn_machine *machine = NULL;
    stn_simulation *simulation = NULL;
    stn_status status = stn_machine_load(name, NULL, 0, &machine, err);
    if (status != STN_OK)
        return status;
    status = stn_simulate(machine, program, &(stn_simulate_options){0},
                          &simulation, err);
    stn_simulation_destroy(simulation);
    stn_machine_destroy(machine);
    *out = status == STN_OK;
    if (status != STN_E_UNSUPPORTED)
        return status;
    fprintf(stderr, "left out: %s\n", err->text);
    return STN_OK;
}

/* Compares all machines that the program fits on. */
static int compare_all(const stn_arguments *arguments, const stn_cli_subject *s,
                       stn_verify_options *o)
{
    const char *names[STN_VERIFY_MAX];
    stn_library_entry *machines = NULL;
    size_t n = 0;
    stn_error err = {0};
    stn_status status =
        stn_library_list(STN_LIBRARY_MACHINES, &machines, &n, &err);
    o->machines = names;
    o->n_machines = 0;
    for (size_t i = 0; status == STN_OK && i < n && i < STN_VERIFY_MAX; i++) {
        bool fit = false;
        status = fits(s->program, machines[i].id, &fit, &err);
        if (fit)
            names[o->n_machines++] = machines[i].id;
    }
    int code = status == STN_OK ? compare(arguments, s, o)
                                : stn_cli_fail(status, &err);
    stn_library_free(machines);
    return code;
}

static int run(const stn_arguments *arguments)
{
    int64_t images = 0, machine_images = 0, threads = 0;
    if (!stn_cli_int(arguments, "images", 0, UINT32_MAX - 1, &images) ||
        !stn_cli_int(arguments, "machine-images", 1, UINT32_MAX - 1,
                     &machine_images) ||
        !stn_cli_int(arguments, "threads", 0, 4096, &threads))
        return STN_EXIT_USAGE;
    stn_verify_options o = {.machine_images = (uint32_t)machine_images,
                            .threads = (int)threads};
    if (stn_cli_switch(arguments, "stochastic")) {
        int64_t bits = 8;
        if (stn_cli_text(arguments, "bits") &&
            !stn_cli_int(arguments, "bits", 2, 8, &bits))
            return STN_EXIT_USAGE;
        o.stochastic_bits = (int)bits;
    }
    o.machines = stn_cli_list(arguments, "on", &o.n_machines);
    bool all = o.n_machines == 1 && !strcmp(o.machines[0], "all");
    if (o.n_machines == 1 && !strcmp(o.machines[0], "none"))
        o.n_machines = 0;
    stn_cli_subject s;
    int code = stn_cli_open(arguments, (uint32_t)images, &s);
    if (code == STN_EXIT_OK)
        code = stn_cli_narrow_subject(arguments, &s);
    if (code != STN_EXIT_OK)
        return code;
    code = all ? compare_all(arguments, &s, &o) : compare(arguments, &s, &o);
    stn_cli_close(&s);
    return code;
}

const stn_command stn_cmd_verify = {
    .name = "verify",
    .operands = "FILE.stn",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Compare every executor's bits on the same pictures",
    .details =
        "The reference interpreter is compared with the engine at every "
        "kernel level of this CPU with one and two threads, and with each "
        "machine given. A machine whose hardware is inexact, such as an ADC "
        "that saturates, is compared with its own definition instead; "
        "\"inexact\" then counts pictures whose logits are not the "
        "reference's. One that errs at random has no right result: in how "
        "many bits it differs is said instead. Exit code 3 when any logit of "
        "any picture differs."
        "\n\nExample: setun verify model.stn --data mnist --images 100",
    .options = OPTIONS,
    .run = run,
};
