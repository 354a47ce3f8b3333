/* SPDX-License-Identifier: MIT
 *
 * Why a figure of a simulation, or of a modelled sub-array, is what it is: a
 * tree from totals down to counts of events and to figures of files, each with
 * unit, source and confidence. */
#ifndef STN_EXPLAIN_H
#define STN_EXPLAIN_H

#include "setun/array.h"
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
    const char *confidence; /* of a figure, else "" */
    /* Of an input that was moved: by how many percent the value above changes
     * when this one grows by one; 0: it was not moved. */
    double influence;
    const struct stn_reason *first, *next; /* parts; the next beside it */
} stn_reason;

typedef struct stn_explanation stn_explanation;

/* `key` is "energy", "latency", "area", each also of a layer ("conv1.area");
 * "energy.COMPONENT", also of a layer; "layers.energy"; "programming_energy",
 * "programming_latency"; "event.NAME.energy" and ".latency", of one event; or
 * a figure of the machine. STN_E_NOT_FOUND, saying what there is, else. The
 * simulation is of that program on that machine; the tree lives as long as
 * machine, simulation and explanation do. */
stn_status stn_explain(const stn_machine *machine, const stn_program *program,
                       const stn_simulation *simulation, const char *key,
                       stn_explanation **out, stn_error *err);
/* Of a sub-array as requested and of a bank of `sub_arrays` of them: `key` is a
 * total ("read_latency_s"), one of its parts ("read_latency_s.bit_line"), or
 * either of the bank ("bank.read_energy_j.data_tree"). Below a part stand its
 * formula and the inputs that it changes with, found by moving every input a
 * little, the strongest first. STN_E_NOT_FOUND, saying what there is, for other
 * keys; else as stn_array_evaluate. The tree lives as long as the explanation
 * does. */
stn_status stn_explain_array(const stn_array_request *request, int sub_arrays,
                             const char *key, stn_explanation **out,
                             stn_error *err);
void stn_explanation_destroy(stn_explanation *explanation); /* NULL is legal */
const stn_reason *stn_explanation_root(const stn_explanation *explanation);

#endif
