/* SPDX-License-Identifier: MIT
 *
 * setun train: a recipe becomes a run folder. */
#include "cli.h"
#include "setun/train.h"
#include <stdio.h>

/* clang-format off */
static const stn_option OPTIONS[] = {
    {"variant", 0, false, "NAME", NULL,
     "variant of the recipe; default its first"},
    {"data", 'd', false, "NAME|DIR", NULL,
     "data set; default the recipe's"},
    {"out", 'o', false, "DIR", NULL,
     "run folder; default runs/ID-VARIANT-DATA-seedN"},
    {"start", 0, false, "RUN", NULL,
     "begin from the latent weights of this run"},
    {"budget", 'b', false, "NAME", "quick",
     "how long to train: demo, quick or full"},
    {"seed", 's', false, "N", "1",
     "seed of weights, order and augmentation"},
    {"threads", 't', false, "N", "0",
     "threads, 0 for all CPUs; the result does not depend on it"},
    {"set", 0, true, "PATH=VALUE", NULL,
     "lay a value over the recipe, e.g. epochs=10"},
    {"resume", 'r', false, NULL, NULL,
     "go on from the run folder's checkpoint"},
    {"json", 0, false, NULL, NULL,
     "print the result as JSON"},
    {0},
};
/* clang-format on */

static void print_text(const stn_train_result *r)
{
    printf("run              %s\n", r->out);
    printf("test accuracy    %s\n", stn_cli_percent(r->test_accuracy, 2));
    if (r->validation_accuracy == r->validation_accuracy)
        printf("validation       %s\n",
               stn_cli_percent(r->validation_accuracy, 2));
    printf("training loss    %.4f\n", r->train_loss);
    for (int i = 0; i + 1 < r->n_widths; i++)
        printf("  at width %-5g %s\n", r->widths[i],
               stn_cli_percent(r->width_accuracy[i], 2));
    if (r->group_density == r->group_density)
        printf("group density    %.4f\ncompression      %.2f x\n",
               r->group_density, r->compression);
    printf("time             %s for %d epochs, %.0f images/s\n",
           stn_cli_duration(r->seconds), r->epochs, r->images_per_s);
}

static int print_json(const stn_train_result *r)
{
    stn_json_writer w = {.indent = 2};
    stn_json_begin_object(&w, NULL);
    stn_json_string(&w, "run", r->out);
    stn_json_number(&w, "test_accuracy", r->test_accuracy);
    stn_json_number(&w, "validation_accuracy", r->validation_accuracy);
    stn_json_number(&w, "train_loss", r->train_loss);
    stn_json_number(&w, "group_density", r->group_density);
    stn_json_number(&w, "compression", r->compression);
    stn_json_number(&w, "seconds", r->seconds);
    stn_json_number(&w, "images_per_s", r->images_per_s);
    stn_json_int(&w, "epochs", r->epochs);
    if (r->n_widths)
        stn_json_begin_array(&w, "widths");
    for (int i = 0; i < r->n_widths; i++) {
        stn_json_begin_object(&w, NULL);
        stn_json_number(&w, "width", r->widths[i]);
        stn_json_number(&w, "test_accuracy", r->width_accuracy[i]);
        stn_json_end_object(&w);
    }
    if (r->n_widths)
        stn_json_end_array(&w);
    stn_json_end_object(&w);
    return stn_cli_json(&w);
}

static int run(const stn_arguments *arguments)
{
    int64_t seed = 0, threads = 0;
    if (!stn_cli_int(arguments, "seed", 0, INT64_MAX, &seed) ||
        !stn_cli_int(arguments, "threads", 0, 4096, &threads))
        return STN_EXIT_USAGE;
    stn_train_options o = stn_train_defaults();
    o.recipe = arguments->operands[0];
    o.variant = stn_cli_text(arguments, "variant");
    o.data = stn_cli_text(arguments, "data");
    o.out = stn_cli_text(arguments, "out");
    o.start = stn_cli_text(arguments, "start");
    o.budget = stn_cli_text(arguments, "budget");
    o.set = stn_cli_list(arguments, "set", &o.n_set);
    o.seed = (uint64_t)seed;
    o.threads = (int)threads;
    o.resume = stn_cli_switch(arguments, "resume");
    o.progress = stn_cli_progress;
    o.stop = stn_cli_stop_flag();

    stn_train_result result;
    stn_error err = {0};
    stn_status status = stn_train(&o, &result, &err);
    if (status != STN_OK) {
        int code = stn_cli_fail(status, &err);
        if (status == STN_E_INTERRUPTED)
            stn_cli_say(NULL, "to go on: the same command with --resume");
        return code;
    }
    if (stn_cli_switch(arguments, "json"))
        return print_json(&result);
    print_text(&result);
    return STN_EXIT_OK;
}

const stn_command stn_cmd_train = {
    .name = "train",
    .operands = "RECIPE|ID",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Train a network by a recipe, into a run folder",
    .details =
        "RECIPE is a YAML file; ID names one of 'setun list recipes'. The run "
        "folder holds the resolved recipe, a log with one record an epoch, "
        "the checkpoint and the final result.\n\nInterrupted or killed at any "
        "moment, a run goes on with --resume and ends with the same bytes in "
        "its checkpoint as one that was never stopped. A recipe that starts "
        "from "
        "the weights of another run trains that one first, unless it is "
        "finished or --start names one.\n\nExample: setun "
        "train bdnet --variant wpc --data fashion-mnist",
    .options = OPTIONS,
    .run = run,
};
