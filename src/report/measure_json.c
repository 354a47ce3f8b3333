/* SPDX-License-Identifier: MIT
 *
 * A measured run as JSON, the input of the report. Ternary and binary weights
 * go along as base64 of two bits a code (0, +1, -1 as 0, 1, 2; code i at bits
 * 2 (i mod 4) of byte i/4), so that the report can draw them. */
#include "base/file.h"
#include "base/json.h"
#include "report/measure.h"
#include <string.h>

/* Larger layers are drawn by their live groups only. */
#define MOST_CODES (1u << 20)

/* ---- base64 (RFC 4648) */

static char *base64(const uint8_t *bytes, size_t n)
{
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = stn_alloc((n + 2) / 3 * 4 + 1, 1);
    if (!text)
        return NULL;
    char *p = text;
    for (size_t i = 0; i < n; i += 3) {
        uint32_t word = (uint32_t)bytes[i] << 16;
        word |= i + 1 < n ? (uint32_t)bytes[i + 1] << 8 : 0;
        word |= i + 2 < n ? (uint32_t)bytes[i + 2] : 0;
        *p++ = DIGITS[word >> 18];
        *p++ = DIGITS[word >> 12 & 63];
        *p++ = i + 1 < n ? DIGITS[word >> 6 & 63] : '=';
        *p++ = i + 2 < n ? DIGITS[word & 63] : '=';
    }
    return text;
}

static stn_status write_codes(const stn_measure_layer *l, stn_json_writer *w,
                              stn_error *err)
{
    size_t n = (l->n_weights + 3) / 4;
    uint8_t *packed = stn_alloc(n, 1);
    if (!packed)
        return stn_fail_memory(err, "weights of a report");
    for (size_t i = 0; i < l->n_weights; i++) {
        unsigned digit = l->codes[i] > 0 ? 1 : l->codes[i] < 0 ? 2 : 0;
        packed[i / 4] |= (uint8_t)(digit << i % 4 * 2);
    }
    char *text = base64(packed, n);
    stn_free(packed);
    if (!text)
        return stn_fail_memory(err, "weights of a report");
    stn_json_string(w, "code_bits", text);
    stn_free(text);
    return STN_OK;
}

/* ---- parts */

static stn_status write_layer(const stn_measure_layer *l, stn_json_writer *w,
                              stn_error *err)
{
    stn_json_begin_object(w, NULL);
    stn_json_string(w, "name", l->name);
    stn_json_string(w, "op", l->op);
    stn_json_string(w, "code", l->code);
    stn_json_begin_array(w, "shape");
    stn_json_int(w, NULL, l->out);
    stn_json_int(w, NULL, l->kh);
    stn_json_int(w, NULL, l->kw);
    stn_json_int(w, NULL, l->in);
    stn_json_end_array(w);
    stn_json_int(w, "weights", (int64_t)l->n_weights);
    stn_json_int(w, "nonzero", (int64_t)l->n_nonzero);
    stn_json_int(w, "bytes", (int64_t)l->weight_bytes);
    stn_json_int(w, "stored", (int64_t)l->n_stored);
    stn_json_int(w, "value_bits", (int64_t)l->value_bits);
    stn_json_int(w, "index_bits", (int64_t)l->index_bits);
    stn_json_int(w, "chunk", l->chunk);
    stn_json_int(w, "groups", l->n_groups);
    stn_json_int(w, "live", l->n_live);
    stn_json_number(w, "add_subtract", l->add_subtract);
    stn_json_number(w, "multiply", l->multiply);
    stn_json_number(w, "rescale", l->rescale);
    stn_status status = STN_OK;
    bool drawn = !strcmp(l->code, "ternary") || !strcmp(l->code, "binary");
    if (drawn && l->codes && l->n_weights <= MOST_CODES)
        status = write_codes(l, w, err);
    stn_json_end_object(w);
    return status;
}

static void write_cost(const stn_cost *cost, stn_json_writer *w)
{
    stn_json_begin_array(w, "energy_j"); /* by component */
    for (int c = 0; c < STN_COMPONENT_COUNT; c++)
        stn_json_number(w, NULL, cost->energy_j[c]);
    stn_json_end_array(w);
    stn_json_number(w, "latency_s", cost->latency_s);
    stn_json_number(w, "area_m2", stn_cost_area_m2(cost));
    stn_json_begin_array(w, "area_by_part_m2");
    for (int k = 0; k < STN_PART_COUNT; k++)
        stn_json_number(w, NULL, cost->area_m2[k]);
    stn_json_end_array(w);
    stn_json_int(w, "sub_arrays", (int64_t)cost->sub_arrays);
    stn_json_number(w, "utilisation", cost->utilisation);
}

