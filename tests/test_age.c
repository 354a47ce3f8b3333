/* SPDX-License-Identifier: MIT
 *
 * Weights that have been kept: as many bits have flipped as the closed form
 * says of a junction of that age, always the same ones, and nothing but them.
 * Junctions have a barrier of 40 kT here, so that there is something to see. */
#include "test.h"
#include "accel/bitwise_noise.h"
#include "programs.h"
#include <math.h>

enum { PICTURES = 4 };

typedef struct fixture {
    stn_program_image *image;
    const stn_program *p;
    uint8_t *pixels;
    size_t bytes; /* of logits */
} fixture;

/* A convolution and two fully connected layers, of three codes. */
static fixture begin(void)
{
    stn_error err;
    fixture f = {.image = new_image((stn_shape){8, 8, 16}, 4)};
    int v =
        append_sum(f.image, "conv", 0, STN_CONV, STN_CODE_TERNARY, 24, 3, 1, 2);
    v = append_rescale(f.image, "act1", v, 0, STN_TYPE_U8, 6);
    v = append_pool(f.image, "pool", v, STN_MAX_POOL, 8);
    v = append_sum(f.image, "fc1", v, STN_CONV, STN_CODE_BINARY, 160, 1, 0, 4);
    v = append_rescale(f.image, "act2", v, 0, STN_TYPE_S8, 12);
    v = append_sum(f.image, "fc2", v, STN_CONV, STN_CODE_INT8, 4, 1, 0, 4);
    append_rescale(f.image, "logits", v, 0, STN_TYPE_S32, 0);
    assert_ok(stn_program_check(f.image, "kept", &err), err);
    f.p = &f.image->program;
    f.bytes = PICTURES * (size_t)f.p->n_classes * sizeof(int32_t);
    size_t n = PICTURES * stn_shape_count(f.p->input);
    f.pixels = stn_alloc(n, 1);
    stn_rng rng = stn_rng_make(4, STN_RNG_TEST, 0);
    for (size_t i = 0; i < n; i++)
        f.pixels[i] = (uint8_t)stn_rng_u64(&rng);
    return f;
}

static void end(fixture *f)
{
    stn_free(f->pixels);
    stn_program_destroy(&f->image->program);
}

/* `sets` are ended by NULL; the barrier is lowered. */
static stn_machine *load(const char *name, const char *const *sets,
                         stn_mtj *low)
{
    stn_error err;
    stn_machine *machine = NULL;
    int n = 0;
    while (sets[n])
        n++;
    assert_ok(stn_machine_load(name, sets, n, &machine, &err), err);
    if (machine->aged) {
        *low = *machine->aged;
        low->anisotropy_t *= 40.0 / stn_mtj_stability(low);
        machine->aged = low;
    }
    return machine;
}

/* ---- how many */

/* Of bits that were 0 and 1. */
typedef struct tally {
    double expected[2], variance[2], flipped[2];
} tally;

/* A layer's weights and what is expected of them. */
typedef struct kept {
    uint64_t *before;
    tally own, ones; /* of the row of ones of binary weights */
} kept;

static void count_row(tally *k, const uint64_t *before, const uint64_t *after,
                      int columns, const double chance[2])
{
    for (int c = 0; c < columns; c++) {
        int was = before[c / 64] >> (c % 64) & 1;
        int is = after[c / 64] >> (c % 64) & 1;
        k->expected[was] += chance[was];
        k->variance[was] += chance[was] * (1.0 - chance[was]);
        k->flipped[was] += was != is;
    }
}

/* Half of what the adder does with an input whose bits are all 1. */
static double reads_by_adder(int input_bits, int width, int weight_bits, int k)
{
    double reads = 0.0;
    for (int shift = 0; shift < input_bits; shift++)
        for (int row = shift; row < width; row++) {
            int met = row - shift;
            reads += k == (met < weight_bits ? met : weight_bits - 1);
        }
    return 0.5 * reads;
}

