/* SPDX-License-Identifier: MIT
 *
 * Growing an explanation: what its files share. */
#ifndef STN_ACCEL_EXPLAIN_H
#define STN_ACCEL_EXPLAIN_H

#include "accel/accel.h"
#include "setun/explain.h"

typedef struct stn_reasoning {
    const stn_machine *machine; /* NULL: a sub-array is explained */
    const stn_program *program;
    const stn_simulation *simulation;
    stn_arena arena; /* owns the tree */
    bool failed;     /* memory is out: nodes are written here then */
    stn_reason nowhere;
} stn_reasoning;

struct stn_explanation {
    stn_reasoning reasoning;
    stn_reason *root;
};

/* What a new node says; texts but `key` are not copied. */
typedef struct stn_claim {
    stn_reason_kind kind;
    double value;
    const char *unit, *text;
} stn_claim;

/* A new last part of `parent` (NULL: a root). On a failure, which is noted, a
 * node that may be written to and is never read. */
stn_reason *stn_reason_add(stn_reasoning *r, stn_reason *parent,
                           stn_claim claim, const char *key, ...)
    STN_PRINTF(4, 5);

/* A figure of the machine's files by its key, or NULL. */
const stn_figure *stn_reason_figure(const stn_reasoning *r, const char *key);
/* The figure `key` where the machine uses it as it is, with this value; else
 * a function of figures whose keys begin with `inputs`. */
stn_reason *stn_reason_given(stn_reasoning *r, stn_reason *parent,
                             const char *key, double value, const char *unit,
                             const char *inputs);

/* explain_event.c: what one event takes, as a part of `parent`. */
stn_reason *stn_reason_event_energy(stn_reasoning *r, stn_reason *parent,
                                    stn_event event);
stn_reason *stn_reason_event_latency(stn_reasoning *r, stn_reason *parent,
                                     stn_event event);
/* explain_circuits.c: figures of the machine's circuits as inputs of `parent`,
 * those that it changes with when each is moved a little; instead of them,
 * where converters are modelled, what these are said to take. Of a conversion,
 * which is then no figure, for the options do not ask for it: */
void stn_reason_conversion(stn_reasoning *r, stn_reason *parent, int bits,
                           bool latency);
/* Of all that a layer has of these. */
typedef enum stn_reason_circuit {
    STN_CIRCUIT_CONVERTER_AREA,
    STN_CIRCUIT_CONVERTER_LEAKAGE,
    STN_CIRCUIT_UNIT_AREA /* lanes and other units */
} stn_reason_circuit;
void stn_reason_layer_circuits(stn_reasoning *r, stn_reason *parent, int layer,
                               stn_reason_circuit circuit);

/* The event of that name, or STN_EVENT_COUNT; `n` bytes. */
stn_event stn_event_named(const char *name, size_t n);

#endif