static void write_simulation(const stn_simulation *s, stn_json_writer *w)
{
    stn_json_begin_object(w, "simulation");
    stn_json_string(w, "machine", s->machine);
    stn_json_int(w, "pictures", s->n_pictures);
    stn_json_begin_array(w, "components");
    for (int c = 0; c < STN_COMPONENT_COUNT; c++)
        stn_json_string(w, NULL, stn_component_name((stn_component)c));
    stn_json_end_array(w);
    stn_json_begin_array(w, "parts");
    for (int k = 0; k < STN_PART_COUNT; k++)
        stn_json_string(w, NULL, stn_part_name((stn_part)k));
    stn_json_end_array(w);
    write_cost(&s->total, w);
    stn_json_number(w, "programming_energy_j", s->programming_energy_j);
    stn_json_number(w, "programming_latency_s", s->programming_latency_s);
    stn_json_number(w, "writes_per_picture", s->writes);
    stn_json_number(w, "lifetime_pictures", s->lifetime);
    stn_json_begin_array(w, "layers");
    for (int i = 0; i < s->n_layers; i++) {
        stn_json_begin_object(w, NULL);
        stn_json_string(w, "name", s->layers[i].name);
        write_cost(&s->layers[i].cost, w);
        stn_json_end_object(w);
    }
    stn_json_end_array(w);
    /* One row an event of a layer: layer, event, count, energy, latency. */
    stn_json_begin_array(w, "layer_events");
    for (int i = 0; i < s->n_layer_events; i++) {
        const stn_layer_event *e = &s->layer_events[i];
        stn_json_begin_array(w, NULL);
        stn_json_int(w, NULL, e->layer);
        stn_json_int(w, NULL, e->event);
        stn_json_number(w, NULL, e->count);
        stn_json_number(w, NULL, e->energy_j);
        stn_json_number(w, NULL, e->latency_s);
        stn_json_end_array(w);
    }
    stn_json_end_array(w);
    stn_json_begin_array(w, "events");
    for (int i = 0; i < s->n_events; i++) {
        stn_json_begin_object(w, NULL);
        stn_json_string(w, "name", s->events[i].name);
        stn_json_string(w, "unit", s->events[i].unit);
        stn_json_int(w, "component", (int64_t)s->events[i].component);
        stn_json_number(w, "count", s->events[i].count);
        stn_json_number(w, "energy_j", s->events[i].energy_j);
        stn_json_end_object(w);
    }
    stn_json_end_array(w);
    stn_json_end_object(w);
}

/* An array of objects, whose members `write` adds. */
typedef struct list {
    const void *items;
    int n;
    size_t size; /* of an item */
    void (*write)(const void *item, stn_json_writer *w);
} list;

static void write_list(const char *key, const list *l, stn_json_writer *w)
{
    stn_json_begin_array(w, key);
    for (int i = 0; i < l->n; i++) {
        stn_json_begin_object(w, NULL);
        l->write((const char *)l->items + (size_t)i * l->size, w);
        stn_json_end_object(w);
    }
    stn_json_end_array(w);
}

static void write_bits(const void *item, stn_json_writer *w)
{
    const stn_measure_bits *b = item;
    stn_json_int(w, "bits", b->bits);
    stn_json_number(w, "accuracy", b->accuracy);
    stn_json_number(w, "energy_j", b->energy_j);
    stn_json_number(w, "latency_s", b->latency_s);
    stn_json_number(w, "stochastic_accuracy", b->stochastic_accuracy);
    stn_json_int(w, "products", (int64_t)b->counts.products);
    stn_json_int(w, "cycles", (int64_t)b->counts.cycles);
    stn_json_int(w, "input_cycles", (int64_t)b->counts.input_cycles);
}

static void write_window(const void *item, stn_json_writer *w)
{
    const stn_window *x = item;
    stn_json_int(w, "window", x->window);
    stn_json_number(w, "accuracy", x->accuracy);
    stn_json_number(w, "spikes", x->spikes);
    stn_json_number(w, "weight_reads", x->weight_additions);
    stn_json_number(w, "sum_additions", x->sum_additions);
    stn_json_number(w, "energy_j", x->energy_j);
    stn_json_number(w, "latency_s", x->latency_s);
}

static void write_adc(const void *item, stn_json_writer *w)
{
    const stn_measure_adc *a = item;
    stn_json_string(w, "resolution", a->resolution);
    stn_json_int(w, "images", a->n_images);
    stn_json_number(w, "accuracy", a->accuracy);
    stn_json_number(w, "exact", a->exact);
    stn_json_number(w, "energy_j", a->energy_j);
    stn_json_number(w, "converter_j", a->converter_j);
    stn_json_number(w, "latency_s", a->latency_s);
}

static void write_verification(const void *item, stn_json_writer *w)
{
    const stn_verification *v = item;
    stn_json_string(w, "executor", v->executor);
    stn_json_int(w, "images", v->n);
    stn_json_int(w, "mismatches", v->n_mismatches);
    stn_json_number(w, "seconds", v->seconds);
}