/* Each input's row 0 is that of its chunk where there is one of ones. */
static void count_ones(const bw_mapping *m, const bw_layer *l, int input,
                       double reads, kept *k)
{
    const bw_neurons *n = &l->neurons;
    const bw_value *y = &m->values[l->in->output];
    size_t stride = (size_t)n->weight_bits * (size_t)y->words;
    const uint64_t *first =
        n->planes + (size_t)(input / n->per_chunk * n->per_chunk) * stride;
    double chance[2];
    stn_mtj_flips(m->machine->aged, m->machine->age_s,
                  m->machine->pictures * reads * n->n_synapses, chance);
    assert_memory_equal(first, n->planes + (size_t)input * stride,
                        (size_t)y->words * sizeof *first);
    if (input % n->per_chunk == 0)
        count_row(&k->ones, k->before, first, y->columns, chance);
}

static void count_neurons(const bw_mapping *m, const bw_layer *l, kept *k)
{
    const bw_neurons *n = &l->neurons;
    const bw_value *y = &m->values[l->in->output];
    const int bits = m->values[l->in->inputs[0]].bits;
    double all = 0.0, posted = 0.0;
    for (int i = 0; i < n->n_synapses; i++)
        for (int b = 0; b < n->weight_bits; b++) {
            size_t row = (size_t)i * (size_t)n->weight_bits + (size_t)b;
            size_t at = row * (size_t)y->words;
            double chance[2];
            double reads = reads_by_adder(bits, y->bits, n->weight_bits, b);
            all += 2.0 * reads;
            reads *= l->steps;
            stn_mtj_flips(m->machine->aged, m->machine->age_s,
                          m->machine->pictures * reads, chance);
            if (b < n->weight_bits - n->stored_bits)
                count_ones(m, l, i, reads, k);
            else
                count_row(&k->own, k->before + at, n->planes + at, y->columns,
                          chance);
        }
    for (int c = 0; c < l->n_parts; c++)
        posted += (double)(l->parts[c].row.total[STN_EVENT_row_logic2] +
                           l->parts[c].row.total[STN_EVENT_row_logic3]);
    assert_true(all == posted);
}

/* How often a row is activated is in the ledger, for all rows together. */
static void count_copies(const bw_mapping *m, const bw_layer *l, kept *k)
{
    stn_error err;
    stn_ledger ledger = {0};
    const bw_count *c = &l->count;
    assert_ok(stn_ledger_init(&ledger, m->program->n_instructions, &err), err);
    bw_predict(m, NULL, &ledger);
    const stn_ledger_row *row = &ledger.rows[l - m->layers];
    size_t rows = (size_t)(l->in->weights.out * c->planes);
    double reads = (double)row->total[STN_EVENT_row_logic2] /
                   ((double)c->slices * c->rows * c->planes * c->replicas);
    double chance[2];
    stn_mtj_flips(m->machine->aged, m->machine->age_s,
                  m->machine->pictures * reads, chance);
    for (size_t r = 0; r < (size_t)c->replicas * rows; r++)
        count_row(&k->own, k->before + r % rows * (size_t)c->words,
                  c->codes + r * (size_t)c->words, c->window, chance);
    stn_ledger_deinit(&ledger);
}

static uint64_t *copy_of(const uint64_t *words, size_t n)
{
    uint64_t *copy = stn_alloc(n, sizeof *copy);
    memcpy(copy, words, n * sizeof *copy);
    return copy;
}

static uint64_t *weights_of(const bw_mapping *m, const bw_layer *l)
{
    if (l->unit == BW_COUNT)
        return copy_of(l->count.codes, (size_t)l->in->weights.out *
                                           (size_t)l->count.planes *
                                           (size_t)l->count.words);
    return copy_of(l->neurons.planes,
                   (size_t)l->neurons.n_synapses *
                       (size_t)l->neurons.weight_bits *
                       (size_t)m->values[l->in->output].words);
}

/* Of that layer, mapped and prepared. */
static kept flips_of(const fixture *f, const char *name, int layer,
                     const char *const *sets)
{
    stn_error err;
    stn_mtj low;
    kept k = {0};
    void *mapping = NULL;
    stn_machine *machine = load(name, sets, &low);
    assert_ok(bw_map(machine, f->p, &mapping, &err), err);
    const bw_mapping *m = mapping;
    const bw_layer *l = &m->layers[layer];
    k.before = weights_of(m, l);
    assert_ok(bw_prepare(mapping, &err), err);
    if (l->unit == BW_COUNT)
        count_copies(m, l, &k);
    else
        count_neurons(m, l, &k);
    assert_true((double)l->placement.flipped_bits ==
                k.own.flipped[0] + k.own.flipped[1] + k.ones.flipped[1]);
    bw_unmap(mapping);
    stn_machine_destroy(machine);
    stn_free(k.before);
    return k;
}

