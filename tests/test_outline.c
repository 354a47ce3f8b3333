/* SPDX-License-Identifier: MIT
 *
 * Networks of the literature from their files, and their outlines: parameters
 * counted against published totals, instructions against the network. */
#include "test.h"
#include "base/file.h"
#include "nn/op.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_have_as_many_parameters_as_published),
        cmocka_unit_test(an_outline_has_the_operations_of_its_network),
        cmocka_unit_test(options_reach_the_layers_they_are_for),
        cmocka_unit_test(channels_are_concatenated),
        cmocka_unit_test(an_outline_is_costed_and_not_executed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