/* The program again: with fewer bits, in windows, on other converters. */
static void write_lists(const stn_measure *m, stn_json_writer *w)
{
    write_list("bits", &(list){m->bits, m->n_bits, sizeof *m->bits, write_bits},
               w);
    write_list(
        "windows",
        &(list){m->windows, m->n_windows, sizeof *m->windows, write_window}, w);
    write_list("converters",
               &(list){m->adcs, m->n_adcs, sizeof *m->adcs, write_adc}, w);
    write_list("verification",
               &(list){m->verified, m->n_verified, sizeof *m->verified,
                       write_verification},
               w);
}

/* ---- the log of training: one object a line */

/* The numbers of one record; texts are left out. */
static stn_status write_epoch(const char *path, const char *line, size_t n,
                              stn_json_writer *w, stn_error *err)
{
    stn_json_document *document = NULL;
    STN_TRY(stn_json_parse(path, line, n, &document, err));
    stn_json_begin_object(w, NULL);
    const stn_json *root = stn_json_root(document);
    for (const stn_json *m = root->first; m; m = m->next)
        if (m->key && m->kind == STN_JSON_NUMBER)
            stn_json_number(w, m->key, m->number);
    stn_json_end_object(w);
    stn_json_destroy(document);
    return STN_OK;
}

static stn_status write_epochs(const char *run, stn_json_writer *w,
                               stn_error *err)
{
    char path[600];
    uint8_t *bytes = NULL;
    size_t size = 0;
    STN_TRY(stn_path_format(path, sizeof path, err, "%s/log.jsonl", run));
    stn_json_begin_array(w, "epochs");
    stn_status status = STN_OK;
    if (stn_file_exists(path))
        status = stn_file_read(path, &bytes, &size, err);
    const char *line = (const char *)bytes;
    while (status == STN_OK && bytes && *line) {
        size_t n = strcspn(line, "\n");
        if (n)
            status = write_epoch(path, line, n, w, err);
        line += n + (line[n] == '\n');
    }
    stn_json_end_array(w);
    stn_free(bytes);
    return status;
}

/* ---- the whole */

stn_status stn_measure_write(const stn_measure *m, stn_json_writer *w,
                             stn_error *err)
{
    stn_measure_sum sum = stn_measure_total(m, NULL);
    stn_json_begin_object(w, NULL);
    stn_json_string(w, "variant", m->variant);
    stn_json_string(w, "title", m->title);
    stn_json_string(w, "data", m->data);
    stn_json_string(w, "network", m->network);
    stn_json_string(w, "run", m->run);
    stn_json_string(w, "note", m->note);
    stn_json_bool(w, "float", m->is_float);
    stn_json_number(w, "accuracy", m->accuracy);
    stn_json_number(w, "graph_accuracy", m->graph_accuracy);
    stn_json_number(w, "training_seconds", m->train_s);
    if (m->n_seeds) {
        stn_json_begin_array(w, "seed_accuracy");
        for (int i = 0; i < m->n_seeds; i++)
            stn_json_number(w, NULL, m->seed_accuracy[i]);
        stn_json_end_array(w);
    }
    stn_json_int(w, "test_images", m->n_images);
    stn_json_number(w, "images_per_s", m->images_per_s);
    stn_json_number(w, "file_bytes", m->file_bytes);
    stn_json_number(w, "weight_bytes", sum.weight_bytes);
    stn_json_number(w, "add_subtract", sum.add_subtract);
    stn_json_number(w, "multiply", sum.multiply);
    stn_json_number(w, "rescale", sum.rescale);
    stn_json_number(w, "group_density", stn_measure_group_density(&sum));
    stn_json_number(w, "compression", stn_measure_compression(&sum));
    if (m->simulation)
        write_simulation(m->simulation, w);
    write_lists(m, w);
    stn_status status = m->run[0] ? write_epochs(m->run, w, err) : STN_OK;
    stn_json_begin_array(w, "layers");
    for (int i = 0; i < m->n_layers && status == STN_OK; i++)
        status = write_layer(&m->layers[i], w, err);
    stn_json_end_array(w);
    stn_json_end_object(w);
    return status;
}

void stn_measure_write_machine(const stn_machine *machine, stn_json_writer *w)
{
    const stn_figure *figures = NULL;
    size_t n = stn_machine_figures(machine, &figures);
    stn_json_string(w, "pim", stn_machine_title(machine));
    stn_json_begin_array(w, "figures");
    for (size_t i = 0; i < n; i++) {
        stn_json_begin_object(w, NULL);
        stn_json_string(w, "machine", stn_machine_name(machine));
        stn_json_string(w, "key", figures[i].key);
        stn_json_number(w, "value", figures[i].value);
        stn_json_string(w, "unit", figures[i].unit);
        stn_json_string(w, "source", figures[i].source);
        stn_json_string(w, "confidence", figures[i].confidence);
        stn_json_end_object(w);
    }
    stn_json_end_array(w);
}
