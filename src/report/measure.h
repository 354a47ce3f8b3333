/* SPDX-License-Identifier: MIT
 *
 * Everything that is known about one trained run: what it weighs, computes
 * and costs, how right and how fast it is. Tables, results and the report are
 * all made from this. */
#ifndef STN_REPORT_MEASURE_H
#define STN_REPORT_MEASURE_H

#include "base/memory.h"
#include "setun/evaluate.h"
#include "setun/json.h"
#include "setun/reproduce.h"
#include "setun/windows.h"

/* One layer with weights, of a program or of a float graph; or an instruction
 * without weights, whose counts are 0. */
typedef struct stn_measure_layer {
    const char *name, *op;
    const char *code; /* "float32", "int8", "ternary", "binary", "low"; "" */
    int out, kh, kw, in;
    size_t n_weights, n_nonzero, weight_bytes;
    size_t n_stored;   /* values that the layout stores; packed weights */
    stn_slices slices; /* packed weights */
    bool is_low;       /* of the layer before; counts no weights of its own */
    bool is_sparse;    /* nonzero weights alone are stored, by distance */
    int bits;          /* of a stored value; 0 for float */
    size_t value_bits, index_bits; /* of all stored values, and their places */
    int chunk, n_groups, n_live;   /* ternary only, else 0 */
    double min_live_sparsity;      /* min over live groups of the zero share */
    const int8_t *codes;           /* out, kh, kw, in; NULL for float */
    /* of one picture */
    double add_subtract; /* binary and ternary weights, nonzero ones; spikes */
    double multiply;     /* multiply-accumulates of other weights */
    double rescale;      /* multiplications of rescales, batch-norms */
} stn_measure_layer;

typedef struct stn_measure_options {
    const stn_machine *machine;
    int threads;                        /* 0: all CPUs */
    int verify_images, simulate_images; /* 0: do not verify, only predict */
    double width; /* of a run of several widths; 0: the widest */
    void (*say)(void *context, const char *line); /* may be NULL */
    void *context;
    int n_bits;             /* how often to run it with fewer bits */
    const int *bits;        /* n_bits of 2 … 8 */
    bool stochastic;        /* these also by the stochastic executor */
    int windows;            /* largest window of split time to try; 0: none */
    const char *converters; /* machine whose resolutions are tried, or NULL */
    int n_resolutions, converter_images;
    const char *const *resolutions; /* values of its options.adc_bits */
} stn_measure_options;

/* The packed program on analog arrays with converters of some resolution. */
typedef struct stn_measure_adc {
    const char *resolution; /* "[3, 3, 3, 1]", "0" for ideal ones */
    double accuracy, exact; /* of n_images; exact: bits of all logits */
    int n_images;
    double energy_j, converter_j, latency_s;
} stn_measure_adc;

/* The packed program with fewer bits. */
typedef struct stn_measure_bits {
    int bits;
    double accuracy;              /* with exact products, 0 … 1 */
    double energy_j, latency_s;   /* predicted; NaN when it does not fit */
    double stochastic_accuracy;   /* NaN: not asked for */
    bool is_signed;               /* what the first layer multiplies */
    stn_stochastic_counts counts; /* of all layers and test pictures */
} stn_measure_bits;

typedef struct stn_measure {
    /* `variant` is the recipe's, and behind it "@WIDTH" where the run has
     * several widths and this is not the widest. */
    const char *variant, *title, *data, *run, *network;
    double width;                  /* 1 of runs of one width, too */
    bool is_float;                 /* nothing is compressed: not packed */
    char note[STN_ERROR_CAPACITY]; /* why a part is missing, or "" */
    double accuracy; /* packed program, or the float graph; 0 … 1 */
    /* Of the runs with the seeds that follow, when they were asked for. */
    int n_seeds;
    double seed_accuracy[STN_SEEDS_MAX];
    double graph_accuracy; /* training graph; NaN when the run has no result */
    /* Of training, of all seeds, with what the runs start from and is no
     * measure of its own; NaN when it was not trained here. */
    double train_s;
    uint32_t n_images;
    double images_per_s;
    double file_bytes; /* of the .stn; float: 4 bytes a stored number */
    int n_layers;
    stn_measure_layer *layers;
    int n_bits;
    stn_measure_bits *bits; /* in the arena */
    int n_windows;
    stn_window *windows; /* of a spiking network; in the arena */
    int n_adcs;
    stn_measure_adc *adcs; /* in the arena */
    int n_verified;
    stn_verification verified[STN_VERIFY_MAX];
    stn_program *program;       /* NULL for float */
    stn_simulation *simulation; /* NULL when it does not fit the machine */
    bool borrows;               /* these two, which are not its own */
    stn_arena arena;
} stn_measure;

