/* SPDX-License-Identifier: MIT
 *
 * setun simulate: what a packed network costs on a machine, by prediction
 * or by executing pictures bit by bit. */
#include "engine.h"
#include "results.h"
#include "setun/report.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
static const stn_option OPTIONS[] = {
    {"on", 0, false, "MACHINE", "bdnet-sot",
     "machine of 'setun list machines', or a YAML file"},
    {"data", 'd', false, "NAME|DIR", NULL,
     "execute pictures of this data set"},
    {"images", 'n', false, "N", "1",
     "pictures to execute, with --data"},
    {"check", 0, false, "N", "0",
     "compare only the first N pictures with the reference, which takes as long as the machine; 0 for all"},
    STN_CLI_MACHINE_SET,
    STN_CLI_OUTLINE,
    {"ones", 0, false, "SHARE", "0.5",
     "for a prediction: share of ones among activations' bits"},
    STN_CLI_WIDTH,
    STN_CLI_BITS,
    STN_CLI_THREADS,
    {"histogram", 0, false, NULL, NULL,
     "with --data: also the column sums that a machine's ADCs converted"},
    {"figures", 0, false, NULL, NULL,
     "also list the figures, with unit, source, confidence"},
    {"html", 0, false, "FILE", NULL,
     "also write a report: charts of layers, components and events"},
    STN_CLI_JSON,
    {0},
};
/* clang-format on */

static void cost_cells(const char *name, const char *op, const stn_cost *cost,
                       uint64_t live, uint64_t groups)
{
    stn_table_cell("%s", name);
    stn_table_cell("%s", op);
    stn_table_cell("%s", stn_cli_si(stn_cost_energy_j(cost), "J"));
    stn_table_cell("%s", stn_cli_si(cost->latency_s, "s"));
    stn_table_cell("%s", stn_cli_si(stn_cost_area_m2(cost), "m2"));
    if (cost->active_sub_arrays == cost->sub_arrays)
        stn_table_cell("%llu", (unsigned long long)cost->sub_arrays);
    else
        stn_table_cell("%llu of %llu",
                       (unsigned long long)cost->active_sub_arrays,
                       (unsigned long long)cost->sub_arrays);
    stn_table_cell("%s", stn_cli_percent(cost->utilisation, 1));
    if (groups)
        stn_table_cell("%llu/%llu", (unsigned long long)live,
                       (unsigned long long)groups);
    else
        stn_table_cell("%s", "");
}

static void print_layers(const stn_simulation *s)
{
    stn_table_begin("llrrrrrr", "layer", "op", "energy", "latency", "area",
                    "sub-arrays", "utilisation", "live groups", NULL);
    for (int i = 0; i < s->n_layers; i++) {
        const stn_layer_cost *l = &s->layers[i];
        cost_cells(l->name, stn_opcode_name(l->opcode), &l->cost,
                   l->live_groups, l->groups);
    }
    cost_cells("total", "", &s->total, 0, 0);
    stn_table_end();
}

static void print_parts(const stn_cost *total)
{
    const double all_m2 = stn_cost_area_m2(total);
    printf("\n");
    stn_table_begin("lrrr", "part", "area", "share", "leakage", NULL);
    for (int k = 0; k < STN_PART_COUNT; k++) {
        const double m2 = total->area_m2[k];
        stn_table_cell("%s", stn_part_name((stn_part)k));
        stn_table_cell("%s", stn_cli_si(m2, "m2"));
        stn_table_cell("%s", stn_cli_percent(all_m2 > 0 ? m2 / all_m2 : 0, 1));
        stn_table_cell("%s", stn_cli_si(total->leakage_j[k], "J"));
    }
    stn_table_end();
}

static void print_breakdown(const stn_simulation *s)
{
    double total = stn_cost_energy_j(&s->total);
    printf("\n");
    stn_table_begin("lrr", "component", "energy", "share", NULL);
    for (int c = 0; c < STN_COMPONENT_COUNT; c++) {
        double energy = s->total.energy_j[c];
        stn_table_cell("%s", stn_component_name((stn_component)c));
        stn_table_cell("%s", stn_cli_si(energy, "J"));
        stn_table_cell("%s",
                       stn_cli_percent(total > 0 ? energy / total : 0, 1));
    }
    stn_table_end();
    print_parts(&s->total);
    printf("\n");
    stn_table_begin("lrlr", "event", "count", "unit", "energy", NULL);
    for (int i = 0; i < s->n_events; i++) {
        const stn_event_count *e = &s->events[i];
        stn_table_cell("%s", e->name);
        stn_table_cell("%s", stn_cli_count(e->count));
        stn_table_cell("%s", e->unit);
        stn_table_cell("%s", stn_cli_si(e->energy_j, "J"));
    }
    stn_table_end();
}

