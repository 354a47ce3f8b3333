/* SPDX-License-Identifier: MIT
 *
 * The accelerator seam. A family is one file <family>.c exporting a
 * stn_accel_type, and one line in accels.def; a machine of that family is a
 * YAML file. A family never calls src/kernels: it is a second, independent
 * implementation of docs/semantics.md. */
#ifndef STN_ACCEL_ACCEL_H
#define STN_ACCEL_ACCEL_H

#include "accel/ledger.h"
#include "memory/memory.h"

/* A loaded machine file. */
struct stn_machine {
    char name[STN_NAME_CAPACITY];
    const char *title;
    const struct stn_accel_type *type;
    void *attrs;          /* the family's own, parsed by its attribute table */
    stn_array array;      /* sub-array: geometry and figures */
    /* cost of one event, and time of one step of it; SI */
    double event_energy_j[STN_EVENT_COUNT], event_latency_s[STN_EVENT_COUNT];
    double logic_area_m2; /* digital units beside one sub-array */
    int n_figures;
    stn_figure *figures;
    stn_yaml_document *document;
    stn_arena arena;
};

/* Where an instruction lives. */
typedef struct stn_placement {
    uint64_t sub_arrays; /* occupied by this instruction */
    double utilisation;  /* columns that carry data / columns active */
    uint64_t weight_bits; /* written when the network is loaded */
} stn_placement;

typedef struct stn_accel_type {
    const char *name, *help;
    const stn_attr *attrs;
    size_t attrs_size;
    /* Decides the layout of every instruction; refuses what does not fit. */
    stn_status (*map)(const stn_machine *machine, const stn_program *program,
                      void **mapping, stn_error *err);
    void (*unmap)(void *mapping);
    void (*place)(const void *mapping, int instruction,
                  stn_placement *placement);
    /* Events of one picture, in closed form from shapes and weights. Events
     * that depend on data are estimated from `density`, the share of one bits
     * per instruction input (NULL: 0.5), and listed by `data_dependent`. */
    void (*predict)(const void *mapping, const double *density,
                    stn_ledger *ledger);
    bool (*data_dependent)(const void *mapping, int instruction,
                           stn_event event);
    /* Executes one picture on bits, posting events. `scratch` is
     * scratch_bytes of the caller, one a thread. */
    size_t (*scratch_bytes)(const void *mapping);
    void (*execute)(const void *mapping, const uint8_t *pixels,
                    int32_t *logits, void *scratch, stn_ledger *ledger);
} stn_accel_type;

extern const stn_accel_type *const stn_accel_types[]; /* NULL ends */

#endif