static void assert_expected(const tally *k, const char *what)
{
    for (int was = 0; was < 2; was++)
        if (fabs(k->flipped[was] - k->expected[was]) >
            5.0 * sqrt(k->variance[was]))
            fail_msg("%s: %g bits of %d flipped, expected %g +- %g", what,
                     k->flipped[was], was, k->expected[was],
                     sqrt(k->variance[was]));
}

typedef struct kept_layer {
    const char *machine;
    int layer;
    const char *pictures;
} kept_layer;

/* By reading, by heat, and by both. */
static void check_layer(const fixture *f, const kept_layer *c)
{
    for (int how = 1; how <= 3; how++) {
        char read[64], what[64];
        snprintf(read, sizeof read, "device.pictures=%s",
                 how & 1 ? c->pictures : "0");
        snprintf(what, sizeof what, "%.20s, layer %d, %d", c->machine, c->layer,
                 how);
        const char *sets[] = {"device.name=stt-mtj", read,
                              how & 2 ? "device.age=1e8" : "device.age=0",
                              "options.replicas=2", NULL};
        kept k = flips_of(f, c->machine, c->layer, sets);
        assert_true(k.own.expected[0] > 30.0);
        assert_true(how & 2 ? k.own.expected[1] > 30.0
                            : k.own.flipped[1] == 0.0);
        assert_expected(&k.own, what);
        assert_expected(&k.ones, what);
    }
}

static void bits_flip_as_often_as_the_junction_says(void **state)
{
    (void)state;
    /* The more windows, the more readings. */
    static const kept_layer cases[] = {{"imce", 0, "1"},
                                       {"imce", 3, "20"},
                                       {"bdnet-sot", 3, "6"},
                                       {"bdnet-sot", 5, "20"}};
    fixture f = begin();
    for (int i = 0; i < 4; i++)
        check_layer(&f, &cases[i]);
    end(&f);
    fixture spiking = {.image = tiny_spiking()};
    stn_error err;
    assert_ok(stn_program_check(spiking.image, "spikes", &err), err);
    spiking.p = &spiking.image->program;
    check_layer(&spiking, &(kept_layer){"imce", 1, "1"});
    end(&spiking);
}

/* Copies age apart, and each position meets its own. */
static void copies_of_weights_are_other_cells(void **state)
{
    (void)state;
    stn_error err;
    stn_mtj low;
    void *mapping = NULL;
    const char *sets[] = {"device.name=stt-mtj", "device.age=1e8",
                          "options.replicas=2", NULL};
    fixture f = begin();
    int32_t logits[2][4];
    stn_ledger ledger = {0};
    stn_machine *machine = load("imce", sets, &low);
    assert_null(machine->device);
    assert_ok(bw_map(machine, f.p, &mapping, &err), err);
    assert_ok(bw_prepare(mapping, &err), err);
    assert_ok(stn_ledger_init(&ledger, f.p->n_instructions, &err), err);
    void *scratch = stn_alloc(bw_scratch_bytes(mapping), 1);
    bw_count *c = &((bw_mapping *)mapping)->layers[0].count;
    uint64_t *second = c->codes + c->copy_words;
    assert_memory_not_equal(c->codes, second, c->copy_words * sizeof *second);
    bw_execute(mapping, f.pixels, logits[0], scratch, &ledger);
    memset(second, 0, c->copy_words * sizeof *second);
    bw_execute(mapping, f.pixels, logits[1], scratch, &ledger);
    assert_memory_not_equal(logits[0], logits[1], sizeof logits[0]);
    stn_free(scratch);
    stn_ledger_deinit(&ledger);
    bw_unmap(mapping);
    stn_machine_destroy(machine);
    end(&f);
}