static void print_check(const stn_simulation *s)
{
    printf("bits: %d of %d pictures differ from the reference", s->n_inexact,
           s->n_checked);
    if (s->errs)
        printf(", in %llu of %llu bits, as the machine errs at random",
               (unsigned long long)s->n_bits_differ,
               (unsigned long long)s->n_bits);
    else if (s->n_inexact != s->n_mismatches)
        printf(", %d from this machine's definition", s->n_mismatches);
    printf("; counted events %s the prediction\nright: %d of %d pictures\n",
           s->predicted_equals_counted ? "equal" : "DIFFER from", s->n_correct,
           s->n_pictures);
    if (s->n_kept_bits)
        printf("weights: %llu of %llu bits have flipped since they were "
               "loaded\n",
               (unsigned long long)s->n_flipped_bits,
               (unsigned long long)s->n_kept_bits);
}

/* The smallest sum that at least `share` of the conversions do not exceed. */
static size_t quantile(const stn_histogram *h, double share)
{
    uint64_t below = 0;
    for (size_t k = 0; k < h->n; k++) {
        below += h->counts[k];
        if ((double)below >= share * (double)h->total)
            return k;
    }
    return h->n - 1;
}

static int bits_of(size_t sum)
{
    int bits = 0;
    while (sum >> bits)
        bits++;
    return bits ? bits : 1;
}

static void print_histograms(const stn_simulation *s)
{
    printf("\n");
    stn_table_begin("lrrrrrrrr", "column sums", "slice", "conversions", "zero",
                    "median", "99.9 %", "largest", "bits for it",
                    "above the ADC", NULL);
    for (int i = 0; i < s->n_histograms; i++) {
        const stn_histogram *h = &s->histograms[i];
        double total = h->total ? (double)h->total : 1.0, above = 0.0;
        for (size_t k = (size_t)1 << h->bits; k < h->n; k++)
            above += (double)h->counts[k];
        stn_table_cell("%s", h->layer);
        stn_table_cell("%d", h->slice);
        stn_table_cell("%s", stn_cli_count((double)h->total));
        stn_table_cell("%s", stn_cli_percent((double)h->counts[0] / total, 1));
        stn_table_cell("%zu", quantile(h, 0.5));
        stn_table_cell("%zu", quantile(h, 0.999));
        stn_table_cell("%zu", h->n - 1);
        stn_table_cell("%d", bits_of(h->n - 1));
        stn_table_cell("%s of %d", stn_cli_percent(above / total, 2), h->bits);
    }
    stn_table_end();
}

static void put_histograms(stn_json_writer *w, const stn_simulation *s)
{
    stn_json_begin_array(w, "histograms");
    for (int i = 0; i < s->n_histograms; i++) {
        const stn_histogram *h = &s->histograms[i];
        stn_json_begin_object(w, NULL);
        stn_json_string(w, "layer", h->layer);
        stn_json_int(w, "slice", h->slice);
        stn_json_int(w, "adc_bits", h->bits);
        stn_json_begin_array(w, "counts");
        for (size_t k = 0; k < h->n; k++)
            stn_json_int(w, NULL, (int64_t)h->counts[k]);
        stn_json_end_array(w);
        stn_json_end_object(w);
    }
    stn_json_end_array(w);
}

/* Layers whose weights lie several times, or are written every picture. */
static void print_mapping(const stn_simulation *s)
{
    int streamed = 0, passes = 0;
    uint64_t rows = 0, most = 1;
    for (int i = 0; i < s->n_layers; i++) {
        const stn_layer_cost *l = &s->layers[i];
        streamed += l->streamed_rows > 0;
        passes += l->passes > 1;
        rows += l->streamed_rows;
        most = l->replicas > most ? l->replicas : most;
    }
    if (most > 1)
        printf("\nweights lie up to %llu times\n", (unsigned long long)most);
    if (streamed)
        printf("\nthe chip is too small: weights of %d layer%s, %llu rows, are "
               "written every picture\n",
               streamed, streamed == 1 ? "" : "s", (unsigned long long)rows);
    if (passes)
        printf("\n%d layer%s than one pass over the input\n", passes,
               passes == 1 ? " needs more" : "s need more");
}

static void print_text(const stn_machine *machine, const stn_simulation *s)
{
    printf("%s on %s, one picture, ", s->program, stn_machine_title(machine));
    if (s->n_pictures)
        printf("counted over %d executed picture%s in %s\n\n", s->n_pictures,
               s->n_pictures == 1 ? "" : "s", stn_cli_si(s->seconds, "s"));
    else
        printf("predicted in %s\n\n", stn_cli_si(s->seconds, "s"));
    print_layers(s);
    print_breakdown(s);
    if (s->n_histograms)
        print_histograms(s);
    print_mapping(s);
    printf("\nloading the weights once: %s, %s\n",
           stn_cli_si(s->programming_energy_j, "J"),
           stn_cli_si(s->programming_latency_s, "s"));
    if (s->lifetime > 0.0)
        printf("wear: %s row writes a picture in one sub-array; a cell lasts "
               "%s pictures if all hit one row, %s if they are spread\n",
               stn_cli_count(s->writes), stn_cli_count(s->lifetime),
               stn_cli_count(s->lifetime * s->rows));
    if (s->n_pictures)
        print_check(s);
}

