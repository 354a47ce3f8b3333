/* SPDX-License-Identifier: MIT
 *
 * What single structures cost in a file and what their readers bear; all of
 * them with every quantiser and penalty are in test_combinations.c. */
#include "planes.h"
#include "base/file.h"
#include "base/safetensors.h"
#include "setun/simulate.h"

/* A machine that adds bits finds the numbers of the reference, too. */
static void an_in_memory_machine_computes_every_structure(void **state)
{
    (void)state;
    stn_error err;
    stn_machine *machine;
    stn_rng rng = stn_rng_make(6, STN_RNG_TEST, 0);
    uint8_t pixels[2 * 9 * 8 * 3];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)stn_rng_below(&rng, 256);
    assert_ok(stn_machine_load("bdnet-sot", NULL, 0, &machine, &err), err);
    for (int s = 0; s < N_STRUCTURES; s++) {
        network net;
        stn_simulation *simulation;
        stn_simulate_options options = {
            .pixels = pixels, .n_pictures = 2, .threads = 1, .check = true};
        build(&net,
              s % 2 ? "binary" : "{uniform: {bits: 3, per_filter: false}}",
              structures[s]);
        stn_program *p = through_a_file(&net);
        assert_ok(stn_simulate(machine, p, &options, &simulation, &err), err);
        assert_int_equal(simulation->n_pictures, 2);
        assert_int_equal(simulation->n_mismatches, 0);
        stn_simulation_destroy(simulation);
        stn_program_destroy(p);
        destroy(&net);
    }
    stn_machine_destroy(machine);
    unlink(path_of());
}

/* Filters of `body` and `fc` that are all 0, as a penalty leaves them: their
 * weights cost nothing, each filter a bit. */
static void emptied_groups_of_any_bits_cost_a_bit(void **state)
{
    (void)state;
    network net;
    build(&net, "{uniform: {bits: 6}}", NULL);
    float *body = net.compression->bindings[2].param->latent; /* 10 x 12 */
    for (int k = 0; k < 4 * 12; k++)
        body[k] = 0;
    apply(&net);
    stn_program *p = through_a_file(&net);
    const stn_weights *w = weights_of(p, "body");
    assert_int_equal(w->layout.structure, STN_GROUPS);
    assert_int_equal(w->value_bits, 6 * 12 * 6);
    assert_int_equal(w->index_bits, 10);
    assert_int_equal(weights_of(p, "fc")->layout.structure, STN_DENSE);
    assert_same_codes(&net, p);
    stn_program_destroy(p);
    destroy(&net);
    unlink(path_of());
}

/* 12 filters in 3 groups of 4 channels: 3 blocks of 4 x 4 x 9 weights, and
 * which of the 3 columns each row keeps. */
static void a_convolution_in_groups_stores_what_it_has(void **state)
{
    (void)state;
    network net;
    build(&net, "{uniform: {bits: 4}}", NULL);
    stn_program *p = through_a_file(&net);
    const stn_weights *w = weights_of(p, "grouped");
    assert_int_equal(w->in, 12);
    assert_int_equal(w->value_bits, 3 * 4 * 4 * 9 * 4);
    assert_int_equal(w->index_bits, 3 * 2);
    stn_program_destroy(p);
    destroy(&net);
    unlink(path_of());
}

/* Section 3b: exactly p times fewer weights, and no index; 14 x 120 by p = 2,
 * which divides. A flattened picture counts as one input a number. */
static void a_permuted_diagonal_over_a_picture_is_exactly_p_fold(void **state)
{
    (void)state;
    network net;
    build(&net, "{uniform: {bits: 4}}", "{permuted_diagonal: {p: 2}}");
    stn_program *p = through_a_file(&net);
    const stn_weights *w = weights_of(p, "flat");
    assert_int_equal(w->kh * w->kw * w->in, 120);
    assert_true(w->layout.flat);
    assert_int_equal(w->value_bits, 14 * 120 / 2 * 4);
    assert_int_equal(w->index_bits, 0);
    assert_int_equal(w->stored_bytes, 14 * 120 / 4);
    stn_program_destroy(p);
    destroy(&net);
    unlink(path_of());
}

static void a_structure_on_a_convolution_in_groups_is_refused(void **state)
{
    (void)state;
    stn_error err;
    stn_program *p;
    network net;
    assert_ok(bind_rules(&net, network_text,
                         "- {layers: \"*\", quantiser: binary}\n"
                         "- {layers: grouped, quantiser: binary, "
                         "structure: {permuted_diagonal: {p: 2}}}\n",
                         &err),
              err);
    apply(&net);
    assert_refused(stn_lower(net.graph, net.compression, NULL, &p, &err), err,
                   STN_E_UNSUPPORTED, "layer grouped: permuted_diagonal");
    destroy(&net);
}

