/* SPDX-License-Identifier: MIT
 *
 * setun eval: accuracy and speed of a .stn file on a data set. */
#include "cli.h"
#include "engine.h"
#include "setun/evaluate.h"
#include <stdio.h>
#include <stdlib.h>

/* clang-format off */
static const stn_option OPTIONS[] = {
    {"data", 'd', false, "NAME|DIR", NULL,
     "data set (required); its test split is used"},
    {"images", 'n', false, "N", "0",
     "only the first N pictures; 0 for all"},
    STN_CLI_BITS,
    {"executor", 0, false, "NAME", "engine",
     "engine; or stochastic: counter-based products, with operands of --bits"},
    STN_CLI_CPU,
    STN_CLI_WIDTH,
    STN_CLI_THREADS,
    STN_CLI_JSON,
    {0},
};
/* clang-format on */

/* What is evaluated, how, and what came out. */
typedef struct evaluation {
    const stn_arguments *arguments;
    stn_cli_subject subject;
    stn_engine_options engine;
    int stochastic_bits; /* 0: by the engine */
    stn_evaluation result;
    stn_stochastic_counts *counts; /* one an instruction, or NULL */
} evaluation;

static void print_counts(const stn_program *program,
                         const stn_stochastic_counts *counts, uint32_t images)
{
    printf("\n");
    stn_table_begin("lrrrr", "layer", "products an image", "of weight 0",
                    "cycles a product", "were the input counted", NULL);
    for (int i = 0; i < program->n_instructions; i++) {
        const stn_stochastic_counts *c = &counts[i];
        double n = (double)c->products;
        if (!c->products)
            continue;
        stn_table_cell("%s", program->instructions[i].name);
        stn_table_cell("%s", stn_cli_count(n / images));
        stn_table_cell("%s", stn_cli_percent((double)c->zero_weights / n, 1));
        stn_table_cell("%.2f", (double)c->cycles / n);
        stn_table_cell("%.2f", (double)c->input_cycles / n);
    }
    stn_table_end();
}

static void put_counts(stn_json_writer *w, const stn_program *program,
                       const stn_stochastic_counts *counts)
{
    stn_json_begin_array(w, "layers");
    for (int i = 0; i < program->n_instructions; i++) {
        const stn_stochastic_counts *c = &counts[i];
        if (!c->products)
            continue;
        stn_json_begin_object(w, NULL);
        stn_json_string(w, "name", program->instructions[i].name);
        stn_json_int(w, "products", (int64_t)c->products);
        stn_json_int(w, "zero_weights", (int64_t)c->zero_weights);
        stn_json_int(w, "cycles", (int64_t)c->cycles);
        stn_json_int(w, "input_cycles", (int64_t)c->input_cycles);
        stn_json_end_object(w);
    }
    stn_json_end_array(w);
}

static void print_text(const evaluation *v, const char *executor)
{
    const stn_evaluation *e = &v->result;
    printf("%s on %s: %s of %u pictures right (%u), %.0f images/s (%s, %s)\n",
           v->subject.program->name, stn_dataset_name(v->subject.dataset),
           stn_cli_percent(e->accuracy, 2), e->n, e->n_correct,
           e->images_per_s, executor, stn_cli_threads(v->engine.threads));
    if (v->counts)
        print_counts(v->subject.program, v->counts, e->n);
}

static int print(const evaluation *v)
{
    const stn_evaluation *e = &v->result;
    const char *executor =
        v->counts ? "stochastic" : stn_cpu_level_name(v->engine.level);
    if (!stn_cli_switch(v->arguments, "json")) {
        print_text(v, executor);
        return STN_EXIT_OK;
    }
    stn_json_writer w = {.indent = 2};
    stn_json_begin_object(&w, NULL);
    stn_json_string(&w, "program", v->subject.program->name);
    stn_json_string(&w, "data", stn_dataset_name(v->subject.dataset));
    stn_json_int(&w, "images", e->n);
    stn_json_int(&w, "correct", e->n_correct);
    stn_json_number(&w, "accuracy", e->accuracy);
    stn_json_number(&w, "seconds", e->seconds);
    stn_json_number(&w, "images_per_s", e->images_per_s);
    stn_json_string(&w, "cpu", executor);
    stn_json_int(&w, "threads", v->engine.threads);
    if (v->counts)
        put_counts(&w, v->subject.program, v->counts);
    stn_json_end_object(&w);
    return stn_cli_json(&w);
}

static int evaluate(evaluation *v)
{
    const stn_cli_subject *s = &v->subject;
    stn_error err = {0};
    stn_status status;
    if (v->stochastic_bits) {
        v->counts = calloc((size_t)s->program->n_instructions,
                           sizeof *v->counts);
        if (!v->counts) {
            stn_cli_error("out of memory");
            return STN_EXIT_FAILURE;
        }
        status = stn_evaluate_stochastic(s->program, v->stochastic_bits,
                                         s->pictures, v->engine.threads,
                                         &v->result, v->counts, &err);
    } else {
        status = stn_evaluate(s->program, s->pictures, &v->engine, &v->result,
                              &err);
    }
    return status == STN_OK ? print(v) : stn_cli_fail(status, &err);
}

static int run(const stn_arguments *arguments)
{
    int64_t images = 0;
    evaluation v = {.arguments = arguments};
    if (!stn_cli_engine_options(arguments, &v.engine) ||
        !stn_cli_stochastic(arguments, &v.stochastic_bits) ||
        !stn_cli_int(arguments, "images", 0, UINT32_MAX, &images))
        return STN_EXIT_USAGE;
    int code = stn_cli_open(arguments, (uint32_t)images, &v.subject);
    if (code == STN_EXIT_OK)
        code = stn_cli_narrow_subject(arguments, &v.subject);
    if (code != STN_EXIT_OK)
        return code;
    code = evaluate(&v);
    free(v.counts);
    stn_cli_close(&v.subject);
    return code;
}

const stn_command stn_cmd_eval = {
    .name = "eval",
    .operands = "FILE.stn",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Measure accuracy and speed of a packed network on a data set",
    .details = "Runs the engine on the test pictures. Speed is that of the "
               "engine alone, without reading files.\n\n--executor stochastic "
               "multiplies as the counter-based multiplier does, and says how "
               "many cycles that takes: what the down counter holds, the "
               "weight, or the input in its place.\n\nExamples: setun eval "
               "model.stn --data fashion-mnist --cpu avx2 --threads 1; setun "
               "eval model.stn --data mnist --bits 5 --executor stochastic",
    .options = OPTIONS,
    .run = run,
};
