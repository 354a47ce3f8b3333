/* SPDX-License-Identifier: MIT
 *
 * The accelerator seam. A family exports an stn_accel_type from <family>.c
 * and has one line in accels.def; a machine of that family is a YAML file. A
 * family never calls src/kernels: it is a second, independent implementation
 * of docs/semantics.md. How to add one: docs/adding-an-accelerator.md. */
#ifndef STN_ACCEL_ACCEL_H
#define STN_ACCEL_ACCEL_H

#include "accel/ledger.h"
#include "base/attributes.h"
#include "memory/memory.h"
#include "memory/mtj.h"

/* A loaded machine file. */
struct stn_machine {
    char name[STN_NAME_CAPACITY];
    const char *title;
    const struct stn_accel_type *type;
    void *attrs;     /* the family's `options`, parsed by its table */
    stn_array array; /* sub-array: geometry and figures */
    /* Energy of one event and time of one step of it; SI. */
    double event_energy_j[STN_EVENT_COUNT], event_latency_s[STN_EVENT_COUNT];
    double column_logic_m2;         /* gates beside one column of a sub-array */
    double sub_array_logic_m2;      /* what else stands beside a sub-array */
    double bank_m2, bank_leakage_w; /* its share of a tree's repeaters; or 0 */
    double logic_leakage_w;         /* of digital units beside it; or 0 */
    double lane_m2;                 /* one rescale or pool unit */
    double buffer_bit_m2, buffer_bit_w; /* of a modelled buffer; or 0 */
    double float_unit_m2; /* of the float baseline: one multiply-add */
    void *circuits;       /* the family's, parsed by its hook; or NULL */
    int float_units;      /* of each layer of the float baseline */
    /* Junctions that differ, spreads as the machine file multiplies them;
     * NULL: all cells are alike. Which cells a chip has follows from the
     * seed. */
    const stn_mtj *device;
    int device_seed;
    /* The same, spread or not, when weights were loaded some time or some
     * pictures ago; NULL: just now. */
    const stn_mtj *aged;
    double age_s, pictures; /* since then */
    stn_figures figures;
    stn_arena arena;
};

/* Which counters of a ledger are one histogram: of `sums` 0 … n - 1. */
typedef struct stn_bins {
    int instruction, slice, bits; /* bits of the converter */
    size_t first, n;
} stn_bins;

/* Where an instruction lives. */
typedef struct stn_placement {
    uint64_t sub_arrays;           /* occupied by this instruction */
    uint64_t lanes;                /* digital units beside them */
    double logic_m2, converter_m2; /* the family's, around the sub-arrays */
    double converter_w;            /* that these leak, borrowed ones included */
    uint64_t buffer_bits; /* most that the buffer holds for it at a time */
    double utilisation;   /* columns that carry data / columns active */
    uint64_t weight_rows; /* written when the network is loaded */
    /* When the network does not fit: rows of weights written every picture,
     * sub-arrays of these that belong to another layer, and how often the
     * sub-arrays are used anew. */
    uint64_t streamed_rows, borrowed, passes;
    uint64_t replicas; /* copies of the weights */
    /* Bits of weights that have been kept since they were loaded, by a machine
     * that ages, and those of them that have flipped; when it is prepared. */
    uint64_t kept_bits, flipped_bits;
} stn_placement;

/* What digital units, a bank's tree and a buffer make of events and logic,
 * instead of figures of files. */
typedef struct stn_unit_figures {
    /* What an event is made of; NULL: files say what it costs. */
    const char *made_of[STN_EVENT_COUNT];
    double energy_j[STN_EVENT_COUNT], latency_s[STN_EVENT_COUNT];
    const char *column, *logic, *lane; /* likewise, areas */
    double column_m2, logic_m2, lane_m2;
    double logic_leakage_w; /* of all that stands beside a sub-array */
} stn_unit_figures;

/* Says that an event goes through a chain of units, or is one of `share` that
 * go through it at once. */
void stn_unit_event(stn_unit_figures *figures, stn_event event,
                    const stn_unit_chain *chain, double share,
                    const char *made_of);

