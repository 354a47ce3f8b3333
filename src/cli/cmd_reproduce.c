/* SPDX-License-Identifier: MIT
 *
 * setun reproduce: a system of the literature, from data to the table that
 * sets the paper beside ours. */
#include "cli.h"
#include "results.h"
#include "setun/reproduce.h"
#include <math.h>
#include <stdio.h>

/* clang-format off */
static const stn_option OPTIONS[] = {
    {"budget", 'b', false, "NAME", "quick",
     "how long to train: demo, quick or full"},
    {"data", 'd', false, "NAME,...", NULL,
     "only these data sets of the recipe"},
    {"variants", 0, false, "NAME,...", NULL,
     "only these variants of the recipe"},
    {"on", 0, false, "MACHINE", NULL,
     "machine; default the recipe's"},
    {"out", 'o', false, "DIR", NULL,
     "folder of the runs; default runs/ID-BUDGET-seedN"},
    {"results", 0, false, "FILE", NULL,
     "results, merged by network and data set; default results/ID.json"},
    {"seed", 's', false, "N", "1",
     "seed of weights, order and augmentation"},
    {"seeds", 0, false, "N", "1",
     "train with N seeds from --seed on; accuracy is their mean"},
    {"threads", 't', false, "N", "0",
     "threads, 0 for all CPUs; the result does not depend on it"},
    {"images", 'n', false, "N", "64",
     "pictures that executors are compared on"},
    {"machine-images", 0, false, "N", "2",
     "pictures executed on the machine"},
    {"json", 0, false, NULL, NULL,
     "print the rows as JSON instead of tables"},
    {0},
};
/* clang-format on */

static void print_comparison(const stn_reproduction *r)
{
    printf("\n");
    stn_table_begin("llrrrrrrrrr", "variant", "data", "accuracy",
                    "weight bytes", "add/sub", "multiply", "groups live",
                    "energy", "latency", "area", "images/s", NULL);
    for (int i = 0; i < r->n_variants; i++) {
        const stn_variant_summary *v = &r->variants[i];
        stn_table_cell("%s", *v->title ? v->title : v->variant);
        stn_table_cell("%s", v->data);
        stn_table_cell("%s", stn_cli_percent(v->accuracy, 2));
        stn_table_cell("%.0f", v->weight_bytes);
        stn_table_cell("%s", stn_cli_count(v->add_subtract));
        stn_table_cell("%s", stn_cli_count(v->multiply));
        stn_table_cell("%s", stn_cli_percent(v->group_density, 1));
        stn_table_cell("%s", stn_cli_si(v->energy_j, "J"));
        stn_table_cell("%s", stn_cli_si(v->latency_s, "s"));
        stn_table_cell("%s", stn_cli_si(v->area_m2, "m2"));
        stn_table_cell("%.0f", v->images_per_s);
    }
    stn_table_end();
}

static void print_published(const stn_reproduction *r)
{
    int n = 0;
    for (int i = 0; i < r->n_rows; i++)
        n += !isnan(r->rows[i].published);
    if (!n)
        return;
    printf("\nPublished beside ours\n\n");
    stn_table_begin("llrrll", "quantity", "conditions", "published", "ours",
                    "unit", "confidence", NULL);
    for (int i = 0; i < r->n_rows; i++) {
        const stn_result_row *row = &r->rows[i];
        if (isnan(row->published))
            continue;
        stn_table_cell("%s", row->quantity);
        stn_table_cell("%s", row->conditions);
        stn_table_cell("%.6g", row->published);
        stn_table_cell("%.5g", row->ours);
        stn_table_cell("%s", row->unit);
        stn_table_cell("%s", row->published_confidence);
    }
    stn_table_end();
}