/* Two layers with blocks of 256, one of them over a picture and cut off on
 * both sides: whatever runs them, the bits are those of the reference. */
static void large_circulant_layers_are_exact_by_transforms(void **state)
{
    (void)state;
    static const char text[] =
        "name: large\n"
        "input: {height: 20, width: 18, channels: 3}\n"
        "layers:\n"
        "  - normalise: {mean: 0.5, std: 0.25}\n"
        "  - quantise: {name: pixels, signed: true, fixed: 2}\n"
        "  - linear: {name: one, out: 1000}\n"
        "  - relu\n"
        "  - quantise: {name: a, bits: 8, fixed: 16}\n"
        "  - linear: {name: two, out: 1024}\n"
        "  - relu\n"
        "  - quantise: {name: b, bits: 8, fixed: 16}\n"
        "  - linear: {name: fc, out: 5}\n";
    enum { LARGE = 20 * 18 * 3, N = 3 };
    stn_error err;
    network net;
    uint8_t pixels[N * LARGE];
    int32_t expected[N * 5], got[N * 5];
    stn_rng rng = stn_rng_make(5, STN_RNG_TEST, 0);
    assert_ok(bind_rules(&net, text,
                         "- {layers: \"*\", quantiser: uniform}\n"
                         "- {layers: \"[ot]*\", quantiser: uniform, "
                         "structure: {circulant: {p: 256}}}\n",
                         &err),
              err);
    apply(&net);
    stn_program *p = through_a_file(&net);
    assert_int_equal(weights_of(p, "two")->n_stored, 4 * 4 * 256);
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)stn_rng_below(&rng, 256);
    for (int k = 0; k < N; k++)
        assert_ok(stn_reference_classify(p, pixels + k * LARGE,
                                         expected + k * 5, &err),
                  err);
    for (int level = 0; level <= (int)stn_cpu_detect(); level++) {
        stn_engine_options options = stn_engine_defaults();
        stn_engine *engine;
        int n_transforms = 0;
        options.level = (stn_cpu_level)level;
        options.threads = 2;
        assert_ok(stn_engine_create(p, &options, &engine, &err), err);
        assert_ok(stn_engine_run(engine, pixels, N, got, &err), err);
        assert_memory_equal(got, expected, sizeof got);
        for (int i = 0; i < p->n_instructions; i++)
            n_transforms +=
                strstr(stn_engine_kernel_name(engine, i), "fft") != NULL;
        assert_int_equal(n_transforms, level ? 2 : 0);
        stn_engine_destroy(engine);
    }
    stn_program_destroy(p);
    destroy(&net);
    unlink(path_of());
}

static void flipped_bits_never_crash_the_reader(void **state)
{
    (void)state;
    stn_error err;
    int n_refused = 0;
    for (int s = 0; s < N_STRUCTURES; s++) {
        network net;
        uint8_t *bytes;
        size_t size;
        build(&net, "{uniform: {bits: 3, per_filter: false}}", structures[s]);
        stn_program_destroy(through_a_file(&net));
        assert_ok(stn_file_read(path_of(), &bytes, &size, &err), err);
        for (uint64_t round = 0; round < 300; round++) {
            stn_rng rng = stn_rng_make(round, STN_RNG_TEST, (uint64_t)s);
            uint8_t *copy = malloc(size);
            stn_program *p;
            memcpy(copy, bytes, size);
            for (uint32_t k = 1 + stn_rng_below(&rng, 3); k > 0; k--)
                copy[stn_rng_below(&rng, (uint32_t)size)] ^=
                    (uint8_t)(1u << stn_rng_below(&rng, 8));
            (void)stn_st_seal(copy, size); /* to test what is behind it */
            assert_ok(stn_file_write_atomic(path_of(), copy, size, &err), err);
            free(copy);
            if (stn_program_read(path_of(), &p, &err) == STN_OK) {
                if (p->input.h == 9 && p->input.w == 8 && p->input.c == 3 &&
                    p->n_classes == 5)
                    assert_executors_agree(p);
                stn_program_destroy(p);
            } else {
                n_refused++;
            }
        }
        stn_free(bytes);
        destroy(&net);
    }
    unlink(path_of());
    assert_in_range(n_refused, 301, 300 * N_STRUCTURES - 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_in_memory_machine_computes_every_structure),
        cmocka_unit_test(emptied_groups_of_any_bits_cost_a_bit),
        cmocka_unit_test(a_convolution_in_groups_stores_what_it_has),
        cmocka_unit_test(a_permuted_diagonal_over_a_picture_is_exactly_p_fold),
        cmocka_unit_test(a_structure_on_a_convolution_in_groups_is_refused),
        cmocka_unit_test(large_circulant_layers_are_exact_by_transforms),
        cmocka_unit_test(flipped_bits_never_crash_the_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
