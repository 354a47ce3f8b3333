/* SPDX-License-Identifier: MIT
 *
 * Network files: the shipped ones have the shapes they should, and every
 * mistake is refused with its place. */
#include "test.h"
#include "base/file.h"
#include "nn/ops.h"
#include "nn/placement.h"
#include <math.h>

static stn_graph *load(const char *name, const stn_yaml_scope *overrides)
{
    stn_error err;
    stn_yaml_document *document;
    stn_graph *graph;
    char path[512];
    assert_ok(stn_path_format(path, sizeof path, &err, "%s/networks/%s.yaml",
                              stn_share_directory(), name),
              err);
    assert_ok(stn_yaml_load(path, &document, &err), err);
    assert_ok(stn_graph_build(stn_yaml_root(document), overrides, &graph, &err),
              err);
    stn_yaml_destroy(document);
    return graph;
}

static stn_status build(const char *text, stn_graph **graph, stn_error *err)
{
    stn_yaml_document *document;
    const stn_status status = stn_yaml_parse("net.yaml", text, &document, err);
    if (status != STN_OK)
        return status;
    const stn_status built =
        stn_graph_build(stn_yaml_root(document), NULL, graph, err);
    stn_yaml_destroy(document);
    return built;
}

static void assert_shape(const stn_graph *graph, const char *name, int h, int w,
                         int c)
{
    const stn_node *node = stn_graph_node(graph, name);
    if (!node)
        fail_msg("no node %s", name);
    if (node->out.h != h || node->out.w != w || node->out.c != c)
        fail_msg("%s is %dx%dx%d, expected %dx%dx%d", name, node->out.h,
                 node->out.w, node->out.c, h, w, c);
}

static size_t n_weights(const stn_graph *graph)
{
    size_t n = 0;
    for (int i = 0; i < graph->n_params; i++)
        if (graph->params[i].role != STN_PARAM_STATE)
            n += graph->params[i].count;
    return n;
}

/* 6*25+6 + 16*150+16 + 120*400+120 + 84*120+84 + 10*84+10 */
static void lenet5_has_61706_weights(void **state)
{
    (void)state;
    stn_graph *graph = load("lenet5", NULL);
    assert_int_equal(n_weights(graph), 61706);
    assert_shape(graph, "conv1", 28, 28, 6);
    assert_shape(graph, "max_pool2", 5, 5, 16);
    assert_shape(graph, "fc3", 1, 1, 10);
    assert_int_equal(graph->n_classes, 10);
    stn_graph_destroy(graph);
}

/* 269 722 with parameter-free shortcuts, and two 1 x 1 convolutions with their
 * norms: 16 * 32 + 2 * 32 and 32 * 64 + 2 * 64. */
static void resnet20_has_the_published_shapes(void **state)
{
    (void)state;
    stn_graph *graph = load("resnet20", NULL);
    assert_shape(graph, "block2.add", 32, 32, 16);
    assert_shape(graph, "stage0.relu6", 16, 16, 32);
    assert_shape(graph, "stage1.add6", 8, 8, 64);
    assert_shape(graph, "avg_pool", 1, 1, 64);
    assert_int_equal(n_weights(graph), 269722 + 576 + 2176);
    stn_graph_destroy(graph);
}

static void bdnet_follows_its_parameters(void **state)
{
    (void)state;
    const stn_yaml_variable values[] = {{"p", 12}, {"m", 3}, {"d", 2}};
    const stn_yaml_scope overrides = {values, 3};
    stn_graph *graph = load("bdnet", &overrides);
    assert_shape(graph, "stem", 32, 32, 12);
    assert_shape(graph, "block1.dw", 32, 32, 36);
    assert_shape(graph, "block1.pw", 32, 32, 12);
    assert_null(stn_graph_node(graph, "block2.dw"));
    assert_shape(graph, "pool", 6, 6, 12);
    const stn_param *dw = stn_graph_param(graph, "block0.dw.weight");
    assert_non_null(dw);
    assert_int_equal(dw->rank, 3);
    assert_int_equal(dw->dims[0], 36);
    assert_int_equal(dw->fan_in, 9);
    const stn_quantise_attrs *a = stn_graph_node(graph, "pixels")->attrs;
    assert_true(a->is_signed && a->bits == 8 && a->fixed == 1.0f);
    stn_graph_destroy(graph);
}

