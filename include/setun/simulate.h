/* SPDX-License-Identifier: MIT
 *
 * Accelerators: run an integer program on a machine described in YAML,
 * bit-accurately, and say what it costs.
 *
 * Function and cost are separate: a machine executes on words of bits and
 * posts events to a ledger; cost is a fold of the ledger over the figures of
 * its memory and circuits. */
#ifndef STN_SIMULATE_H
#define STN_SIMULATE_H

#include "setun/program.h"

typedef struct stn_machine stn_machine;

/* Loads share/setun/machines/NAME.yaml, or the file NAME, with its cell and
 * technology. `set` are "path.to.field=value" laid over the machine file. A
 * malformed or out-of-range figure is refused with file, line, field, range. */
stn_status stn_machine_load(const char *name, const char *const *set, int n_set,
                            stn_machine **out, stn_error *err);
void stn_machine_destroy(stn_machine *machine); /* NULL is legal */
const char *stn_machine_name(const stn_machine *machine);
const char *stn_machine_title(const stn_machine *machine);

/* One number that a cost rests on. `confidence` is "text" or "code" (read in
 * a publication, in public code), "derived" (computed from other figures or by
 * another simulator), "memory" (published, but quoted from memory) or
 * "assumed" (nobody published it). */
typedef struct stn_figure {
    const char *key; /* "cell.write_energy" */
    double value;    /* SI */
    const char *unit, *source, *confidence;
} stn_figure;
size_t stn_machine_figures(const stn_machine *machine,
                           const stn_figure **figures);

/* An analog-to-digital converter of a machine; one conversion. */
typedef struct stn_adc_cost {
    int bits;
    const char *structure; /* "latch", "flash", "SAR", "scaled" */
    double energy_j, latency_s, area_m2;
    double power_w;   /* while it converts: energy / latency */
    double leakage_w; /* always, besides; 0: its figures do not say */
} stn_adc_cost;
/* Fills up to `capacity` converters, from 1 bit upwards, and returns how many
 * resolutions the machine may have: 0 for one without converters. */
int stn_machine_adcs(const stn_machine *machine, stn_adc_cost *costs,
                     int capacity);

/* What costs are broken down into. */
typedef enum stn_component {
    STN_COMPONENT_ARRAY_READ, /* activations: decoder, word and bit lines,
                                 sense amplifiers */
    STN_COMPONENT_ARRAY_WRITE,
    STN_COMPONENT_CONVERTER, /* DACs, sample-and-hold, ADCs */
    STN_COMPONENT_LOGIC,     /* digital units beside the arrays */
    STN_COMPONENT_BUFFER,
    STN_COMPONENT_LINK,
    STN_COMPONENT_LEAKAGE,
    STN_COMPONENT_COUNT
} stn_component;
const char *stn_component_name(stn_component component);

/* What area and leakage are broken down into. */
typedef enum stn_part {
    STN_PART_ARRAY, /* cells, decoders, drivers, sense amplifiers */
    STN_PART_LOGIC, /* digital units, beside sub-arrays and shared */
    STN_PART_CONVERTER,
    STN_PART_BUFFER,
    STN_PART_LINK, /* repeaters of a bank's tree */
    STN_PART_COUNT
} stn_part;
const char *stn_part_name(stn_part part);

/* Cost of one instruction, or of a whole program, for one picture. */
typedef struct stn_cost {
    double energy_j[STN_COMPONENT_COUNT];
    double leakage_j[STN_PART_COUNT]; /* sums to STN_COMPONENT_LEAKAGE */
    double latency_s;
    double area_m2[STN_PART_COUNT]; /* of what it occupies */
    uint64_t sub_arrays;
    /* Of these, those that are on: all, but of a narrow width of a network
     * with several. The others hold channels that only wider ones use. */
    uint64_t active_sub_arrays;
    double utilisation; /* used / available columns while active, 0 … 1 */
} stn_cost;
double stn_cost_energy_j(const stn_cost *cost); /* sum of its components */
double stn_cost_area_m2(const stn_cost *cost);  /* sum of its parts */

typedef struct stn_layer_cost {
    const char *name; /* the instruction's */
    stn_opcode opcode;
    stn_cost cost;
    uint64_t groups, live_groups; /* of its weights; 0 without */
    uint64_t replicas;      /* copies of its weights that share the work */
    uint64_t streamed_rows; /* of weights, written anew every picture */
    uint64_t passes;        /* in which it uses its sub-arrays; else 1 */
} stn_layer_cost;

/* One kind of event and how often it happened, per picture. */
typedef struct stn_event_count {
    const char *name, *unit; /* "row_logic3", "row activation" */
    stn_component component;
    double count;    /* mean over the pictures simulated */
    double energy_j; /* count * figure */
} stn_event_count;

