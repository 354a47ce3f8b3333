/* SPDX-License-Identifier: MIT
 *
 * setun run: classes of real pictures. */
#include "engine.h"
#include <stdio.h>
#include <stdlib.h>

/* clang-format off */
static const stn_option OPTIONS[] = {
    {"top", 'k', false, "N", "3",
     "classes to print for each picture"},
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

/* Indices of the `top` largest logits, largest first, lowest index first
 * among equals. */
static void best(const int32_t *logits, int n, int top, int *out)
{
    for (int k = 0; k < top; k++) {
        int chosen = -1;
        for (int i = 0; i < n; i++) {
            bool taken = false;
            for (int j = 0; j < k; j++)
                taken = taken || out[j] == i;
            if (!taken && (chosen < 0 || logits[i] > logits[chosen]))
                chosen = i;
        }
        out[k] = chosen;
    }
}

static void print_text(const char *path, const stn_program *program,
                       const int32_t *logits, const int *order, int top)
{
    printf("%s:", path);
    for (int k = 0; k < top; k++)
        printf("%s %s (%d)", k ? "," : "", program->class_names[order[k]],
               logits[order[k]]);
    printf("\n");
}

static void put_json(stn_json_writer *w, const char *path,
                     const stn_program *program, const int32_t *logits,
                     const int *order, int top)
{
    stn_json_begin_object(w, NULL);
    stn_json_string(w, "image", path);
    stn_json_begin_array(w, "top");
    for (int k = 0; k < top; k++) {
        stn_json_begin_object(w, NULL);
        stn_json_string(w, "class", program->class_names[order[k]]);
        stn_json_int(w, "index", order[k]);
        stn_json_int(w, "logit", logits[order[k]]);
        stn_json_end_object(w);
    }
    stn_json_end_array(w);
    stn_json_end_object(w);
}

typedef struct classifier {
    const stn_program *program;
    stn_engine *engine;         /* or */
    stn_stochastic *stochastic; /* instead */
    uint8_t *pixels;
    int32_t *logits;
    int *order;
    int top;
} classifier;

static stn_status classify(const classifier *c, const char *path,
                           stn_error *err)
{
    stn_shape input = c->program->input;
    stn_status status =
        stn_image_read(path, input.h, input.w, input.c, c->pixels, err);
    if (status == STN_OK)
        status =
            c->stochastic
                ? stn_stochastic_run(c->stochastic, c->pixels, 1, c->logits,
                                     NULL, err)
                : stn_engine_run(c->engine, c->pixels, 1, c->logits, err);
    if (status == STN_OK)
        best(c->logits, c->program->n_classes, c->top, c->order);
    return status;
}

/* All pictures; JSON is printed only when every one could be read. */
static int run_all(const stn_arguments *arguments, const classifier *c)
{
    bool json = stn_cli_switch(arguments, "json");
    stn_json_writer w = {.indent = 2};
    stn_json_begin_array(&w, NULL);
    for (int i = 1; i < arguments->n_operands; i++) {
        const char *path = arguments->operands[i];
        stn_error err = {0};
        stn_status status = classify(c, path, &err);
        if (status != STN_OK) {
            stn_json_discard(&w);
            return stn_cli_fail(status, &err);
        }
        if (json)
            put_json(&w, path, c->program, c->logits, c->order, c->top);
        else
            print_text(path, c->program, c->logits, c->order, c->top);
    }
    stn_json_end_array(&w);
    if (json)
        return stn_cli_json(&w);
    stn_json_discard(&w);
    return STN_EXIT_OK;
}

static int run(const stn_arguments *arguments)
{
    int64_t top = 0;
    stn_engine_options o;
    int bits = 0;
    if (!stn_cli_engine_options(arguments, &o) ||
        !stn_cli_stochastic(arguments, &bits) ||
        !stn_cli_int(arguments, "top", 1, 1000, &top))
        return STN_EXIT_USAGE;
    stn_error err = {0};
    stn_program *packed = NULL, *narrow = NULL;
    classifier c = {0};
    int code = stn_cli_read(arguments, &packed);
    if (code != STN_EXIT_OK)
        return code;
    code = stn_cli_narrow(arguments, packed, &narrow);
    if (code != STN_EXIT_OK)
        goto out;
    const stn_program *program = narrow ? narrow : packed;
    stn_status status = bits ? stn_stochastic_create(program, bits, o.threads,
                                                     &c.stochastic, &err)
                             : stn_engine_create(program, &o, &c.engine, &err);
    if (status != STN_OK) {
        code = stn_cli_fail(status, &err);
        goto out;
    }
    c.program = program;
    c.top = top < program->n_classes ? (int)top : program->n_classes;
    size_t n_classes = (size_t)program->n_classes;
    c.pixels = malloc(stn_shape_count(program->input));
    c.logits = malloc(n_classes * sizeof *c.logits);
    c.order = malloc(n_classes * sizeof *c.order);
    if (c.pixels && c.logits && c.order) {
        code = run_all(arguments, &c);
    } else {
        stn_cli_error("out of memory");
        code = STN_EXIT_FAILURE;
    }
out:
    free(c.order);
    free(c.logits);
    free(c.pixels);
    stn_stochastic_destroy(c.stochastic);
    stn_engine_destroy(c.engine);
    stn_program_destroy(narrow);
    stn_program_destroy(packed);
    return code;
}

const stn_command stn_cmd_run = {
    .name = "run",
    .operands = "FILE.stn IMAGE...",
    .min_operands = 2,
    .max_operands = -1,
    .summary = "Classify pictures (PNG or JPEG) with a packed network",
    .details = "Pictures of another size are resampled; colour is turned into "
               "grey or back as the network needs. The numbers are the "
               "integer logits.",
    .options = OPTIONS,
    .run = run,
};