static void bdnet_baseline_is_float(void **state)
{
    (void)state;
    stn_graph *graph = load("bdnet-baseline", NULL);
    for (int i = 1; i < graph->n_nodes; i++)
        assert_ptr_not_equal(graph->nodes[i].type, &stn_op_quantise);
    assert_shape(graph, "block2.conv", 32, 32, 64);
    stn_graph_destroy(graph);
}

static void unknown_override_is_refused(void **state)
{
    (void)state;
    stn_error err;
    stn_yaml_document *document;
    stn_graph *graph;
    const stn_yaml_variable values[] = {{"q", 1}};
    const stn_yaml_scope overrides = {values, 1};
    assert_ok(stn_yaml_parse("net.yaml", "name: t\nparameters: {p: 1}\n",
                             &document, &err),
              err);
    assert_refused(
        stn_graph_build(stn_yaml_root(document), &overrides, &graph, &err), err,
        STN_E_FORMAT, "no parameter 'q'");
    stn_yaml_destroy(document);
}

#define HEAD                                                                   \
    "name: t\nparameters: {p: 4}\n"                                            \
    "input: {height: 8, width: 8, channels: 3}\nlayers:\n"

static void names_resolve_innermost_first(void **state)
{
    (void)state;
    stn_error err;
    stn_graph *graph;
    assert_ok(build(HEAD "  - relu: {name: a}\n"
                         "  - repeat:\n"
                         "      times: 2\n"
                         "      name: r\n"
                         "      layers:\n"
                         "        - add: {name: b, from: [a, in]}\n"
                         "        - relu: {name: a}\n"
                         "        - add: {name: c, from: [a, b]}\n"
                         "        - conv: {out: 3 + 0 * i, kernel: 1}\n"
                         "  - conv: {name: d, from: r1.c, out: 2 * p}\n"
                         "  - add: {from: [d, d]}\n"
                         "  - relu\n"
                         "  - relu\n"
                         "  - add: {from: [relu, relu2]}\n"
                         "  - conv: {from: r1.conv, out: 8}\n"
                         "  - add: {from: [add2, conv]}\n"
                         "  - linear: {out: 3}\n",
                    &graph, &err),
              err);
    const stn_node *b1 = stn_graph_node(graph, "r1.b");
    const stn_node *c1 = stn_graph_node(graph, "r1.c");
    assert_string_equal(graph->nodes[b1->inputs[0]].name, "a");
    assert_string_equal(graph->nodes[b1->inputs[1]].name, "r0.conv");
    assert_string_equal(graph->nodes[c1->inputs[0]].name, "r1.a");
    assert_shape(graph, "d", 6, 6, 8);
    assert_int_equal(stn_graph_node(graph, "d")->line, 14);
    stn_graph_destroy(graph);
}