/* Measures a run folder. `variant` and `title` are its names ("" for NULL);
 * a width below 1 is added to both.
 * A part that is refused as unsupported is left out, with a note. Packing
 * writes RUN/model.stn. Differing bits are not an error here. */
stn_status stn_measure_run(const char *run, const char *variant,
                           const char *title,
                           const stn_measure_options *options,
                           stn_measure **out, stn_error *err);
/* What a program and its simulation tell, both of which are borrowed. */
stn_status stn_measure_simulated(const stn_program *program,
                                 const stn_simulation *simulation,
                                 stn_measure **out, stn_error *err);
void stn_measure_destroy(stn_measure *measure); /* NULL is legal */
/* The recipe's variant in `variant`: its bytes before an "@WIDTH". */
size_t stn_measure_variant_size(const stn_measure *measure);

/* Sums over layers whose name matches the shell pattern (NULL: all). */
typedef struct stn_measure_sum {
    double weight_bytes, add_subtract, multiply, rescale;
    size_t n_weights, n_stored, value_bits, index_bits;
    size_t n_ternary, n_ternary_zero;
    int n_groups, n_live;
    double min_live_sparsity;            /* over ternary layers; NaN without */
    double energy_j, latency_s, area_m2; /* NaN without simulation */
} stn_measure_sum;
stn_measure_sum stn_measure_total(const stn_measure *measure,
                                  const char *pattern);
/* live / groups of ternary weights; NaN when there are none. */
double stn_measure_group_density(const stn_measure_sum *sum);
/* The authors' 16 / (density (1 - min sparsity)), mram-pim 1d; or NaN. */
double stn_measure_compression(const stn_measure_sum *sum);
/* Mean over the run and those of the other seeds. */
double stn_measure_accuracy(const stn_measure *measure);
/* Pictures whose bits differed in any executor. */
uint32_t stn_measure_mismatches(const stn_measure *measure);

/* measure_bits.c: fills n_bits and bits from a packed program, and adds what
 * was verified with each. */
stn_status stn_measure_narrow(stn_measure *measure, const stn_dataset *dataset,
                              const stn_measure_options *options,
                              stn_error *err);

/* measure_adcs.c: fills n_adcs and adcs from a packed program by executing
 * pictures, and adds what differed from the machine's definition. */
stn_status stn_measure_adcs(stn_measure *measure, const stn_dataset *dataset,
                            const stn_measure_options *options, stn_error *err);

/* measure_windows.c: fills n_windows and windows from a packed program over
 * time, and adds what was verified with them; does nothing with others. */
stn_status stn_measure_windows(stn_measure *measure, const stn_dataset *dataset,
                               const stn_measure_options *options,
                               stn_error *err);

/* measure_layers.c: fills n_layers and layers in the arena. */
struct stn_graph;
stn_status stn_measure_program_layers(stn_measure *measure, stn_error *err);
stn_status stn_measure_graph_layers(stn_measure *measure,
                                    const struct stn_graph *graph,
                                    stn_error *err);

/* measure_json.c: one object with everything, weights as base64. */
stn_status stn_measure_write(const stn_measure *measure, stn_json_writer *w,
                             stn_error *err);
/* Title and figures of a machine, as members of the open object. */
void stn_measure_write_machine(const stn_machine *machine, stn_json_writer *w);

#endif
