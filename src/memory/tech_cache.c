/* SPDX-License-Identifier: MIT
 *
 * Technologies of the array model that were read before. A sweep asks for few
 * of them and for many sub-arrays, and reading a file takes as long as
 * modelling dozens of sub-arrays. A full cache forgets its oldest. */
#include "memory/model.h"
#include <stdio.h>
#include <string.h>

#define MAX_KEPT 16

typedef struct kept {
    char set[STN_NAME_CAPACITY], roadmap[8];
    double node_nm;
    stn_tech tech;
} kept;

struct stn_tech_cache {
    kept items[MAX_KEPT];
    int n, oldest;
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

stn_status stn_tech_cache_load(stn_tech_cache *cache, const char *set,
                               const char *roadmap, double node_nm,
                               stn_tech *out, stn_error *err)
{
    stn_figures unlisted = {0};
    for (int i = 0; i < cache->n; i++) {
        const kept *k = &cache->items[i];
        if (k->node_nm == node_nm && strcmp(k->set, set) == 0 &&
            strcmp(k->roadmap, roadmap) == 0) {
            *out = k->tech;
            return STN_OK;
        }
    }
    STN_TRY(stn_tech_load(set, roadmap, node_nm, 300.0, &unlisted, out, err));
    kept *k = &cache->items[cache->oldest];
    cache->oldest = (cache->oldest + 1) % MAX_KEPT;
    cache->n += cache->n < MAX_KEPT;
    snprintf(k->set, sizeof k->set, "%s", set);
    snprintf(k->roadmap, sizeof k->roadmap, "%s", roadmap);
    k->node_nm = node_nm;
    k->tech = *out;
    return STN_OK;
}
