/* SPDX-License-Identifier: MIT
 *
 * What the same network costs in 32-bit floating point: the baseline of every
 * ratio. Weights and activations lie in the same memory, arithmetic is done
 * by multiply-add units beside the arrays, `float_units` of them per layer.
 *
 * Wherever there is a choice it favours the baseline, so that ratios are not
 * flattered: weights are read once a picture and activations once a layer, no
 * weight crosses the link, an activation taken from the buffer serves every
 * filter that the units can hold, partial sums never leave the units, feeding
 * the units costs no time, batch-norm, ReLU and the like happen on the way,
 * without memory. The list, and what the units' energies are: docs/bitwise.md,
 * "The float baseline". */
#include "accel/accel.h"
#include "base/clock.h"
#include "base/file.h"
#include "nn/ops.h"
#include "train/model.h"
#include <stdio.h>
#include <string.h>

/* Counts of one node. */
typedef struct work {
    stn_opcode opcode;
    uint64_t muls, adds;
    uint64_t weights; /* numbers in memory */
    uint64_t fed;     /* numbers from the buffer to the units */
    uint64_t in, out; /* numbers read from and written to memory */
    bool own_units;   /* area of float_units */
} work;

typedef struct baseline {
    const stn_machine *machine;
    const stn_graph *graph;
    stn_ledger ledger;
    stn_simulation *simulation;
} baseline;

static bool is(const stn_node *node, const char *type)
{
    return strcmp(node->type->name, type) == 0;
}

/* Products of one output, and how many filters use one activation. */
static void count_products(const stn_graph *graph, const stn_node *node,
                           work *w)
{
    const stn_param *weight = &graph->params[node->params[0]];
    uint64_t positions = (uint64_t)node->out.h * (uint64_t)node->out.w;
    uint64_t sharing = (uint64_t)node->out.c;
    bool depthwise = is(node, "depthwise");
    if (depthwise)
        sharing /= (uint64_t)node->in[0].c;
    w->opcode = depthwise ? STN_DEPTHWISE : STN_CONV;
    uint64_t steps = (uint64_t)node->steps;
    w->muls = w->adds = steps * positions * weight->count;
    w->fed = w->muls / sharing; /* for one round of filters */
    w->in = steps * stn_shape_count(node->in[0]);
    w->out = steps * stn_shape_count(node->out);
    w->own_units = true;
    for (int p = 0; p < node->n_params; p++)
        w->weights += graph->params[node->params[p]].count;
}

/* False for nodes that cost nothing of their own. */
static bool count_node(const stn_machine *machine, const stn_graph *graph,
                       const stn_node *node, work *w)
{
    uint64_t out = (uint64_t)node->steps * stn_shape_count(node->out);
    uint64_t units = (uint64_t)machine->float_units;
    *w = (work){.opcode = STN_RESCALE};
    if (!node->type)
        return false;
    if (is(node, "conv") || is(node, "depthwise") || is(node, "linear")) {
        count_products(graph, node, w);
        uint64_t sharing = w->muls / w->fed;
        w->fed *= (sharing + units - 1) / units;
    } else if (is(node, "batch_norm") || is(node, "normalise")) {
        w->muls = w->adds = out;
    } else if (is(node, "add")) {
        w->adds = w->in = w->out = out; /* one term is on its way */
    } else if (is(node, "max_pool") || is(node, "avg_pool")) {
        const stn_pool_attrs *a = node->attrs;
        uint64_t window = a->kernel ? (uint64_t)(a->kernel * a->kernel)
                                    : stn_shape_count(node->in[0]) /
                                          stn_shape_count(node->out);
        bool average = is(node, "avg_pool");
        w->opcode = average ? STN_SUM_POOL : STN_MAX_POOL;
        w->adds = (window - 1) * out;
        w->muls = average ? out : 0;
        w->out = out;
    } else if (is(node, "rate_code")) {
        w->opcode = STN_RATE_CODE;
        w->adds = w->out = out;   /* comparisons */
    } else if (is(node, "lif")) { /* leak; sum and threshold */
        w->opcode = STN_LIF;
        w->muls = out;
        w->adds = 2 * out;
    } else if (is(node, "mean_steps")) {
        w->opcode = STN_SUM_STEPS;
        w->adds = (uint64_t)node->steps_in * out;
        w->muls = out;
    } else {
        return false;
    }
    return true;
}

static uint64_t div_up(uint64_t a, uint64_t b)
{
    return (a + b - 1) / b;
}

/* `numbers` of 32 bits as rows of the sub-array. */
static uint64_t rows_of(const stn_machine *m, uint64_t numbers)
{
    return div_up(32 * numbers, (uint64_t)m->array.columns);
}

static void post_rows(const stn_machine *m, stn_ledger_row *row,
                      stn_event event, uint64_t numbers)
{
    uint64_t rows = rows_of(m, numbers);
    stn_ledger_post(row, event, rows, rows);
    stn_ledger_post(row, STN_EVENT_link_bit, 32 * numbers, rows);
}

