/* SPDX-License-Identifier: MIT
 *
 * setun eval: accuracy and speed of a .stn file on a data set. */
#include "cli.h"
#include "engine.h"
#include "setun/evaluate.h"
#include <stdio.h>

/* clang-format off */
static const stn_option OPTIONS[] = {
    {"data", 'd', false, "NAME|DIR", NULL,
     "data set (required); its test split is used"},
    {"images", 'n', false, "N", "0",
     "only the first N pictures; 0 for all"},
    {"cpu", 0, false, "LEVEL", NULL,
     "kernel level: ref, avx2, avx512; default the best"},
    STN_CLI_WIDTH,
    {"threads", 't', false, "N", "0",
     "threads, 0 for all CPUs"},
    {"json", 0, false, NULL, NULL,
     "print as JSON"},
    {0},
};
/* clang-format on */

static int print(const stn_arguments *arguments, const stn_program *program,
                 const stn_dataset *dataset, const stn_engine_options *o,
                 const stn_evaluation *e)
{
    if (!stn_cli_switch(arguments, "json")) {
        printf("%s on %s: %s of %u pictures right (%u), %.0f images/s "
               "(%s, %s)\n",
               program->name, stn_dataset_name(dataset),
               stn_cli_percent(e->accuracy, 2), e->n, e->n_correct,
               e->images_per_s, stn_cpu_level_name(o->level),
               stn_cli_threads(o->threads));
        return STN_EXIT_OK;
    }
    stn_json_writer w = {.indent = 2};
    stn_json_begin_object(&w, NULL);
    stn_json_string(&w, "program", program->name);
    stn_json_string(&w, "data", stn_dataset_name(dataset));
    stn_json_int(&w, "images", e->n);
    stn_json_int(&w, "correct", e->n_correct);
    stn_json_number(&w, "accuracy", e->accuracy);
    stn_json_number(&w, "seconds", e->seconds);
    stn_json_number(&w, "images_per_s", e->images_per_s);
    stn_json_string(&w, "cpu", stn_cpu_level_name(o->level));
    stn_json_int(&w, "threads", o->threads);
    stn_json_end_object(&w);
    return stn_cli_json(&w);
}

static int run(const stn_arguments *arguments)
{
    int64_t images = 0;
    stn_engine_options o;
    if (!stn_cli_engine_options(arguments, &o) ||
        !stn_cli_int(arguments, "images", 0, UINT32_MAX, &images))
        return STN_EXIT_USAGE;
    stn_cli_subject s;
    int code = stn_cli_open(arguments, (uint32_t)images, &s);
    if (code != STN_EXIT_OK)
        return code;
    stn_error err = {0};
    stn_evaluation e;
    stn_status status = stn_evaluate(s.program, s.pictures, &o, &e, &err);
    code = status == STN_OK ? print(arguments, s.program, s.dataset, &o, &e)
                            : stn_cli_fail(status, &err);
    stn_cli_close(&s);
    return code;
}

const stn_command stn_cmd_eval = {
    .name = "eval",
    .operands = "FILE.stn",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Measure accuracy and speed of a packed network on a data set",
    .details = "Runs the engine on the test pictures. Speed is that of the "
               "engine alone, without reading files.\n\nExample: setun eval "
               "model.stn --data fashion-mnist --cpu avx2 --threads 1",
    .options = OPTIONS,
    .run = run,
};
