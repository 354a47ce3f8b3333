/* SPDX-License-Identifier: MIT
 *
 * Networks of the literature from their files, and their outlines: parameters
 * counted against published totals, instructions against the network, costs
 * against those of weights. */
#include "test.h"
#include "base/file.h"
#include "nn/op.h"
#include "programs.h"
#include "setun/outline.h"
#include "setun/simulate.h"

static stn_graph *graph_of(const char *name)
{
    stn_error err;
    char path[1024];
    stn_yaml_document *document = NULL;
    stn_graph *graph = NULL;
    assert_ok(stn_path_format(path, sizeof path, &err, "%s/networks/%s.yaml",
                              stn_share_directory(), name),
              err);
    assert_ok(stn_yaml_load(path, &document, &err), err);
    assert_ok(stn_graph_outline(stn_yaml_root(document), NULL, &graph, &err),
              err);
    stn_yaml_destroy(document);
    return graph;
}

/* Trained numbers: of AlexNet as in Caffe's model of the paper, of the others
 * as in torchvision and the papers' own tables. */
static void networks_have_as_many_parameters_as_published(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t parameters;
    } list[] = {{"alexnet", 60965224},  {"vgg16", 138357544},
                {"resnet18", 11689512}, {"resnet50", 25557032},
                {"mobilenet", 4231976}, {"densenet121", 7978856}};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        stn_graph *graph = graph_of(list[i].name);
        size_t count = 0;
        for (int p = 0; p < graph->n_params; p++) {
            assert_null(graph->params[p].latent);
            if (graph->params[p].role != STN_PARAM_STATE)
                count += graph->params[p].count;
        }
        if (count != list[i].parameters)
            fail_msg("%s has %zu parameters, published are %zu", list[i].name,
                     count, list[i].parameters);
        stn_graph_destroy(graph);
    }
}

/* ResNet-50: 3.86 GMAC with the stride in the first 1 x 1 convolution, 53
 * convolutions and a linear layer. */
static void an_outline_has_the_operations_of_its_network(void **state)
{
    (void)state;
    stn_error err;
    stn_program *p = NULL;
    stn_outline_options o = stn_outline_defaults();
    assert_ok(stn_program_outline("resnet50", &o, &p, &err), err);
    uint64_t sum = 0;
    int n = 0;
    for (int i = 0; i < p->n_instructions; i++) {
        uint64_t dense = 0, nonzero = 0;
        stn_instruction_operations(p, i, &dense, &nonzero);
        sum += dense;
        n += p->instructions[i].weights.outline != NULL;
    }
    assert_int_equal(n, 54);
    assert_true(sum > 3850000000u && sum < 3870000000u);
    const stn_value *logits = &p->values[p->n_values - 1];
    assert_int_equal(logits->shape.c, 1000);
    stn_program_destroy(p);
}

static const stn_instruction *named(const stn_program *p, const char *name)
{
    for (int i = 0; i < p->n_instructions; i++)
        if (strcmp(p->instructions[i].name, name) == 0)
            return &p->instructions[i];
    fail_msg("there is no %s", name);
    return NULL;
}

static void options_reach_the_layers_they_are_for(void **state)
{
    (void)state;
    stn_error err;
    stn_program *p = NULL;
    const char *set[] = {"classes=10"};
    stn_outline_options o = {.weight_bits = 2,
                             .activation_bits = 4,
                             .end_bits = 8,
                             .density = 0.25,
                             .set = set,
                             .n_set = 1};
    assert_ok(stn_program_outline("alexnet", &o, &p, &err), err);
    const stn_weights *w = &named(p, "conv2")->weights;
    assert_int_equal(w->outline->bits, 2);
    assert_int_equal(w->outline->blocks, 2);
    assert_int_equal(w->code, STN_CODE_TERNARY);
    assert_int_equal(w->n_nonzero, 256 * 25 * 48 / 4);
    assert_int_equal(named(p, "conv1")->weights.outline->bits, 8);
    assert_int_equal(named(p, "fc8")->weights.outline->bits, 8);
    assert_int_equal(named(p, "fc8")->weights.out, 10);
    assert_int_equal(p->values[named(p, "conv2")->inputs[0]].hi, 15);
    stn_program_destroy(p);
    o.weight_bits = 9;
    assert_refused(stn_program_outline("alexnet", &o, &p, &err), err,
                   STN_E_ARGUMENT, "expected 1 to 8");
    o.weight_bits = 1;
    assert_refused(stn_program_outline("alexnett", &o, &p, &err), err,
                   STN_E_NOT_FOUND, "alexnett");
    set[0] = "klasses=10";
    assert_refused(stn_program_outline("alexnet", &o, &p, &err), err,
                   STN_E_FORMAT, "klasses");
    set[0] = "classes=ten";
    assert_refused(stn_program_outline("alexnet", &o, &p, &err), err,
                   STN_E_ARGUMENT, "parameter=number");
}

/* The channels of both branches reach the convolution that reads them. */
static void channels_are_concatenated(void **state)
{
    (void)state;
    stn_error err;
    stn_program *p = NULL;
    stn_outline_options o = stn_outline_defaults();
    assert_ok(stn_program_outline("densenet121", &o, &p, &err), err);
    const stn_instruction *join = named(p, "dense1_5.concat");
    assert_int_equal(join->opcode, STN_CONCAT);
    assert_int_equal(p->values[join->output].shape.c, 256);
    assert_int_equal(named(p, "transition1")->weights.in, 256);
    stn_program_destroy(p);
}