static int print_json(const stn_reproduction *r)
{
    stn_json_writer w = {.indent = 2};
    stn_json_begin_object(&w, NULL);
    stn_json_string(&w, "out", r->out);
    stn_json_string(&w, "results", r->results);
    stn_json_string(&w, "report", r->report);
    stn_json_int(&w, "skipped", r->n_skipped);
    stn_json_begin_array(&w, "rows");
    for (int i = 0; i < r->n_rows; i++) {
        const stn_result_row *row = &r->rows[i];
        stn_json_begin_object(&w, NULL);
        stn_json_string(&w, "quantity", row->quantity);
        stn_json_string(&w, "conditions", row->conditions);
        stn_json_number(&w, "published", row->published);
        stn_json_number(&w, "ours", row->ours);
        stn_json_string(&w, "unit", row->unit);
        stn_json_string(&w, "note", row->note);
        stn_json_end_object(&w);
    }
    stn_json_end_array(&w);
    stn_json_end_object(&w);
    return stn_cli_json(&w);
}

/* Options that say where things lie; figures do not depend on them. */
static const char *const PLACES[] = {"out", "results", NULL};

static bool fill(const stn_arguments *arguments, stn_reproduce_options *o)
{
    int64_t seed = 0, n_seeds = 1, threads = 0, images = 0, machine_images = 0;
    if (!stn_cli_int(arguments, "seed", 0, INT64_MAX, &seed) ||
        !stn_cli_int(arguments, "seeds", 1, STN_SEEDS_MAX, &n_seeds) ||
        !stn_cli_int(arguments, "threads", 0, 4096, &threads) ||
        !stn_cli_int(arguments, "images", 1, 1000000, &images) ||
        !stn_cli_int(arguments, "machine-images", 1, 1000000, &machine_images))
        return false;
    o->id = arguments->operands[0];
    o->budget = stn_cli_text(arguments, "budget");
    o->data = stn_cli_text(arguments, "data");
    o->variants = stn_cli_text(arguments, "variants");
    o->machine = stn_cli_text(arguments, "on");
    o->out = stn_cli_text(arguments, "out");
    o->results = stn_cli_text(arguments, "results");
    o->seed = (uint64_t)seed;
    o->n_seeds = (int)n_seeds;
    o->threads = (int)threads;
    o->verify_images = (int)images;
    o->simulate_images = (int)machine_images;
    o->progress = stn_cli_progress;
    o->say = stn_cli_say;
    o->stop = stn_cli_stop_flag();
    return true;
}

static int run(const stn_arguments *arguments)
{
    stn_reproduce_options o = stn_reproduce_defaults();
    if (!fill(arguments, &o))
        return STN_EXIT_USAGE;
    char command[1024];
    stn_cli_command_text(arguments, PLACES, command, sizeof command);
    o.command = command;
    stn_error err = {0};
    stn_reproduction *r = NULL;
    stn_status status = stn_reproduce(&o, &r, &err);
    if (status != STN_OK) {
        int code = stn_cli_fail(status, &err);
        if (status == STN_E_INTERRUPTED)
            stn_cli_say(NULL, "to go on: the same command again");
        return code;
    }
    int code = STN_EXIT_OK;
    if (stn_cli_switch(arguments, "json")) {
        code = print_json(r);
    } else {
        print_published(r);
        print_comparison(r);
        printf("\nresults  %s\nreport   %s\n", r->results, r->report);
        if (r->n_skipped)
            printf("%d data set%s not found and skipped, see above\n",
                   r->n_skipped, r->n_skipped == 1 ? " was" : "s were");
    }
    stn_reproduction_destroy(r);
    return code;
}

const stn_command stn_cmd_reproduce = {
    .name = "reproduce",
    .operands = "ID",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Run a system of the literature end to end, paper beside ours",
    .details =
        "Trains every variant on every data set that the recipe names, packs, "
        "verifies, evaluates and costs them, and writes the results file and "
        "an HTML report. Finished runs are not trained again and interrupted "
        "ones go on, so the same command can be repeated; a run of another "
        "recipe in a folder beside that differs by names alone, such as a "
        "float twin, is used and said. A data set that is not here is skipped "
        "and said. Rows of other networks and data sets stay in the results "
        "file, with the "
        "command that they are from.\n\nExample: setun reproduce bdnet "
        "--budget full",
    .options = OPTIONS,
    .run = run,
};
