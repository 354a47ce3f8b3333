/* SPDX-License-Identifier: MIT
 *
 * Technologies and cells of the array model that were read before, digital
 * units that were simulated, and converters. A sweep asks for few of them and
 * for many sub-arrays, and reading a file takes as long as modelling dozens of
 * sub-arrays. A full cache forgets its oldest. */
#include "memory/converter.h"
#include "memory/model.h"
#include <stdio.h>
#include <string.h>

#define MAX_KEPT 16
#define MAX_UNITS 128
#define MAX_CELLS 8
#define MAX_CONVERTERS 64

typedef struct kept {
    char set[STN_NAME_CAPACITY], roadmap[8], cell_roadmap[8];
    double node_nm, temperature_k;
    stn_tech tech;
} kept;

typedef struct kept_unit {
    char set[STN_NAME_CAPACITY], roadmap[8];
    stn_unit_request request; /* but for its texts, which are these */
    stn_unit_report report;
} kept_unit;

typedef struct kept_cell {
    const stn_yaml *root;
    stn_cell cell;
} kept_cell;

typedef struct kept_adcs {
    stn_converter of;
    stn_adc_cost adcs[STN_ADC_MOST_BITS];
} kept_adcs;

struct stn_tech_cache {
    kept items[MAX_KEPT];
    int n, oldest;
    kept_unit units[MAX_UNITS];
    int n_units, oldest_unit;
    kept_cell cells[MAX_CELLS];
    int n_cells, oldest_cell;
    kept_adcs converters[MAX_CONVERTERS];
    int n_converters, oldest_converter;
};

stn_status stn_tech_cache_create(stn_tech_cache **out, stn_error *err)
{
    stn_tech_cache *cache = stn_alloc(1, sizeof *cache);
    if (!cache)
        return stn_fail_memory(err, "a cache of technologies");
    *out = cache;
    return STN_OK;
}

void stn_tech_cache_destroy(stn_tech_cache *cache)
{
    stn_free(cache);
}

static bool is_of(const kept *k, const stn_tech_choice *choice,
                  const char *cell_roadmap)
{
    return k->node_nm == choice->node_nm &&
           k->temperature_k == choice->temperature_k &&
           strcmp(k->set, choice->set) == 0 &&
           strcmp(k->roadmap, choice->roadmap) == 0 &&
           strcmp(k->cell_roadmap, cell_roadmap) == 0;
}

stn_status stn_tech_cache_load(stn_tech_cache *cache,
                               const stn_tech_choice *choice,
                               stn_figures *figures, stn_tech *out,
                               stn_error *err)
{
    stn_figures unlisted = {0};
    const char *cells =
        choice->cell_roadmap ? choice->cell_roadmap : choice->roadmap;
    if (!cache)
        return stn_tech_load(choice, figures, out, err);
    for (int i = 0; i < cache->n; i++)
        if (is_of(&cache->items[i], choice, cells)) {
            *out = cache->items[i].tech;
            return STN_OK;
        }
    STN_TRY(stn_tech_load(choice, &unlisted, out, err));
    kept *k = &cache->items[cache->oldest];
    cache->oldest = (cache->oldest + 1) % MAX_KEPT;
    cache->n += cache->n < MAX_KEPT;
    snprintf(k->set, sizeof k->set, "%s", choice->set);
    snprintf(k->roadmap, sizeof k->roadmap, "%s", choice->roadmap);
    snprintf(k->cell_roadmap, sizeof k->cell_roadmap, "%s", cells);
    k->node_nm = choice->node_nm;
    k->temperature_k = choice->temperature_k;
    k->tech = *out;
    return STN_OK;
}

static bool is_unit(const kept_unit *k, const stn_unit_request *q)
{
    return k->request.kind == q->kind && k->request.bits == q->bits &&
           k->request.node_nm == q->node_nm &&
           k->request.temperature_k == q->temperature_k &&
           strcmp(k->set, q->tech) == 0 && strcmp(k->roadmap, q->roadmap) == 0;
}

stn_status stn_tech_cache_unit(stn_tech_cache *cache,
                               const stn_unit_request *request,
                               stn_unit_report *out, stn_error *err)
{
    if (!cache)
        return stn_unit_evaluate(request, out, err);
    for (int i = 0; i < cache->n_units; i++)
        if (is_unit(&cache->units[i], request)) {
            *out = cache->units[i].report;
            return STN_OK;
        }
    STN_TRY(stn_unit_evaluate(request, out, err));
    kept_unit *k = &cache->units[cache->oldest_unit];
    cache->oldest_unit = (cache->oldest_unit + 1) % MAX_UNITS;
    cache->n_units += cache->n_units < MAX_UNITS;
    snprintf(k->set, sizeof k->set, "%s", request->tech);
    snprintf(k->roadmap, sizeof k->roadmap, "%s", request->roadmap);
    k->request = *request;
    k->report = *out;
    return STN_OK;
}

stn_status stn_tech_cache_cell(stn_tech_cache *cache, const stn_yaml *root,
                               stn_figures *figures, stn_cell *out,
                               stn_error *err)
{
    if (!cache)
        return stn_cell_parse(root, figures, out, err);
    for (int i = 0; i < cache->n_cells; i++)
        if (cache->cells[i].root == root) {
            *out = cache->cells[i].cell;
            return STN_OK;
        }
    STN_TRY(stn_cell_parse(root, figures, out, err));
    cache->cells[cache->oldest_cell] = (kept_cell){root, *out};
    cache->oldest_cell = (cache->oldest_cell + 1) % MAX_CELLS;
    cache->n_cells += cache->n_cells < MAX_CELLS;
    return STN_OK;
}

void stn_tech_cache_forget_cells(stn_tech_cache *cache)
{
    if (cache)
        cache->n_cells = cache->oldest_cell = 0;
}

static stn_status make_adcs(const stn_converter *of, stn_adc_cost *out,
                            stn_error *err)
{
    for (int i = 0; i < STN_ADC_MOST_BITS; i++)
        STN_TRY(stn_adc_model(of, i + 1, NULL, &out[i], err));
    return STN_OK;
}

stn_status stn_tech_cache_adcs(stn_tech_cache *cache, const stn_converter *of,
                               stn_adc_cost *out, stn_error *err)
{
    if (!cache)
        return make_adcs(of, out, err);
    for (int i = 0; i < cache->n_converters; i++)
        if (memcmp(&cache->converters[i].of, of, sizeof *of) == 0) {
            memcpy(out, cache->converters[i].adcs,
                   sizeof cache->converters[i].adcs);
            return STN_OK;
        }
    STN_TRY(make_adcs(of, out, err));
    kept_adcs *k = &cache->converters[cache->oldest_converter];
    cache->oldest_converter = (cache->oldest_converter + 1) % MAX_CONVERTERS;
    cache->n_converters += cache->n_converters < MAX_CONVERTERS;
    k->of = *of;
    memcpy(k->adcs, out, sizeof k->adcs);
    return STN_OK;
}
