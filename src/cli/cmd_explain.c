/* SPDX-License-Identifier: MIT
 *
 * setun explain: why a figure of a simulation is what it is. */
#include "engine.h"
#include "explanation.h"

/* clang-format off */
static const stn_option OPTIONS[] = {
    {"on", 0, false, "MACHINE", "bdnet-sot",
     "machine of 'setun list machines', or a YAML file"},
    {"data", 'd', false, "NAME|DIR", NULL,
     "count on executed pictures of this data set"},
    {"images", 'n', false, "N", "1",
     "pictures to execute, with --data"},
    STN_CLI_MACHINE_SET,
    {"depth", 0, false, "N", "20",
     "how far down to go"},
    STN_CLI_OUTLINE,
    STN_CLI_WIDTH,
    STN_CLI_BITS,
    STN_CLI_THREADS,
    STN_CLI_JSON,
    {0},
};
/* clang-format on */

static int explain(const stn_arguments *arguments, const stn_cli_subject *s,
                   int threads, int depth)
{
    stn_error err = {0};
    stn_machine *machine = NULL;
    stn_simulation *simulation = NULL;
    stn_explanation *explanation = NULL;
    int n_set = 0;
    const char *const *set = stn_cli_list(arguments, "set", &n_set);
    stn_simulate_options o = {.threads = threads};
    if (s->pictures) {
        o.pixels = s->pictures->pixels;
        o.n_pictures = (int)s->pictures->n;
    }
    stn_status status = stn_machine_load(stn_cli_text(arguments, "on"), set,
                                         n_set, &machine, &err);
    if (status == STN_OK)
        status = stn_simulate(machine, s->program, &o, &simulation, &err);
    if (status == STN_OK)
        status = stn_explain(machine, s->program, simulation,
                             arguments->operands[1], &explanation, &err);
    int code = status == STN_OK
                   ? stn_cli_explanation(
                         arguments, stn_explanation_root(explanation), depth)
                   : stn_cli_fail(status, &err);
    stn_explanation_destroy(explanation);
    stn_simulation_destroy(simulation);
    stn_machine_destroy(machine);
    return code;
}

static int run(const stn_arguments *arguments)
{
    int64_t images = 0, threads = 0, depth = 0;
    if (!stn_cli_int(arguments, "images", 1, 1000000, &images) ||
        !stn_cli_int(arguments, "threads", 0, 4096, &threads) ||
        !stn_cli_int(arguments, "depth", 0, 20, &depth))
        return STN_EXIT_USAGE;
    bool execute = stn_cli_text(arguments, "data") != NULL;
    stn_cli_subject s;
    int code = stn_cli_open_any(arguments,
                                execute ? (uint32_t)images : UINT32_MAX, &s);
    if (code != STN_EXIT_OK)
        return code;
    code = explain(arguments, &s, (int)threads, (int)depth);
    stn_cli_close(&s);
    return code;
}

const stn_command stn_cmd_explain = {
    .name = "explain",
    .operands = "FILE.stn|NETWORK KEY",
    .min_operands = 2,
    .max_operands = 2,
    .summary = "Say why a figure of a simulation is what it is",
    .details =
        "KEY is energy, latency, area, energy.COMPONENT (such as energy.link), "
        "each also of a layer (conv1.energy); layers.energy; "
        "programming_energy, programming_latency; event.NAME.energy or "
        ".latency; or a figure that 'setun simulate --figures' lists. Printed "
        "is the tree from there down: formulas, counts of events, and the "
        "figures of files, with unit, source and confidence. Parts of a "
        "modelled "
        "sub-array are explained by 'setun array --explain'.\n\nExamples: "
        "setun explain model.stn energy --on imce --depth 2; setun explain "
        "resnet18 layer1.0.conv1.latency",
    .options = OPTIONS,
    .run = run,
};
