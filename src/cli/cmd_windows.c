/* SPDX-License-Identifier: MIT
 *
 * setun windows: a packed spiking network under split-time temporal coding,
 * window by window. */
#include "engine.h"
#include "results.h"
#include "setun/library.h"
#include "setun/windows.h"
#include <stdio.h>

#define MAX_WINDOWS STN_CLI_REPEATS

/* clang-format off */
static const stn_option OPTIONS[] = {
    {"data", 'd', false, "NAME|DIR", NULL,
     "data set (required); its test split is used"},
    {"images", 'n', false, "N", "0",
     "only the first N pictures; 0 for all"},
    {"count", 0, false, "N", "10",
     "pictures whose spikes and additions are counted, by the reference"},
    {"windows", 0, false, "A-B", "1-20",
     "windows to try, in time steps; at most those the network has"},
    {"on", 0, false, "MACHINE", NULL,
     "machine whose energy and latency are counted, window by window"},
    {"machine-images", 0, false, "N", "2", "pictures executed on it"},
    STN_CLI_CPU,
    STN_CLI_WIDTH,
    STN_CLI_THREADS,
    STN_CLI_TABLE_FILE,
    STN_CLI_JSON,
    {0},
};
/* clang-format on */

typedef struct study {
    const stn_arguments *arguments;
    stn_cli_subject subject;
    stn_machine *machine; /* or NULL */
    int first, last;      /* windows */
    stn_window *windows;
    int n;
} study;

/* "A-B", or "A" alone. */
static bool read_range(study *s)
{
    const char *text = stn_cli_text(s->arguments, "windows");
    char behind;
    int n = sscanf(text, "%d-%d%c", &s->first, &s->last, &behind);
    if (n == 1)
        s->last = s->first;
    if (n >= 1 && n <= 2 && s->first >= 1 && s->last >= s->first &&
        s->last <= 255)
        return true;
    stn_cli_error("--windows: got '%s', expected A-B with 1 <= A <= B <= 255",
                  text);
    return false;
}

static int run_windows(study *s, const stn_window_options *options)
{
    stn_error err = {0};
    int steps = stn_program_longest_time(s->subject.program);
    for (int w = s->first; w <= s->last && (w <= steps || w == s->first); w++) {
        stn_status status =
            stn_window_run(s->subject.program, w, s->subject.pictures, options,
                           &s->windows[s->n], &err);
        if (status != STN_OK)
            return stn_cli_fail(status, &err);
        s->n++;
    }
    return STN_EXIT_OK;
}

static void print_text(const void *study_of)
{
    const study *s = study_of;
    uint32_t wrong = 0;
    printf("%s, %u pictures\n\n", s->subject.program->name,
           s->subject.pictures->n);
    stn_table_begin(s->machine ? "rrrrrrr" : "rrrrr", "window", "accuracy",
                    "spikes read", "weights added", "sums over time",
                    s->machine ? "energy" : NULL, "latency", NULL);
    for (int i = 0; i < s->n; i++) {
        const stn_window *w = &s->windows[i];
        stn_table_cell("%d", w->window);
        stn_table_cell("%s", stn_cli_percent(w->accuracy, 2));
        stn_table_cell("%s", stn_cli_count(w->spikes));
        stn_table_cell("%s", stn_cli_count(w->weight_additions));
        stn_table_cell("%s", stn_cli_count(w->sum_additions));
        if (!s->machine)
            continue;
        stn_table_cell("%s", stn_cli_si(w->energy_j, "J"));
        stn_table_cell("%s", stn_cli_si(w->latency_s, "s"));
        wrong += w->n_mismatches;
    }
    stn_table_end();
    if (s->machine)
        printf("\n%s, %u pictures a window, %u differ from the reference\n",
               stn_machine_title(s->machine), s->windows[0].n_executed, wrong);
}

static void write_json(const void *study_of, stn_json_writer *w)
{
    const study *s = study_of;
    const char *data =
        s->subject.dataset ? stn_dataset_name(s->subject.dataset) : "";
    stn_cli_results_begin(w, "stt-snn", s->arguments);
    for (int i = 0; i < s->n; i++) {
        const stn_window *x = &s->windows[i];
        char text[320];
        snprintf(text, sizeof text, "%s, %s, window of %d",
                 s->subject.program->name, data, x->window);
        stn_cli_results_row(w, "split-time accuracy", text, 100 * x->accuracy,
                            "%");
        stn_cli_results_row(w, "spikes per image", text, x->spikes, "spikes");
        stn_cli_results_row(w, "additions per image", text,
                            x->weight_additions + x->sum_additions,
                            "additions");
        if (!s->machine)
            continue;
        snprintf(text, sizeof text, "%s, %s, window of %d, %s",
                 s->subject.program->name, data, x->window,
                 stn_machine_name(s->machine));
        stn_cli_results_row(w, "energy per image", text, 1e6 * x->energy_j,
                            "uJ");
        stn_cli_results_row(w, "latency per image", text, 1e3 * x->latency_s,
                            "ms");
    }
    stn_cli_results_end(w);
}

static int study_windows(study *s, stn_window_options *options)
{
    const char *machine = stn_cli_text(s->arguments, "on");
    stn_error err = {0};
    stn_status status =
        machine ? stn_machine_load(machine, NULL, 0, &s->machine, &err)
                : STN_OK;
    options->machine = s->machine;
    int code =
        status == STN_OK ? run_windows(s, options) : stn_cli_fail(status, &err);
    if (code == STN_EXIT_OK)
        code = stn_cli_results_show(
            &(stn_cli_study){s->arguments, s, print_text, write_json});
    stn_machine_destroy(s->machine);
    return code;
}

static int run(const stn_arguments *arguments)
{
    int64_t images = 0, count = 0, executed = 0;
    stn_window windows[255];
    stn_window_options options = {0};
    study s = {.arguments = arguments, .windows = windows};
    if (!stn_cli_int(arguments, "images", 0, UINT32_MAX - 1, &images) ||
        !stn_cli_int(arguments, "count", 0, 1000000, &count) ||
        !stn_cli_int(arguments, "machine-images", 1, 1000000, &executed) ||
        !stn_cli_engine_options(arguments, &options.engine) || !read_range(&s))
        return STN_EXIT_USAGE;
    options.n_counted = (uint32_t)count;
    options.n_executed = (uint32_t)executed;
    int code = stn_cli_open(arguments, (uint32_t)images, &s.subject);
    if (code != STN_EXIT_OK)
        return code;
    code = study_windows(&s, &options);
    stn_cli_close(&s.subject);
    return code;
}

const stn_command stn_cmd_windows = {
    .name = "windows",
    .operands = "FILE.stn",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Try split-time coding of a spiking network, by window",
    .details =
        "Each neuron of a packed spiking network fires at most once a window; "
        "the time of the spike says how often it would have. Window 1 is the "
        "network as it is. Spikes and additions are those of one picture, "
        "counted where layers with weights read spikes. With --on each window "
        "is executed on a machine, compared with the reference and "
        "costed.\n\nExample: setun windows snn.stn --data mnist --on stt-snn",
    .options = OPTIONS,
    .run = run,
};