static void an_outline_is_costed_and_not_executed(void **state)
{
    (void)state;
    stn_error err;
    stn_program *p = NULL;
    stn_machine *machine = NULL;
    stn_simulation *s = NULL;
    const char *set = "options.sub_arrays=100000";
    stn_outline_options o = stn_outline_defaults();
    assert_ok(stn_program_outline("resnet18", &o, &p, &err), err);
    assert_ok(stn_machine_load("bdnet-sot", &set, 1, &machine, &err), err);
    stn_simulate_options options = {0};
    assert_ok(stn_simulate(machine, p, &options, &s, &err), err);
    assert_true(s->total.latency_s > 0 && s->total.sub_arrays > 500);
    stn_simulation_destroy(s);
    options.pixels = (const uint8_t *)"";
    options.n_pictures = 1;
    assert_refused(stn_simulate(machine, p, &options, &s, &err), err,
                   STN_E_ARGUMENT, "no weights");
    stn_machine_destroy(machine);
    stn_program_destroy(p);
}

/* Layers that fill arrays and groups and leave a rest; all weights are 1, so
 * that all filters have the range that their value has. */
static stn_program_image *of_ones(void)
{
    stn_program_image *p = new_image((stn_shape){7, 6, 3}, 4);
    int v = append_sum(p, "c1", 0, STN_CONV, STN_CODE_BINARY, 40, 3, 1, 3);
    v = append_rescale(p, "a1", v, 0, STN_TYPE_U8, 8);
    v = append_sum(p, "dw", v, STN_DEPTHWISE, STN_CODE_BINARY, 40, 3, 1, 1);
    v = append_rescale(p, "a2", v, 0, STN_TYPE_U8, 8);
    v = append_sum(p, "c2", v, STN_CONV, STN_CODE_BINARY, 300, 3, 0, 40);
    v = append_rescale(p, "a3", v, 0, STN_TYPE_U8, 8);
    v = append_pool(p, "mean", v, STN_SUM_POOL, 4);
    v = append_rescale(p, "a4", v, 0, STN_TYPE_U8, 8);
    v = append_sum(p, "fc", v, STN_CONV, STN_CODE_BINARY, 4, 1, 0, 300);
    append_rescale(p, "logits", v, 0, STN_TYPE_S32, 0);
    for (int i = 0; i < p->program.n_instructions; i++) {
        const stn_weights *w = &p->instructions[i].weights;
        if (w->codes)
            memset((int8_t *)w->codes, 1,
                   (size_t)w->out * (size_t)(w->kh * w->kw * w->in));
    }
    return p;
}

static stn_simulation *cost_of(const char *name, const char *option,
                               const stn_program *program)
{
    stn_error err;
    stn_machine *machine = NULL;
    stn_simulation *s = NULL;
    assert_ok(stn_machine_load(name, &option, 1, &machine, &err), err);
    assert_ok(
        stn_simulate(machine, program, &(stn_simulate_options){0}, &s, &err),
        err);
    stn_machine_destroy(machine);
    return s;
}

/* Where no cost depends on a weight's value, groups and reads that stand for
 * one another add up to what each by itself does. */
static void an_outline_costs_what_weights_do(void **state)
{
    (void)state;
    static const char *const list[][2] = {
        {"isaac-like", "options.active_rows=0"},
        {"isaac-like", "options.active_rows=9"},
        {"isaac-like", "options.active_rows=50"},
        {"isaac-like", "options.signs=pair"},
        {"isaac-like", "options.copies=7"},
        {"imce", "options.filters=0"},
        {"imce", "options.filters=1"},
        {"imce", "options.filters=7"},
        {"imce", "options.replicas=5"},
        {"imce", "options.replicas=0"}};
    const size_t n = sizeof list / sizeof *list;
    const stn_weight_outline outline = {.bits = 1, .density = 1, .blocks = 1};
    stn_error err;
    stn_program_image *image = of_ones();
    stn_simulation *of_weights[sizeof list / sizeof *list];
    assert_ok(stn_program_check(image, "ones", &err), err);
    for (size_t k = 0; k < n; k++)
        of_weights[k] = cost_of(list[k][0], list[k][1], &image->program);
    for (int i = 0; i < image->program.n_instructions; i++)
        if (image->instructions[i].weights.codes) {
            image->instructions[i].weights.codes = NULL;
            image->instructions[i].weights.outline = &outline;
        }
    for (size_t k = 0; k < n; k++) {
        stn_simulation *s = cost_of(list[k][0], list[k][1], &image->program);
        for (int i = 0; i < s->n_layers; i++)
            if (memcmp(&s->layers[i].cost, &of_weights[k]->layers[i].cost,
                       sizeof s->layers[i].cost) != 0)
                fail_msg("%s, %s: %s costs something else", list[k][0],
                         list[k][1], s->layers[i].name);
        stn_simulation_destroy(of_weights[k]);
        stn_simulation_destroy(s);
    }
    free_image(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_have_as_many_parameters_as_published),
        cmocka_unit_test(an_outline_has_the_operations_of_its_network),
        cmocka_unit_test(options_reach_the_layers_they_are_for),
        cmocka_unit_test(channels_are_concatenated),
        cmocka_unit_test(an_outline_is_costed_and_not_executed),
        cmocka_unit_test(an_outline_costs_what_weights_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