/* Barriers differ with the cells' areas, and the lowest ones count. */
static void small_cells_forget_first(void **state)
{
    (void)state;
    enum { DRAWS = 200000 };
    const char *sets[] = {"device.name=stt-mtj", "device.age=1e5",
                          "device.spread=3", "options.replicas=8", NULL};
    fixture f = begin();
    kept k = flips_of(&f, "imce", 0, sets);
    stn_mtj low;
    stn_machine *machine = load("imce", sets, &low);
    stn_rng rng = stn_rng_make(6, STN_RNG_TEST, 0);
    double mean = 0.0, chance[2];
    for (int i = 0; i < DRAWS; i++) {
        const stn_mtj_deviation d = stn_mtj_draw(&low, &rng);
        const stn_mtj cell = stn_mtj_cell(&low, &d);
        stn_mtj_flips(&cell, 1e5, 0.0, chance);
        mean += chance[0] / DRAWS;
    }
    stn_mtj_flips(&low, 1e5, 0.0, chance);
    double bits = (k.own.expected[0] + k.own.expected[1]) / chance[0];
    double flipped = k.own.flipped[0] + k.own.flipped[1];
    assert_true(mean > 10.0 * chance[0]);
    assert_true(fabs(flipped - mean * bits) < 6.0 * sqrt(mean * bits));
    stn_machine_destroy(machine);
    end(&f);
}

static void reading_flips_no_spin_orbit_junction(void **state)
{
    (void)state;
    const char *sets[] = {"device.name=sot-mtj", "device.pictures=1e18", NULL};
    fixture f = begin();
    kept k = flips_of(&f, "imce", 0, sets);
    assert_true(k.own.flipped[0] + k.own.flipped[1] == 0.0);
    sets[1] = "device.age=1e8";
    k = flips_of(&f, "imce", 0, sets);
    assert_true(k.own.flipped[0] > 100.0 && k.own.flipped[1] > 100.0);
    end(&f);
}

/* ---- which, and what of it */

static stn_simulation *simulate(const fixture *f, const char *name,
                                const char *const *sets, int threads,
                                int32_t *logits)
{
    stn_error err;
    stn_simulation *s = NULL;
    stn_mtj low;
    stn_machine *machine = load(name, sets, &low);
    stn_simulate_options o = {.pixels = f->pixels,
                              .n_pictures = PICTURES,
                              .threads = threads,
                              .check = STN_CHECK_ALL};
    assert_ok(stn_simulate(machine, f->p, &o, &s, &err), err);
    assert_ok(stn_simulate_classify(machine, f->p, f->pixels, PICTURES, threads,
                                    logits, &err),
              err);
    stn_machine_destroy(machine);
    return s;
}

static void a_chip_of_that_age_has_always_flipped_the_same_bits(void **state)
{
    (void)state;
    static const char *const names[] = {"imce", "bdnet-sot"};
    static const char *const spreads[] = {"device.spread=0", "device.spread=1"};
    fixture f = begin();
    int32_t *one = stn_alloc(f.bytes, 1), *more = stn_alloc(f.bytes, 1);
    for (int i = 0; i < 4; i++) {
        const char *sets[] = {"device.name=stt-mtj", spreads[i / 2],
                              "device.age=1e6",      "device.pictures=0.1",
                              "device.seed=1",       NULL};
        stn_simulation *s = simulate(&f, names[i % 2], sets, 1, one);
        uint64_t flipped = s->n_flipped_bits;
        assert_true(flipped > 0 && flipped < s->n_kept_bits / 4);
        assert_true(s->errs && s->n_inexact > 0);
        assert_int_equal(s->n_mismatches, 0);
        assert_true(s->predicted_equals_counted);
        stn_simulation_destroy(s);
        s = simulate(&f, names[i % 2], sets, 3, more);
        assert_int_equal(s->n_flipped_bits, flipped);
        assert_memory_equal(one, more, f.bytes);
        stn_simulation_destroy(s);
        sets[4] = "device.seed=2";
        stn_simulation_destroy(simulate(&f, names[i % 2], sets, 1, more));
        assert_memory_not_equal(one, more, f.bytes);
    }
    stn_free(one);
    stn_free(more);
    end(&f);
}