typedef struct stn_accel_type {
    const char *name, *help;
    const stn_attr *attrs; /* of `options`, ended by a row with name NULL */
    size_t attrs_size;
    /* Refuses parsed options that no range of one alone can; NULL: none. */
    stn_status (*check)(const stn_yaml *options, const void *attrs,
                        stn_error *err);
    const char *no_device; /* why `device` is refused; NULL: it is not */
    const char *no_buffer; /* likewise `buffer` */
    /* Reads `circuits` of the machine file into machine->circuits; `modelled`:
     * without figures of converters, for there are `converters`. NULL: a
     * machine has no such key. */
    stn_status (*circuits)(const stn_yaml *map, bool modelled,
                           struct stn_machine *machine, stn_error *err);
    size_t circuits_size;               /* of what it makes; zeroed before */
    const stn_figure_row *circuit_rows; /* its figures, by their places there */
    /* Sets the figures of converter events and array events of its own, when
     * sub-array, options and circuits are known, and what `converters` (NULL:
     * there are none) make of circuits. NULL: there are no such events. */
    stn_status (*circuit_events)(struct stn_machine *machine,
                                 const stn_converter_source *converters,
                                 stn_error *err);
    /* Adds what digital units make of the family's own events and logic, for
     * a machine with `units`, when options and sub-array are known. NULL:
     * nothing. */
    stn_status (*units)(const stn_machine *machine,
                        const stn_unit_source *source, stn_unit_figures *out,
                        stn_error *err);
    /* What a converter of `bits` bits costs on that machine; false when there
     * is none of that resolution. NULL: the family has no converters. */
    bool (*adc)(const stn_machine *machine, int bits, stn_adc_cost *cost);
    /* Decides the layout of every instruction; refuses what does not fit
     * (STN_E_UNSUPPORTED, by how much). Machine and program are borrowed. It
     * may look at `attrs`, at `circuits` with the latencies that follow from
     * them, and at the array's rows, columns and bits of a cell only: other
     * figures may change until `predict` is called. */
    stn_status (*map)(const stn_machine *machine, const stn_program *program,
                      void **mapping, stn_error *err);
    void (*unmap)(void *mapping); /* NULL is legal */
    void (*place)(const void *mapping, int instruction,
                  stn_placement *placement);
    /* Adds the events of one picture to a zeroed ledger, in closed form from
     * shapes and weights. Those that depend on data are estimated from
     * density[instruction], the share of ones among the bits it looks at
     * (NULL: 0.5 everywhere). */
    void (*predict)(const void *mapping, const double *density,
                    stn_ledger *ledger);
    /* Whether that event of that instruction depends on data. */
    bool (*data_dependent)(const void *mapping, int instruction,
                           stn_event event);
    /* Makes what only execution needs, once, before it; the cells of a chip
     * with a device, for one. NULL: there is nothing. */
    stn_status (*prepare)(void *mapping, stn_error *err);
    /* Executes one picture on bits, adding to the ledger. `scratch` is
     * scratch_bytes of the caller, aligned by stn_alloc, one a thread. */
    size_t (*scratch_bytes)(const void *mapping);
    void (*execute)(const void *mapping, const uint8_t *pixels, int32_t *logits,
                    void *scratch, stn_ledger *ledger);
    /* Describes histogram `index`, from 0; false past the last. Execution
     * counts in ledger->bins where that is not NULL. NULL: there are none. */
    bool (*histogram)(const void *mapping, int index, stn_bins *bins);
    /* What it should return, by the family's own scalar definition of inexact
     * hardware; slow. NULL: docs/semantics.md, always. */
    void (*define)(const void *mapping, const uint8_t *pixels, int32_t *logits,
                   void *scratch);
    /* Whether operations err or weights flip at random, so that no result is
     * wrong; events that depend on data then have other data. NULL: never. */
    bool (*errs)(const void *mapping);
} stn_accel_type;

extern const stn_accel_type *const stn_accel_types[]; /* NULL ends */

/* Of one sub-array and what stands beside it, by parts and in all. */
void stn_machine_parts_w(const stn_machine *machine, double w[STN_PART_COUNT]);
void stn_machine_parts_m2(const stn_machine *machine,
                          double m2[STN_PART_COUNT]);
double stn_machine_leakage_w(const stn_machine *machine);
double stn_machine_area_m2(const stn_machine *machine);

/* What the fold of a ledger row needs besides the row. */
typedef struct stn_cost_input {
    const stn_ledger_row *row;
    double n_pictures; /* that the row counts */
    uint64_t sub_arrays;
    uint64_t borrowed; /* of these, those whose area another layer has */
    double logic_m2, converter_m2; /* beside the sub-arrays */
    double converter_w;
    uint64_t buffer_bits;
    double utilisation;
} stn_cost_input;

/* Cost of one layer for one picture: energy = Σ events · figure, latency =
 * Σ steps · figure, leakage = (sub-arrays · stn_machine_leakage_w + converters
 * + buffer) · latency, area = sub-arrays · stn_machine_area_m2 + units +
 * buffer. */
stn_cost stn_cost_fold(const stn_machine *machine, const stn_cost_input *in);
/* The same for one instruction of a program, from where it lives. */
stn_cost stn_cost_placed(const stn_machine *machine,
                         const stn_placement *placement,
                         const stn_ledger_row *row, double n_pictures);
/* Adds `layer` to `total`: layers run one after the other on sub-arrays of
 * their own. Utilisation is the mean weighted by latency. */
void stn_cost_add(stn_cost *total, const stn_cost *layer);

/* Makes a simulation with n_layers zeroed layers. Names given to
 * stn_simulation_name are kept until it is destroyed. */
stn_status stn_simulation_create(int n_layers, stn_simulation **out,
                                 stn_error *err);
stn_status stn_simulation_name(stn_simulation *simulation, int layer,
                               const char *name, stn_error *err);
/* Zeroed memory that lives as long as the simulation; NULL when out. */
void *stn_simulation_alloc(stn_simulation *simulation, size_t count,
                           size_t size);
/* Counters that a mapping's histograms take. */
size_t stn_histogram_bins(const stn_machine *machine, const void *mapping);
/* Copies the histograms of a ledger with bins into the simulation, whose
 * layers have their names. */
stn_status stn_histogram_copy(const stn_machine *machine, const void *mapping,
                              const stn_ledger *ledger,
                              stn_simulation *simulation, stn_error *err);
/* Fills machine, events and total from the layers' costs and the ledger they
 * came from, which counts `n_pictures`. Events that never happened are left
 * out. */
void stn_simulation_sum(stn_simulation *simulation, const stn_machine *machine,
                        const stn_ledger *ledger, double n_pictures);

#endif
