/* SPDX-License-Identifier: MIT
 *
 * setun inspect: what is in a .stn file, instruction by instruction. */
#include "cli.h"
#include "engine.h"
#include "setun/program.h"
#include <inttypes.h>
#include <stdio.h>

static const stn_option OPTIONS[] = {
    STN_CLI_WIDTH,
    STN_CLI_JSON,
    {0},
};

/* Sums over the instructions. */
typedef struct totals {
    uint64_t dense, nonzero;
    size_t stored, bytes, value_bits, index_bits;
    int ternary_groups, ternary_live;
    stn_slices slices;
    size_t constants; /* of rescales */
} totals;

static size_t weight_count(const stn_weights *w)
{
    return w->codes
               ? (size_t)w->out * (size_t)w->kh * (size_t)w->kw * (size_t)w->in
               : 0;
}

static totals sum(const stn_program *program)
{
    totals t = {0};
    for (int i = 0; i < program->n_instructions; i++) {
        const stn_instruction *in = &program->instructions[i];
        const stn_weights *w = &in->weights;
        uint64_t dense = 0, nonzero = 0;
        stn_instruction_operations(program, i, &dense, &nonzero);
        if (in->opcode == STN_RESCALE)
            t.constants += (size_t)program->values[in->output].shape.c *
                           (size_t)(1 + in->n_inputs);
        t.dense += dense;
        t.nonzero += nonzero;
        stn_slices slices = stn_program_slices(program, i);
        t.bytes += w->stored_bytes;
        t.stored += w->n_stored;
        t.value_bits += w->value_bits;
        t.index_bits += w->index_bits;
        t.slices.n += slices.n;
        t.slices.n_nonzero += slices.n_nonzero;
        for (int k = 0; k < STN_SLICES; k++)
            t.slices.nonzero[k] += slices.nonzero[k];
        if (slices.n && w->code == STN_CODE_TERNARY) {
            t.ternary_groups += w->n_groups;
            t.ternary_live += w->n_live;
        }
    }
    return t;
}

static void print_instruction(const stn_program *program, int i)
{
    const stn_instruction *in = &program->instructions[i];
    const stn_weights *w = &in->weights;
    const stn_value *y = &program->values[in->output];
    uint64_t dense = 0, nonzero = 0;
    stn_instruction_operations(program, i, &dense, &nonzero);
    size_t count = weight_count(w);
    stn_table_cell("%s", in->name);
    stn_table_cell("%s", stn_opcode_name(in->opcode));
    char steps[16] = "";
    if (y->steps > 1)
        snprintf(steps, sizeof steps, "%d x ", y->steps);
    stn_table_cell("%s%dx%dx%d %s", steps, y->shape.h, y->shape.w, y->shape.c,
                   stn_type_name(y->type));
    if (!count) {
        for (int k = 0; k < 5; k++)
            stn_table_cell("%s", "");
        return;
    }
    stn_table_cell("%s", stn_code_name(w->code));
    stn_table_cell("%zu", count);
    stn_table_cell("%s",
                   stn_cli_percent((double)w->n_nonzero / (double)count, 1));
    stn_table_cell("%d/%d", w->n_live, w->n_groups);
    stn_table_cell("%s / %s", stn_cli_count((double)dense),
                   stn_cli_count((double)nonzero));
}

/* Bits of values and index, and how much smaller that is than floats. */
static void print_bits(size_t weights, size_t stored, size_t values,
                       size_t index, size_t bytes)
{
    stn_table_cell("%zu", stored);
    stn_table_cell("%zu", values);
    stn_table_cell("%zu", index);
    stn_table_cell("%zu", bytes);
    stn_table_cell("%.2f", 32.0 * (double)weights / (double)(values + index));
}

static void print_storage(const stn_program *p, const totals *t)
{
    printf("\n");
    stn_table_begin("lllrrrrr", "weights of", "numbers", "structure", "stored",
                    "value bits", "index bits", "bytes", "x of float32", NULL);
    for (int i = 0; i < p->n_instructions; i++) {
        const stn_weights *w = &p->instructions[i].weights;
        char structure[64];
        if (!w->codes)
            continue;
        stn_layout_describe(&w->layout, structure, sizeof structure);
        stn_table_cell("%s", p->instructions[i].name);
        stn_table_cell("%d-bit %s", w->alphabet.bits,
                       stn_levels_name(w->alphabet.levels));
        stn_table_cell("%s", structure);
        print_bits(weight_count(w), w->n_stored, w->value_bits, w->index_bits,
                   w->stored_bytes);
    }
    stn_table_cell("all");
    stn_table_cell("%s", "");
    stn_table_cell("%s", "");
    print_bits(t->slices.n, t->stored, t->value_bits, t->index_bits, t->bytes);
    stn_table_end();
}

