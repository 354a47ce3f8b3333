/* SPDX-License-Identifier: MIT
 *
 * Recipes: what `when:` lays over the root, what is refused and where. */
#include "tiny.h"

#include "train/model.h"

#include <math.h>

static int set_up(void **unused)
{
    (void)unused;
    make_folder("test_recipe");
    return 0;
}

static stn_status load_variant(const char *file, const char *variant,
                               const char *budget, stn_recipe **out,
                               stn_error *err)
{
    stn_recipe_choice choice = {.variant = variant, .budget = budget};
    char path[512];

    snprintf(path, sizeof(path), "%s/%s", folder, file);
    return stn_recipe_load(path, &choice, out, err);
}

static void sections_are_laid_over_in_order(void **unused)
{
    stn_recipe *recipe;
    stn_error err;

    (void)unused;
    assert_ok(load_variant("tiny.yaml", NULL, NULL, &recipe, &err), err);
    assert_string_equal(recipe->variant, "sparse");
    assert_string_equal(recipe->budget, "quick");
    assert_int_equal(recipe->epochs, 3);
    assert_int_equal(recipe->compress->n_children, 5);
    stn_recipe_destroy(recipe);
    assert_ok(load_variant("tiny.yaml", "plain", "full", &recipe, &err), err);
    assert_int_equal(recipe->epochs, 6);
    assert_int_equal(recipe->compress->n_children, 0);
    stn_recipe_destroy(recipe);
}

static void resolved_recipe_restores_to_itself(void **unused)
{
    stn_recipe *recipe, *again;
    stn_error err;
    char *text, *network, *text_again;

    (void)unused;
    assert_ok(load_variant("tiny.yaml", "sparse", "full", &recipe, &err), err);
    assert_ok(stn_yaml_dump(stn_yaml_root(recipe->document), &text, &err), err);
    assert_ok(stn_yaml_dump(stn_yaml_root(recipe->network), &network, &err),
              err);
    assert_ok(stn_recipe_restore(text, network, &again, &err), err);
    assert_ok(stn_yaml_dump(stn_yaml_root(again->document), &text_again, &err),
              err);
    assert_string_equal(text, text_again);
    assert_int_equal(again->epochs, 6);
    assert_true(again->penalise_until == recipe->penalise_until);
    stn_free(text);
    stn_free(network);
    stn_free(text_again);
    stn_recipe_destroy(recipe);
    stn_recipe_destroy(again);
}

static void rules_may_use_constants_and_parameters(void **unused)
{
    static const char *const set[] = {
        "constants={share: 0.25}",
        "compress=[{layers: pw, group: p/2, "
        "quantiser: {sparse_binary: {threshold: $share}}}]"};
    stn_recipe_choice choice = {.set = set, .n_set = 2};
    stn_recipe *recipe;
    stn_model *model;
    stn_error err;
    char path[512];

    (void)unused;
    snprintf(path, sizeof(path), "%s/tiny.yaml", folder);
    assert_ok(stn_recipe_load(path, &choice, &recipe, &err), err);
    assert_ok(stn_model_create(recipe, 1, &model, &err), err);
    assert_int_equal(model->compression->n, 1);
    assert_int_equal(model->compression->bindings[0].groups.chunk, 2);
    assert_true(*(float *)model->compression->bindings[0].quantiser_attrs ==
                0.25f);
    stn_model_destroy(model);
}

static void initial_width_follows_the_fan(void **unused)
{
    static const char *const set[] = {"init=fan_out"};
    stn_recipe_choice choice = {.set = set};
    float weight[2] = {0};
    char path[512];

    (void)unused;
    snprintf(path, sizeof(path), "%s/tiny.yaml", folder);
    for (choice.n_set = 0; choice.n_set < 2; choice.n_set++) {
        stn_recipe *recipe;
        stn_model *model;
        stn_error err;

        assert_ok(stn_recipe_load(path, &choice, &recipe, &err), err);
        assert_ok(stn_model_create(recipe, 1, &model, &err), err);
        weight[choice.n_set] =
            stn_graph_param(model->graph, "dw.weight")->latent[0];
        stn_model_destroy(model);
    }
    /* 8 depthwise kernels of 9: fan-in 9, fan-out 72. */
    assert_float_equal(weight[1], weight[0] / sqrtf(8), 1e-6f);
}

/* A recipe that is fine but for one line (the sixth). */
static void write_bad(const char *line)
{
    char text[1024];

    snprintf(text, sizeof(text),
             "id: bad\nnetwork: tiny-network.yaml\ndata: bars\n"
             "variants: [a, b]\nepochs: 1\n%s\n",
             line);
    write_text("bad.yaml", text);
}