static void what_was_just_loaded_is_as_it_was(void **state)
{
    (void)state;
    static const char *const spreads[] = {"device.spread=0",
                                          "device.spread=1.5"};
    fixture f = begin();
    int32_t *one = stn_alloc(f.bytes, 1), *more = stn_alloc(f.bytes, 1);
    for (int i = 0; i < 2; i++) {
        const char *sets[] = {"device.name=stt-mtj", spreads[i], NULL, NULL,
                              NULL};
        stn_simulation *young = simulate(&f, "imce", sets, 1, one);
        sets[2] = "device.age=0";
        sets[3] = "device.pictures=0";
        stn_simulation *same = simulate(&f, "imce", sets, 1, more);
        assert_memory_equal(one, more, f.bytes);
        assert_int_equal(same->errs, i);
        assert_int_equal(same->n_kept_bits, 0);
        assert_int_equal(same->n_inexact, young->n_inexact);
        sets[2] = "device.age=3.16e8";
        stn_simulation *old = simulate(&f, "imce", sets, 1, more);
        assert_memory_not_equal(one, more, f.bytes);
        assert_true(stn_cost_energy_j(&old->total) ==
                    stn_cost_energy_j(&young->total));
        assert_true(old->total.latency_s == young->total.latency_s);
        assert_true(stn_cost_area_m2(&old->total) ==
                    stn_cost_area_m2(&young->total));
        stn_simulation_destroy(young);
        stn_simulation_destroy(same);
        stn_simulation_destroy(old);
    }
    stn_free(one);
    stn_free(more);
    end(&f);
}

static void weights_that_are_written_every_picture_stay_young(void **state)
{
    (void)state;
    stn_error err;
    stn_mtj low;
    void *mapping = NULL;
    const char *sets[] = {"device.name=stt-mtj", "device.age=1e8",
                          "options.stream=true", "options.sub_arrays=8", NULL};
    fixture f = begin();
    stn_machine *machine = load("imce", sets, &low);
    assert_ok(bw_map(machine, f.p, &mapping, &err), err);
    assert_ok(bw_prepare(mapping, &err), err);
    const bw_mapping *m = mapping;
    int streamed = 0;
    for (int i = 0; i < f.p->n_instructions; i++) {
        const stn_placement *p = &m->layers[i].placement;
        bool stays = m->layers[i].unit == BW_COUNT && p->streamed_rows == 0;
        assert_true((p->flipped_bits > 0) == stays);
        assert_true((p->kept_bits > 0) == stays);
        streamed += p->streamed_rows > 0;
    }
    assert_true(streamed > 0);
    bw_unmap(mapping);
    stn_machine_destroy(machine);
    end(&f);
}

static void ages_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"device.age=-1", "age: got -1, expected a number from 0 to 1e+12"},
        {"device.age=old", "age"},
        {"device.pictures=-5",
         "pictures: got -5, expected a number from 0 to 1e+18"},
        {"device.ages=1", "ages"}};
    stn_error err;
    stn_mtj low;
    stn_machine *machine = NULL;
    stn_simulation *s = NULL;
    const char *sets[] = {"device.name=stt-mtj", "device.age=1", NULL};
    fixture f = begin();
    machine = load("dram-ambit", sets, &low);
    assert_refused(
        stn_simulate(machine, f.p, &(stn_simulate_options){0}, &s, &err), err,
        STN_E_UNSUPPORTED, "where rows are sensed");
    stn_machine_destroy(machine);
    for (int i = 0; i < 4; i++) {
        sets[1] = bad[i][0];
        assert_refused(stn_machine_load("imce", sets, 2, &machine, &err), err,
                       STN_E_FORMAT, bad[i][1]);
    }
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_flip_as_often_as_the_junction_says),
        cmocka_unit_test(copies_of_weights_are_other_cells),
        cmocka_unit_test(small_cells_forget_first),
        cmocka_unit_test(reading_flips_no_spin_orbit_junction),
        cmocka_unit_test(a_chip_of_that_age_has_always_flipped_the_same_bits),
        cmocka_unit_test(what_was_just_loaded_is_as_it_was),
        cmocka_unit_test(weights_that_are_written_every_picture_stay_young),
        cmocka_unit_test(ages_that_are_none_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