/* The programs of all widths of the file. */
static void print_widths(const stn_program *p)
{
    printf("\n");
    stn_table_begin("rrrrrr", "width", "weights", "bits", "rescales",
                    "operations dense / nonzero", "activations", NULL);
    for (int i = 0; i < p->n_widths; i++) {
        const stn_program *at = NULL;
        if (stn_program_at_width(p, p->widths[i], &at, NULL) != STN_OK)
            continue;
        totals t = sum(at);
        stn_table_cell("%g%s", at->width, at == p ? " *" : "");
        stn_table_cell("%zu", t.slices.n);
        stn_table_cell("%zu", t.value_bits + t.index_bits);
        stn_table_cell("%zu", t.constants);
        stn_table_cell("%s / %s", stn_cli_count((double)t.dense),
                       stn_cli_count((double)t.nonzero));
        stn_table_cell("%s", stn_cli_bytes((double)at->peak_bytes));
    }
    stn_table_end();
    printf("weights of width 1 hold those of all others; rescales are numbers "
           "of each width's own\n");
}

/* Of the rescales of all widths in the file. */
static size_t constant_bytes(const stn_program *p)
{
    size_t bytes = 0;
    for (int i = 0; i < p->n_widths; i++) {
        const stn_program *at = NULL;
        if (stn_program_at_width(p, p->widths[i], &at, NULL) == STN_OK)
            bytes += stn_program_constant_bytes(at);
    }
    return p->n_widths ? bytes : stn_program_constant_bytes(p);
}

/* What else is in the file: the JSON that names and places everything. */
static size_t header_bytes(const stn_program *p, const totals *t)
{
    return p->file_bytes - t->bytes - constant_bytes(p);
}

static void print_text(const stn_program *p)
{
    totals t = sum(p);
    const char *recipe = stn_program_metadata(p, "recipe");
    printf("%s%s%s, input %dx%dx%d, %d classes\n\n", p->name,
           recipe ? " by " : "", recipe ? recipe : "", p->input.h, p->input.w,
           p->input.c, p->n_classes);
    stn_table_begin("lllrrrrr", "instruction", "op", "output", "codes",
                    "weights", "nonzero", "live groups",
                    "operations dense / nonzero", NULL);
    for (int i = 0; i < p->n_instructions; i++)
        print_instruction(p, i);
    stn_table_end();
    print_storage(p, &t);
    if (p->n_widths)
        print_widths(p);
    printf("\n%zu weights, %s nonzero\n", t.slices.n,
           stn_cli_percent((double)t.slices.n_nonzero / (double)t.slices.n, 1));
    printf("file %zu bytes: weights %zu, numbers of rescales %zu, names and "
           "shapes %zu\n",
           p->file_bytes, t.bytes, constant_bytes(p), header_bytes(p, &t));
    printf("nonzero 2-bit slices, from the highest: ");
    for (int k = STN_SLICES - 1; k >= 0; k--)
        printf("%s%s",
               stn_cli_percent((double)t.slices.nonzero[k] / (double)t.slices.n,
                               2),
               k ? ", " : "\n");
    if (t.ternary_groups)
        printf("group density %.4f (%d of %d ternary groups live)\n",
               (double)t.ternary_live / t.ternary_groups, t.ternary_live,
               t.ternary_groups);
    printf("operations a picture: %s dense, %s nonzero\n",
           stn_cli_count((double)t.dense), stn_cli_count((double)t.nonzero));
    printf("activations: at most %s alive at once\n",
           stn_cli_bytes((double)p->peak_bytes));
}

static void json_storage(stn_json_writer *w, const stn_weights *weights)
{
    char structure[64];
    stn_layout_describe(&weights->layout, structure, sizeof structure);
    stn_json_string(w, "levels", stn_levels_name(weights->alphabet.levels));
    stn_json_int(w, "bits", weights->alphabet.bits);
    stn_json_string(w, "structure", structure);
    stn_json_int(w, "stored", (int64_t)weights->n_stored);
    stn_json_int(w, "value_bits", (int64_t)weights->value_bits);
    stn_json_int(w, "index_bits", (int64_t)weights->index_bits);
    stn_json_int(w, "bytes", (int64_t)weights->stored_bytes);
}

static void json_shape(stn_json_writer *w, const char *key, stn_shape shape)
{
    stn_json_begin_array(w, key);
    stn_json_int(w, NULL, shape.h);
    stn_json_int(w, NULL, shape.w);
    stn_json_int(w, NULL, shape.c);
    stn_json_end_array(w);
}

