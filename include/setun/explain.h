/* SPDX-License-Identifier: MIT
 *
 * Why a figure of a simulation is what it is: a tree from totals down to
 * counts of events and to figures of the machine's files, each with unit,
 * source and confidence. */
#ifndef STN_EXPLAIN_H
#define STN_EXPLAIN_H

#include "setun/simulate.h"

typedef enum stn_reason_kind {
    STN_REASON_SUM,      /* of its parts */
    STN_REASON_PRODUCT,  /* of its parts */
    STN_REASON_FUNCTION, /* of its parts, by the formula that `text` names */
    STN_REASON_FIGURE,   /* of a file; `text` is its source */
    STN_REASON_COUNT     /* `text` says how it was found */
} stn_reason_kind;

typedef struct stn_reason {
    stn_reason_kind kind;
    const char *key; /* "conv1.energy", "row_read.energy", … */
    double value;
    const char *unit, *text;
    const char *confidence;                /* of a figure, else "" */
    const struct stn_reason *first, *next; /* parts; the next beside it */
} stn_reason;

typedef struct stn_explanation stn_explanation;

/* `key` is "energy", "latency", "area", each also of a layer ("conv1.area");
 * "energy.COMPONENT", also of a layer; "layers.energy"; "programming_energy",
 * "programming_latency"; "event.NAME.energy" and ".latency", of one event; or
 * a figure of the machine. STN_E_NOT_FOUND, saying what there is, else. The
 * tree lives as long as machine, simulation and explanation do. */
stn_status stn_explain(const stn_machine *machine,
                       const stn_simulation *simulation, const char *key,
                       stn_explanation **out, stn_error *err);
void stn_explanation_destroy(stn_explanation *explanation); /* NULL is legal */
const stn_reason *stn_explanation_root(const stn_explanation *explanation);

#endif