static void mistakes_are_refused_with_file_and_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } list[] = {
        {"parameters: {p: 1}\n", "net.yaml:1: a network needs a 'name'"},
        {"name: t\nlayer: []\n", "layers"},
        {"name: t\nlayers: []\n", "no 'input"},
        {"name: t\ninput: {height: 8, width: 8}\n", "no 'channels'"},
        {"name: t\nparameters: {i: 8}\n", "net.yaml:2: 'i' cannot name"},
        {"name: t\nparameters: [1]\n", "must be a map"},
        {"name: t\ninput: {height: 8, width: 8, channels: 1}\n",
         "has no 'layers'"},
        {HEAD "  []\n", "no layers"},
        {HEAD "  - cone: {out: 3}\n", "net.yaml:5: no operator 'cone'; did "
                                      "you mean 'conv'?"},
        {HEAD "  - {relu: , conv: {out: 2}}\n", "map of one operator"},
        {HEAD "  - relu: 3\n", "must be a map"},
        {HEAD "  - conv: {name: a.b, out: 3}\n", "letters, digits"},
        {HEAD "  - conv: {name: in, out: 3}\n", "not 'in'"},
        {HEAD "  - relu: {name: a}\n  - relu: {name: a}\n",
         "net.yaml:6: the name 'a' is taken by line 5"},
        {HEAD "  - relu: {from: later}\n  - relu: {name: later}\n",
         "net.yaml:5: no layer 'later'"},
        {HEAD "  - add:\n", "takes 2 inputs, got 1"},
        {HEAD "  - relu: {from: [in, in]}\n", "takes 1 input, got more"},
        {HEAD "  - relu: {from: {a: 1}}\n", "name or a list"},
        {HEAD "  - conv: {out: 2, kernel: 9}\n", "net.yaml:5: conv: a 9x9"},
        {HEAD "  - conv: {out: 2, kernel: 3, pad: 3}\n", "pad 3 leaves"},
        {HEAD "  - conv:\n", "out"},
        {HEAD "  - conv: {out: 3, kernal: 3}\n", "kernal"},
        {HEAD "  - conv: {out: q}\n", "net.yaml:5"},
        {HEAD "  - conv: {out: 3 * i}\n", "net.yaml:5"},
        {HEAD "  - max_pool: {kernel: 9}\n", "9x9 window does not fit"},
        {HEAD "  - normalise: {mean: [1, 2]}\n", "2 means"},
        {HEAD "  - conv: {out: 2, pad: 1, name: a}\n"
              "  - add: {from: [a, in]}\n",
         "net.yaml:6: add: the second input is 8x8x3, expected 8x8x2"},
        {HEAD "  - repeat: {times: 2, name: a}\n", "times, name and layers"},
        {HEAD "  - repeat: {times: 2, name: '', layers: []}\n",
         "repeat's name"},
        {HEAD "  - repeat: {times: -1, name: a, layers: []}\n", "net.yaml:5"},
        {HEAD "  - repeat: {times: 9000, name: a, layers: [relu]}\n",
         "net.yaml:5"},
        {HEAD "  - repeat: {times: 4096, name: a, layers: [relu]}\n",
         "more than 4095 layers"},
        {HEAD "  - relu:\n", "gives 8x8x3"},
        {HEAD "  - relu:\n  - linear: {from: in, out: 2}\n",
         "net.yaml:5: relu: no later layer reads this one"},
        {HEAD "  - linear: {out: 5000}\n", "2 to 4096 channels"},
        {HEAD "  - linear: {out: 1048576}\n  - linear: {out: 1048576}\n",
         "more than 2^31"},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        stn_error err = {.status = STN_OK};
        stn_graph *graph;
        if (build(list[i].text, &graph, &err) == STN_OK)
            fail_msg("case %zu was not refused: %s", i, list[i].part);
        if (!strstr(err.text, list[i].part) || !strstr(err.text, "net.yaml:"))
            fail_msg("'%s' lacks '%s'", err.text, list[i].part);
    }
}

static void initial_weights_have_the_deviation_of_he(void **state)
{
    (void)state;
    stn_graph *graph = load("lenet5", NULL), *again = load("lenet5", NULL);
    stn_graph_init(graph, 7);
    stn_graph_init(again, 7);
    const stn_param *w = stn_graph_param(graph, "fc1.weight");
    double squares = 0.0;
    for (size_t i = 0; i < w->count; i++)
        squares += (double)w->latent[i] * (double)w->latent[i];
    /* 48 000 draws: the deviation's own error is about 0.3 %. */
    const double deviation = sqrt(squares / (double)w->count);
    assert_true(fabs(deviation / sqrt(2.0 / 400) - 1) < 0.02);
    assert_memory_equal(w->latent, stn_graph_param(again, "fc1.weight")->latent,
                        w->count * sizeof(float));
    stn_graph_init(again, 8);
    assert_memory_not_equal(w->latent,
                            stn_graph_param(again, "fc1.weight")->latent,
                            w->count * sizeof(float));
    stn_graph_destroy(graph);
    stn_graph_destroy(again);
}

static void placed_buffers_never_overlap_in_life(void **state)
{
    (void)state;
    stn_placed items[40];
    size_t sum = 0;
    for (int i = 0; i < 40; i++) {
        items[i] = (stn_placed){.size = (size_t)(i * 7 % 5) * 16,
                                .first = i * 11 % 23};
        items[i].last = items[i].first + i * 3 % 4;
        sum += items[i].size;
    }
    const size_t total = stn_place(items, 40);
    assert_true(total < sum);
    for (int i = 0; i < 40; i++)
        for (int j = 0; j < i; j++) {
            const stn_placed *a = &items[i], *b = &items[j];
            const bool time = a->first <= b->last && b->first <= a->last;
            const bool room = a->offset < b->offset + b->size &&
                              b->offset < a->offset + a->size;
            assert_false(time && room && a->size && b->size);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lenet5_has_61706_weights),
        cmocka_unit_test(resnet20_has_the_published_shapes),
        cmocka_unit_test(bdnet_follows_its_parameters),
        cmocka_unit_test(bdnet_baseline_is_float),
        cmocka_unit_test(unknown_override_is_refused),
        cmocka_unit_test(names_resolve_innermost_first),
        cmocka_unit_test(mistakes_are_refused_with_file_and_line),
        cmocka_unit_test(initial_weights_have_the_deviation_of_he),
        cmocka_unit_test(placed_buffers_never_overlap_in_life),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