static void json_instruction(stn_json_writer *w, const stn_program *program,
                             int i)
{
    const stn_instruction *in = &program->instructions[i];
    const stn_weights *weights = &in->weights;
    const stn_value *y = &program->values[in->output];
    uint64_t dense = 0, nonzero = 0;
    stn_instruction_operations(program, i, &dense, &nonzero);
    stn_json_begin_object(w, NULL);
    stn_json_string(w, "name", in->name);
    stn_json_string(w, "op", stn_opcode_name(in->opcode));
    stn_json_begin_array(w, "inputs");
    for (int k = 0; k < in->n_inputs; k++)
        stn_json_int(w, NULL, in->inputs[k]);
    stn_json_end_array(w);
    stn_json_int(w, "value", in->output);
    json_shape(w, "output", y->shape);
    stn_json_int(w, "steps", y->steps);
    if (in->opcode != STN_RESCALE && !stn_opcode_is_time(in->opcode)) {
        stn_json_int(w, "kernel_height", in->kh);
        stn_json_int(w, "kernel_width", in->kw);
        stn_json_int(w, "stride", in->stride);
        stn_json_int(w, "pad", in->pad);
    }
    stn_json_string(w, "type", stn_type_name(y->type));
    stn_json_int(w, "lo", y->lo);
    stn_json_int(w, "hi", y->hi);
    if (weights->codes) {
        stn_json_string(w, "codes", stn_code_name(weights->code));
        stn_json_int(w, "weights", (int64_t)weight_count(weights));
        stn_json_int(w, "nonzero", (int64_t)weights->n_nonzero);
        stn_json_int(w, "groups", weights->n_groups);
        stn_json_int(w, "live_groups", weights->n_live);
        json_storage(w, weights);
        stn_json_int(w, "operations_dense", (int64_t)dense);
        stn_json_int(w, "operations_nonzero", (int64_t)nonzero);
    }
    stn_json_end_object(w);
}

static void json_widths(stn_json_writer *w, const stn_program *p)
{
    stn_json_number(w, "width", p->width);
    stn_json_begin_array(w, "widths");
    for (int i = 0; i < p->n_widths; i++) {
        const stn_program *at = NULL;
        if (stn_program_at_width(p, p->widths[i], &at, NULL) != STN_OK)
            continue;
        totals t = sum(at);
        stn_json_begin_object(w, NULL);
        stn_json_number(w, "width", at->width);
        stn_json_int(w, "weights", (int64_t)t.slices.n);
        stn_json_int(w, "value_bits", (int64_t)t.value_bits);
        stn_json_int(w, "index_bits", (int64_t)t.index_bits);
        stn_json_int(w, "rescale_numbers", (int64_t)t.constants);
        stn_json_int(w, "operations_dense", (int64_t)t.dense);
        stn_json_int(w, "operations_nonzero", (int64_t)t.nonzero);
        stn_json_int(w, "peak_activation_bytes", (int64_t)at->peak_bytes);
        stn_json_end_object(w);
    }
    stn_json_end_array(w);
}

static int print_json(const stn_program *p)
{
    totals t = sum(p);
    stn_json_writer w = {.indent = 2};
    stn_json_begin_object(&w, NULL);
    stn_json_string(&w, "name", p->name);
    json_shape(&w, "input", p->input);
    stn_json_int(&w, "classes", p->n_classes);
    stn_json_int(&w, "file_bytes", (int64_t)p->file_bytes);
    stn_json_int(&w, "weight_bytes", (int64_t)t.bytes);
    stn_json_int(&w, "rescale_bytes", (int64_t)constant_bytes(p));
    stn_json_int(&w, "header_bytes", (int64_t)header_bytes(p, &t));
    stn_json_int(&w, "peak_activation_bytes", (int64_t)p->peak_bytes);
    stn_json_int(&w, "weights", (int64_t)t.slices.n);
    stn_json_int(&w, "nonzero", (int64_t)t.slices.n_nonzero);
    stn_json_begin_array(&w, "nonzero_slices");
    for (int k = 0; k < STN_SLICES; k++)
        stn_json_int(&w, NULL, (int64_t)t.slices.nonzero[k]);
    stn_json_end_array(&w);
    stn_json_int(&w, "stored", (int64_t)t.stored);
    stn_json_int(&w, "value_bits", (int64_t)t.value_bits);
    stn_json_int(&w, "index_bits", (int64_t)t.index_bits);
    stn_json_int(&w, "operations_dense", (int64_t)t.dense);
    stn_json_int(&w, "operations_nonzero", (int64_t)t.nonzero);
    if (t.ternary_groups)
        stn_json_number(&w, "group_density",
                        (double)t.ternary_live / t.ternary_groups);
    else
        stn_json_null(&w, "group_density");
    if (p->n_widths)
        json_widths(&w, p);
    stn_json_begin_array(&w, "instructions");
    for (int i = 0; i < p->n_instructions; i++)
        json_instruction(&w, p, i);
    stn_json_end_array(&w);
    stn_json_end_object(&w);
    return stn_cli_json(&w);
}

static int run(const stn_arguments *arguments)
{
    stn_program *program = NULL;
    int code = stn_cli_read(arguments, &program);
    if (code != STN_EXIT_OK)
        return code;
    if (stn_cli_switch(arguments, "json"))
        code = print_json(program);
    else
        print_text(program);
    stn_program_destroy(program);
    return code;
}

const stn_command stn_cmd_inspect = {
    .name = "inspect",
    .operands = "FILE.stn",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Show the layers, codes, bits, density and bytes of a file",
    .details = "Values are what a structure stores of the weights, index what "
               "says where they are; files round each tensor up to bytes. "
               "Operations are multiply-accumulates of one picture: all of "
               "them, and those left when zero weights are skipped; with "
               "ternary or binary codes each is one addition or subtraction.",
    .options = OPTIONS,
    .run = run,
};