static void post(const stn_machine *m, const work *w, stn_ledger_row *row)
{
    uint64_t units = (uint64_t)m->float_units;
    /* Addition is pipelined behind multiplication and adds no time to it. */
    uint64_t behind = w->muls < w->adds ? w->muls : w->adds;
    uint64_t weight_rows = rows_of(m, w->weights);
    /* The units stand beside the weights: no link between them. */
    stn_ledger_post(row, STN_EVENT_row_read, weight_rows, weight_rows);
    post_rows(m, row, STN_EVENT_row_read, w->in);
    post_rows(m, row, STN_EVENT_row_write, w->out);
    stn_ledger_post(row, STN_EVENT_buffer_bit, 32 * (w->in + w->fed), 0);
    stn_ledger_post(row, STN_EVENT_fp32_mul, w->muls, div_up(w->muls, units));
    stn_ledger_post(row, STN_EVENT_fp32_add, w->adds,
                    div_up(w->adds - behind, units));
}

static stn_status cost_node(baseline *b, const stn_node *node, const work *w,
                            int index, stn_error *err)
{
    const stn_machine *m = b->machine;
    stn_layer_cost *layer = &b->simulation->layers[index];
    uint64_t rows = (uint64_t)m->array.rows;
    stn_cost_input in = {
        .row = &b->ledger.rows[index],
        .n_pictures = 1.0,
        .sub_arrays = div_up(rows_of(m, w->weights), rows) +
                      div_up(rows_of(m, w->out), rows),
        .utilisation = 1.0,
        .logic_m2 = w->own_units ? m->float_units * m->float_unit_m2 : 0.0};
    post(m, w, &b->ledger.rows[index]);
    STN_TRY(stn_simulation_name(b->simulation, index, node->name, err));
    layer->opcode = w->opcode;
    layer->cost = stn_cost_fold(m, &in);
    b->simulation->programming_energy_j +=
        (double)rows_of(m, w->weights) * m->array.write_energy_j;
    double loading_s =
        (double)rows_of(m, w->weights) * m->array.write_latency_s;
    if (loading_s > b->simulation->programming_latency_s)
        b->simulation->programming_latency_s = loading_s;
    return STN_OK;
}

static stn_status cost_graph(baseline *b, stn_error *err)
{
    work w;
    int n = 0;
    for (int i = 0; i < b->graph->n_nodes; i++)
        n += count_node(b->machine, b->graph, &b->graph->nodes[i], &w);
    if (!n)
        return stn_fail(err, STN_E_UNSUPPORTED,
                        "network %s: no layer that costs anything",
                        b->graph->name);
    STN_TRY(stn_simulation_create(n, &b->simulation, err));
    STN_TRY(stn_ledger_init(&b->ledger, n, err));
    n = 0;
    for (int i = 0; i < b->graph->n_nodes; i++)
        if (count_node(b->machine, b->graph, &b->graph->nodes[i], &w))
            STN_TRY(cost_node(b, &b->graph->nodes[i], &w, n++, err));
    stn_simulation_sum(b->simulation, b->machine, &b->ledger, 1.0);
    snprintf(b->simulation->program, sizeof b->simulation->program, "%s",
             b->graph->name);
    return STN_OK;
}

/* A network file by name or path, else a run folder or checkpoint. */
static stn_status load_graph(const char *what, stn_model **model,
                             stn_yaml_document **document, stn_graph **graph,
                             stn_error *err)
{
    char path[1024];
    size_t length = strlen(what);
    bool file = length > 5 && strcmp(what + length - 5, ".yaml") == 0;
    if (file)
        STN_TRY(stn_path_format(path, sizeof path, err, "%s", what));
    else
        STN_TRY(stn_path_format(path, sizeof path, err, "%s/networks/%s.yaml",
                                stn_share_directory(), what));
    if (!file && (strchr(what, '/') || !stn_file_exists(path)))
        return stn_model_load(what, model, err);
    STN_TRY(stn_yaml_load(path, document, err));
    stn_yaml_scope none = {0};
    return stn_graph_outline(stn_yaml_root(*document), &none, graph, err);
}

stn_status stn_simulate_float(const stn_machine *machine,
                              const char *run_or_network, stn_simulation **out,
                              stn_error *err)
{
    double begin_s = stn_clock_s();
    stn_model *model = NULL;
    stn_yaml_document *document = NULL;
    stn_graph *graph = NULL;
    baseline b = {.machine = machine};
    stn_status status =
        load_graph(run_or_network, &model, &document, &graph, err);
    if (status == STN_OK) {
        b.graph = model ? model->graph : graph;
        status = cost_graph(&b, err);
    }
    if (status == STN_OK) {
        b.simulation->predicted_equals_counted = true;
        b.simulation->seconds = stn_clock_s() - begin_s;
        *out = b.simulation;
    } else {
        stn_simulation_destroy(b.simulation);
    }
    stn_ledger_deinit(&b.ledger);
    stn_graph_destroy(graph);
    stn_yaml_destroy(document);
    stn_model_destroy(model);
    return status;
}