static void every_recipe_error_has_file_and_line(void **unused)
{
    static const struct {
        const char *line, *part;
    } cases[] = {
        {"batches: 3", "batch"},
        {"batch: 30", "shards"},
        {"batch: no", "bad.yaml:6"},
        {"shards: 0", "shards"},
        {"penalise_until: 1.5", "penalise_until"},
        {"augment: {crop: 3}", "crop"},
        {"optimiser: {sgd: {lr: -1}}", "lr"},
        {"optimiser: {sgd: {}, adam: {}}", "one name"},
        {"optimiser: lion", "lion"},
        {"distil: {share: 0.5}", "no 'widths'"},
        {"schedule: {cosine: {milestones: 0.5}}", "milestones"},
        {"init: fan", "fan"},
        {"when: {variant: {c: {batch: 8}}}", "'c'"},
        {"when: {budget: {huge: {batch: 8}}}", "'huge'"},
        {"when: {seed: {1: {batch: 8}}}", "'seed'"},
        {"when: {data+budget: {bars: {batch: 8}}}", "too few"},
        {"when: {variant: {a: {bach: 8}}}", "bach"},
        {"when: {variant: {a: {when: {}}}}", "when"},
    };
    char lines[64];

    (void)unused;
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        stn_recipe *recipe;
        stn_error err;

        write_bad(cases[k].line);
        assert_refused(load_variant("bad.yaml", NULL, NULL, &recipe, &err), err,
                       STN_E_FORMAT, cases[k].part);
        snprintf(lines, sizeof(lines), "bad.yaml:6");
        if (!strstr(err.text, lines))
            fail_msg("no %s in: %s", lines, err.text);
    }
}

static void unknown_names_are_refused_with_what_exists(void **unused)
{
    static const char *const bad_set[] = {"epoch=3"};
    stn_recipe_choice choice = {.set = bad_set, .n_set = 1};
    stn_recipe *recipe;
    stn_error err;
    char path[512];

    (void)unused;
    assert_refused(load_variant("tiny.yaml", "dense", NULL, &recipe, &err), err,
                   STN_E_FORMAT, "sparse, plain");
    assert_refused(load_variant("tiny.yaml", NULL, "huge", &recipe, &err), err,
                   STN_E_ARGUMENT, "huge");
    assert_refused(load_variant("none.yaml", NULL, NULL, &recipe, &err), err,
                   STN_E_NOT_FOUND, "none.yaml");
    snprintf(path, sizeof(path), "%s/tiny.yaml", folder);
    assert_refused(stn_recipe_load(path, &choice, &recipe, &err), err,
                   STN_E_FORMAT, "epoch");
    choice.set = (const char *const[]){"constants.lamda=3"};
    assert_refused(stn_recipe_load(path, &choice, &recipe, &err), err,
                   STN_E_ARGUMENT, "no constants to set");
    choice.set = (const char *const[]){"constants={lambda: 2}",
                                       "constants.lamda=3"};
    choice.n_set = 2;
    assert_refused(stn_recipe_load(path, &choice, &recipe, &err), err,
                   STN_E_FORMAT, "did you mean \"lambda\"");
    choice.n_set = 1;
    choice.set = (const char *const[]){"epochs"};
    assert_refused(stn_recipe_load(path, &choice, &recipe, &err), err,
                   STN_E_ARGUMENT, "epochs");
}

static void shipped_recipes_resolve_for_every_variant(void **unused)
{
    static const struct {
        const char *name, *variant, *data;
    } cases[] = {
        {"lenet5", NULL, "mnist"},           {"lenet5", NULL, "cifar10"},
        {"resnet20", NULL, "cifar10"},       {"resnet20", NULL, NULL},
        {"bdnet", "wpc", "cifar10"},         {"bdnet", "lasso", "mnist"},
        {"bdnet", "dense", "fashion-mnist"}, {"bdnet", "baseline", "mnist"},
    };

    (void)unused;
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        stn_recipe_choice choice = {.variant = cases[k].variant,
                                    .data = cases[k].data,
                                    .budget = k % 2 ? "full" : "quick"};
        stn_recipe *recipe;
        stn_model *model;
        stn_error err;

        assert_ok(stn_recipe_load(cases[k].name, &choice, &recipe, &err), err);
        assert_ok(stn_model_create(recipe, 1, &model, &err), err);
        assert_int_equal(model->graph->input.c,
                         strcmp(recipe->data, "cifar10") == 0 ? 3 : 1);
        stn_model_destroy(model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_are_laid_over_in_order),
        cmocka_unit_test(resolved_recipe_restores_to_itself),
        cmocka_unit_test(rules_may_use_constants_and_parameters),
        cmocka_unit_test(initial_width_follows_the_fan),
        cmocka_unit_test(every_recipe_error_has_file_and_line),
        cmocka_unit_test(unknown_names_are_refused_with_what_exists),
        cmocka_unit_test(shipped_recipes_resolve_for_every_variant),
    };

    return cmocka_run_group_tests(tests, set_up, remove_folder);
}