static void print_figures(const stn_machine *machine)
{
    const stn_figure *figures = NULL;
    size_t n = stn_machine_figures(machine, &figures);
    printf("\n");
    stn_table_begin("lrlll", "figure", "value", "unit", "confidence", "source",
                    NULL);
    for (size_t i = 0; i < n; i++) {
        stn_table_cell("%s", figures[i].key);
        stn_table_cell("%.6g", figures[i].value);
        stn_table_cell("%s", figures[i].unit);
        stn_table_cell("%s", figures[i].confidence);
        stn_table_cell("%s", figures[i].source);
    }
    stn_table_end();
}

static void put_parts(stn_json_writer *w, const char *key,
                      const double part[STN_PART_COUNT])
{
    stn_json_begin_object(w, key);
    for (int k = 0; k < STN_PART_COUNT; k++)
        stn_json_number(w, stn_part_name((stn_part)k), part[k]);
    stn_json_end_object(w);
}

static void put_cost(stn_json_writer *w, const stn_cost *cost)
{
    stn_json_number(w, "energy_j", stn_cost_energy_j(cost));
    stn_json_begin_object(w, "energy_by_component_j");
    for (int c = 0; c < STN_COMPONENT_COUNT; c++)
        stn_json_number(w, stn_component_name((stn_component)c),
                        cost->energy_j[c]);
    stn_json_end_object(w);
    stn_json_number(w, "latency_s", cost->latency_s);
    put_parts(w, "leakage_by_part_j", cost->leakage_j);
    stn_json_number(w, "area_m2", stn_cost_area_m2(cost));
    put_parts(w, "area_by_part_m2", cost->area_m2);
    stn_json_int(w, "sub_arrays", (int64_t)cost->sub_arrays);
    stn_json_int(w, "active_sub_arrays", (int64_t)cost->active_sub_arrays);
    stn_json_number(w, "utilisation", cost->utilisation);
}

static int print_json(const stn_machine *machine, const stn_simulation *s)
{
    stn_json_writer w = {.indent = 2};
    stn_json_begin_object(&w, NULL);
    stn_json_string(&w, "program", s->program);
    stn_json_string(&w, "machine", s->machine);
    stn_json_begin_object(&w, "total");
    put_cost(&w, &s->total);
    stn_json_end_object(&w);
    stn_json_number(&w, "programming_energy_j", s->programming_energy_j);
    stn_json_number(&w, "programming_latency_s", s->programming_latency_s);
    stn_json_number(&w, "writes_per_picture", s->writes);
    stn_json_number(&w, "lifetime_pictures", s->lifetime);
    stn_json_begin_array(&w, "layers");
    for (int i = 0; i < s->n_layers; i++) {
        const stn_layer_cost *l = &s->layers[i];
        stn_json_begin_object(&w, NULL);
        stn_json_string(&w, "name", l->name);
        stn_json_string(&w, "op", stn_opcode_name(l->opcode));
        put_cost(&w, &l->cost);
        stn_json_int(&w, "groups", (int64_t)l->groups);
        stn_json_int(&w, "live_groups", (int64_t)l->live_groups);
        stn_json_int(&w, "replicas", (int64_t)l->replicas);
        stn_json_int(&w, "streamed_rows", (int64_t)l->streamed_rows);
        stn_json_int(&w, "passes", (int64_t)l->passes);
        stn_json_end_object(&w);
    }
    stn_json_end_array(&w);
    stn_json_begin_array(&w, "events");
    for (int i = 0; i < s->n_events; i++) {
        stn_json_begin_object(&w, NULL);
        stn_json_string(&w, "name", s->events[i].name);
        stn_json_string(&w, "unit", s->events[i].unit);
        stn_json_number(&w, "count", s->events[i].count);
        stn_json_number(&w, "energy_j", s->events[i].energy_j);
        stn_json_end_object(&w);
    }
    stn_json_end_array(&w);
    const stn_figure *figures = NULL;
    size_t n = stn_machine_figures(machine, &figures);
    stn_json_begin_array(&w, "figures");
    for (size_t i = 0; i < n; i++) {
        stn_json_begin_object(&w, NULL);
        stn_json_string(&w, "key", figures[i].key);
        stn_json_number(&w, "value", figures[i].value);
        stn_json_string(&w, "unit", figures[i].unit);
        stn_json_string(&w, "source", figures[i].source);
        stn_json_string(&w, "confidence", figures[i].confidence);
        stn_json_end_object(&w);
    }
    stn_json_end_array(&w);
    if (s->n_histograms)
        put_histograms(&w, s);
    stn_json_int(&w, "pictures", s->n_pictures);
    stn_json_int(&w, "checked", s->n_checked);
    stn_json_int(&w, "mismatches", s->n_mismatches);
    stn_json_int(&w, "inexact", s->n_inexact);
    if (s->errs) {
        stn_json_int(&w, "bits", (int64_t)s->n_bits);
        stn_json_int(&w, "bits_differ", (int64_t)s->n_bits_differ);
    }
    if (s->n_kept_bits) {
        stn_json_int(&w, "bits_kept", (int64_t)s->n_kept_bits);
        stn_json_int(&w, "bits_flipped", (int64_t)s->n_flipped_bits);
    }
    stn_json_int(&w, "correct", s->n_correct);
    stn_json_bool(&w, "predicted_equals_counted", s->predicted_equals_counted);
    stn_json_number(&w, "seconds", s->seconds);
    stn_json_end_object(&w);
    return stn_cli_json(&w);
}