/* The same by layer: what one kind of event costs there. */
typedef struct stn_layer_event {
    int layer, event; /* indices of the simulation's lists */
    double count, energy_j, latency_s;
} stn_layer_event;

/* How often each column sum 0 … n - 1 was converted, in all pictures; larger
 * ones never occurred. */
typedef struct stn_histogram {
    const char *layer;
    int slice; /* of the weights, the lowest is 0 */
    int bits;  /* of the converter */
    size_t n;
    const uint64_t *counts;
    uint64_t total; /* sum of counts */
} stn_histogram;

/* Owned by whoever asked for it; stn_simulation_destroy. total equals the sum
 * of the layers (plus nothing). */
typedef struct stn_simulation {
    char program[STN_NAME_CAPACITY], machine[STN_NAME_CAPACITY];
    int n_layers, n_events;
    stn_layer_cost *layers;
    stn_event_count *events;
    int n_layer_events;
    const stn_layer_event *layer_events; /* those that happen; the energies of
                                            a layer's are its own but leakage,
                                            the latencies all of its own */
    int n_histograms;                    /* 0 when they were not asked for */
    const stn_histogram *histograms;
    stn_cost total;
    double programming_energy_j, programming_latency_s; /* loading weights */
    double writes;    /* most rows written in one sub-array, per picture */
    double lifetime;  /* pictures until a cell is worn out if all of these hit
                         one row; 0: endurance is not known */
    int rows;         /* of a sub-array: so many times more if spread */
    int n_pictures;   /* executed; 0: predicted */
    int n_checked;    /* pictures whose result was compared */
    int n_mismatches; /* pictures whose result differs from what the
                         machine is defined to return: the reference's
                         result, or an inexact machine's own */
    int n_inexact;    /* pictures whose result differs from reference */
    bool errs;        /* operations err or weights flip at random, so that no
                         result is wrong */
    uint64_t n_bits, n_bits_differ; /* of logits compared with the reference;
                                       counted where it errs */
    uint64_t n_kept_bits, n_flipped_bits; /* of weights since they were loaded,
                                             where pictures were executed on a
                                             machine that ages */
    int n_correct; /* pictures classified right, of labels given */
    bool predicted_equals_counted; /* for data-independent events */
    double seconds;                /* the simulator's own time */
} stn_simulation;

/* What results are compared with. The scalar definition of an inexact machine
 * is slow; without it, its n_mismatches stays 0. */
typedef enum stn_check {
    STN_CHECK_NONE,
    STN_CHECK_ALL,
    STN_CHECK_REFERENCE
} stn_check;

typedef struct stn_simulate_options {
    const uint8_t *pixels; /* n_pictures pictures; NULL: predict only */
    const uint8_t *labels; /* n_pictures classes; may be NULL */
    int n_pictures;
    int threads;        /* 0: all CPUs */
    stn_check check;    /* of every picture's result */
    int check_pictures; /* only the first so many; 0: all */
    bool histogram;     /* count column sums, on machines that convert */
    double density;     /* for a prediction: share of ones among the bits
                           that the machine looks at; 0: 0.5 */
} stn_simulate_options;

/* Maps, executes (or predicts), counts, costs. A program of a narrower width
 * (stn_program_at_width) runs on the machine that holds the widest, whose area
 * it has; sub-arrays it does not need are off and use no energy. A program
 * without weights (setun/outline.h) can only be predicted. A program that does
 * not fit is STN_E_UNSUPPORTED and says what does not fit and by how much. */
stn_status stn_simulate(const stn_machine *machine, const stn_program *program,
                        const stn_simulate_options *options,
                        stn_simulation **out, stn_error *err);
/* Cost of a float network (the graph of a run, checkpoint or network file) in
 * the same technology: 32-bit weights in the same memory, floating-point
 * units beside the arrays, predicted from shapes. */
stn_status stn_simulate_float(const stn_machine *machine,
                              const char *run_or_network, stn_simulation **out,
                              stn_error *err);
void stn_simulation_destroy(stn_simulation *simulation); /* NULL is legal */

/* Only the classification by the machine: n * n_classes int32. */
stn_status stn_simulate_classify(const stn_machine *machine,
                                 const stn_program *program,
                                 const uint8_t *pixels, int n, int threads,
                                 int32_t *logits, stn_error *err);
/* What the machine is defined to return: of one whose hardware is inexact its
 * own scalar definition, which is slow. Sets *own to false, and no logits, for
 * a machine that is defined to return the reference's.
 * *errs: it errs at random and has no right result. */
stn_status stn_simulate_define(const stn_machine *machine,
                               const stn_program *program,
                               const uint8_t *pixels, int n, int threads,
                               int32_t *logits, bool *own, bool *errs,
                               stn_error *err);

/* Bits in which n numbers differ. */
uint64_t stn_bits_differ(const int32_t *a, const int32_t *b, size_t n);

#endif