static int simulate(const stn_arguments *arguments, const stn_cli_subject *s,
                    int threads)
{
    int64_t check = 0;
    stn_error err = {0};
    stn_machine *machine = NULL;
    stn_simulation *simulation = NULL;
    int n_set = 0;
    const char *const *set = stn_cli_list(arguments, "set", &n_set);
    stn_simulate_options o = {.threads = threads,
                              .check = STN_CHECK_ALL,
                              .histogram =
                                  stn_cli_switch(arguments, "histogram")};
    if (!stn_cli_share(arguments, "ones", &o.density) ||
        !stn_cli_int(arguments, "check", 0, 1000000000, &check))
        return STN_EXIT_USAGE;
    o.check_pictures = (int)check;
    if (s->pictures) {
        o.pixels = s->pictures->pixels;
        o.labels = s->pictures->labels;
        o.n_pictures = (int)s->pictures->n;
    }
    stn_status status = stn_machine_load(stn_cli_text(arguments, "on"), set,
                                         n_set, &machine, &err);
    if (status == STN_OK)
        status = stn_simulate(machine, s->program, &o, &simulation, &err);
    const char *html = stn_cli_text(arguments, "html");
    if (status == STN_OK && html) {
        char command[1024];
        stn_cli_command_text(arguments, NULL, command, sizeof command);
        status = stn_report_simulation(machine, s->program, simulation, command,
                                       html, &err);
    }
    int code;
    if (status != STN_OK) {
        code = stn_cli_fail(status, &err);
    } else if (stn_cli_switch(arguments, "json")) {
        code = print_json(machine, simulation);
    } else {
        print_text(machine, simulation);
        if (stn_cli_switch(arguments, "figures"))
            print_figures(machine);
        if (html)
            printf("\n%s%s\n", html, stn_cli_without_charts());
        code = STN_EXIT_OK;
    }
    if (code == STN_EXIT_OK && simulation->n_mismatches)
        code = STN_EXIT_MISMATCH;
    stn_simulation_destroy(simulation);
    stn_machine_destroy(machine);
    return code;
}

static int run(const stn_arguments *arguments)
{
    int64_t images = 0, threads = 0;
    if (!stn_cli_int(arguments, "images", 1, 1000000, &images) ||
        !stn_cli_int(arguments, "threads", 0, 4096, &threads))
        return STN_EXIT_USAGE;
    bool execute = stn_cli_text(arguments, "data") != NULL;
    stn_cli_subject s;
    int code = stn_cli_open_any(arguments,
                                execute ? (uint32_t)images : UINT32_MAX, &s);
    if (code != STN_EXIT_OK)
        return code;
    code = simulate(arguments, &s, (int)threads);
    stn_cli_close(&s);
    return code;
}

const stn_command stn_cmd_simulate = {
    .name = "simulate",
    .operands = "FILE.stn|NETWORK",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Say what a network costs on a machine",
    .details =
        "Without --data the cost of one picture is predicted from shapes and "
        "weights. With --data pictures are executed on the machine's bits, "
        "events are counted, and the logits are compared with the reference "
        "interpreter, or with the scalar definition of a machine that is "
        "inexact; exit code 3 when they differ. A narrow --width runs on the "
        "machine that holds the widest: its area, of which what the width "
        "does not need is off.\n\nA NETWORK of 'setun "
        "list networks', or a YAML file, is costed from its shapes, without "
        "weights.\n\nExamples: setun simulate model.stn --on bdnet-sot --set "
        "array.rows=512; setun simulate resnet50 --weights 1 --activations 8; "
        "setun simulate "
        "resnet50 --on imce --html resnet50.html",
    .options = OPTIONS,
    .run = run,
};
