/* SPDX-License-Identifier: MIT
 *
 * Circuits of a memory array: transistors, gates, wires, and the parts built
 * of them. Everything is SI; widths are of transistor channels.
 *
 * Delays follow Horowitz (Stanford TR 1983) as used by CACTI and by NVSim
 * (Dong et al., TCAD 31(7), 2012): an input ramp travels from gate to gate.
 * A ramp is the slope of a normalised voltage, in 1/s. */
#ifndef STN_MEMORY_CIRCUIT_H
#define STN_MEMORY_CIRCUIT_H

#include <stdbool.h>

#define STN_STEP_RAMP 1e20  /* the ramp of an ideal step, 1/s */
#define STN_ROW_REGION 40.0 /* features: height of a row of transistors */

/* Transistors of one flavour at one temperature, and their process. */
typedef struct stn_device {
    double feature_m, supply_v, threshold_v;
    double matching_v_m; /* deviation of the thresholds of two equal transistors
                            times the root of a channel's area */
    double gate_f_m;     /* gate capacitance per width */
    double junction_f_m2; /* of drains: area, outer edge, gate edge */
    double sidewall_f_m, gate_edge_f_m;
    double on_n_a_m, on_p_a_m, off_n_a_m, off_p_a_m; /* per width */
    double gm_n_s_m, gm_p_s_m;                       /* per width */
    double pn_ratio;          /* PMOS over NMOS width of a balanced inverter */
    double ramp_weight;       /* of Horowitz' ramp term: 1, or 0 where the
                                 resistance was measured in a chain, ramps
                                 included */
    double stack_factor;      /* read resistance of two NMOS in series over
                                 the sum of their Vdd / Ion */
    double resistance_factor; /* switching resistance * Ion / Vdd */
} stn_device;

/* One layer of wires, per metre. */
typedef struct stn_wire {
    double ohm_m, farad_m;
    double finger_f_m2; /* of a layer of them in two combs, per area */
} stn_wire;

typedef enum stn_gate_kind {
    STN_GATE_INVERTER, /* or a lone transistor: the other width is 0 */
    STN_GATE_NAND
} stn_gate_kind;

typedef struct stn_gate {
    stn_gate_kind kind;
    int inputs;
    double width_n_m, width_p_m; /* of one transistor of each */
    double region_m; /* room for both transistor rows; wider ones are folded */
} stn_gate;

/* A rectangle of layout. */
typedef struct stn_box {
    double width_m, height_m;
} stn_box;

/* What one part of an array does to the totals. */
typedef struct stn_part_cost {
    double area_m2, latency_s, energy_j, leakage_w;
    stn_box box;
    double ramp; /* at its output */
} stn_part_cost;

/* ---- device.c */
/* How far a supply may be from the one its currents were measured at. */
double stn_device_lowest_v(const stn_device *d);
double stn_device_highest_v(const stn_device *d);
/* The same transistors at another supply within these. */
stn_device stn_device_at_supply(const stn_device *d, double supply_v);

/* ---- gate.c: layout and electrical figures of gates */
double stn_min_width(const stn_device *d); /* smallest NMOS */
double stn_gate_capacitance(const stn_device *d, double width_m);
double stn_gate_input_f(const stn_device *d, const stn_gate *gate);
double stn_gate_output_f(const stn_device *d, const stn_gate *gate);
stn_box stn_gate_box(const stn_device *d, const stn_gate *gate);
/* Mean over the input states, W at full supply. */
double stn_gate_leakage_w(const stn_device *d, const stn_gate *gate);
/* Drain capacitance of a lone transistor folded into `region_m`. */
double stn_drain_f(const stn_device *d, double width_n_m, double width_p_m,
                   double region_m);
double stn_resistance_n(const stn_device *d, double width_m);
double stn_resistance_p(const stn_device *d, double width_m);
/* A NAND of minimum strength with 2 or 3 inputs; 1: an inverter. */
stn_gate stn_gate_minimum(const stn_device *d, int inputs);
double stn_logical_effort(const stn_device *d, int inputs);

/* Delay of one stage with time constant `tau_s` behind an input ramp;
 * `beta` = 1 / (R gm), 0 for a passive stage. *ramp_out may be NULL. */
double stn_horowitz(double tau_s, double beta, double ramp, double *ramp_out);
/* Beta of an NMOS of that width that switches through `ohm`. */
double stn_ramp_beta(const stn_device *d, double ohm, double width_n_m);
/* Delay of a gate pulling `load_f` down, its own output included. */
double stn_gate_delay(const stn_device *d, const stn_gate *gate, double load_f,
                      double line_tau_s, double ramp, double *ramp_out);

/* Delay of an inverter in a long chain, each driving four of its size,
 * which is 10 features. */
double stn_fo4_s(const stn_device *d);

/* ---- wire.c */
/* Geometry and material of a layer, as in a technology file. */
typedef struct stn_wire_figures {
    double pitch_m, aspect_ratio, barrier_m, dielectric, ild_m;
    double resistivity_ohm_m, fringe_f_m;
} stn_wire_figures;
stn_wire stn_wire_layer(const stn_wire_figures *figures, double temperature_k);
/* When the far end of an open line follows a current drawn at the near end
 * that would take `lumped_s` from its capacitance alone. */
double stn_line_far_end_s(double ohm, double farad, double lumped_s);
/* Time constant that a line of R and C adds to the stage driving it. */
double stn_line_tau(double ohm, double farad);

/* ---- driver.c: a chain of inverters sized by logical effort */
#define STN_DRIVER_STAGES 20
#define STN_DRIVER_EFFORT 4.0   /* of a stage */
#define STN_DRIVER_WIDEST 100.0 /* features: the widest nMOS */
typedef struct stn_driver {
    const stn_device *device;
    int n;
    double width_n_m[STN_DRIVER_STAGES];
    double load_f, load_ohm;
} stn_driver;
/* An odd number of stages behind a gate of `effort` and `input_f`; `stages` 0:
 * as many as logical effort asks for. */
stn_driver stn_driver_size(const stn_device *d, double effort, double input_f,
                           double load_f, double load_ohm, int stages);
stn_gate stn_driver_stage(const stn_driver *driver, int i);
double stn_driver_input_f(const stn_driver *driver);
/* Energy of one full cycle of its output. */
stn_part_cost stn_driver_cost(const stn_driver *driver, double ramp);

/* ---- decoder.c: a gate and a driver per output */
typedef struct stn_decoder {
    const stn_device *device;
    int outputs, inputs; /* inputs of each NAND; 0: drivers only */
    double load_f, load_ohm;
} stn_decoder;
double stn_decoder_input_f(const stn_decoder *decoder); /* of one NAND */
/* One output switches; leakage and area are those of all of them. */
stn_part_cost stn_decoder_cost(const stn_decoder *decoder, double ramp);
/* Predecodes `bits` address bits into one-hot lines of `load_f` each. */
stn_part_cost stn_predecoder_cost(const stn_device *d, int bits, double load_f,
                                  double ramp);

/* ---- precharge.c */
typedef struct stn_precharge {
    const stn_device *device;
    int columns;
    double line_f_per_column; /* of the enable line */
} stn_precharge;
stn_part_cost stn_precharge_cost(const stn_precharge *p);

/* ---- multiplexer.c: pass transistors between bit lines and sense amplifiers
 */
typedef struct stn_multiplexer {
    const stn_device *device;
    int inputs, count;
    double width_m; /* of a pass transistor */
    double load_f;  /* at its output */
} stn_multiplexer;
double stn_multiplexer_pass_f(const stn_multiplexer *m);   /* one drain */
double stn_multiplexer_pass_ohm(const stn_multiplexer *m); /* one channel */
stn_part_cost stn_multiplexer_cost(const stn_multiplexer *m);

/* ---- write_driver.c: a pair of lines for each written bit */
typedef struct stn_write_driver {
    const stn_device *device;
    int count;
    double write_a;  /* forced through the cell; 0: a voltage is */
    double headroom; /* of the supply, across each transistor that carries it */
    double load_f, load_ohm; /* of one line */
} stn_write_driver;
/* From data until a line has its voltage; energy of writing `count` bits,
 * without that of their lines. */
stn_part_cost stn_write_driver_cost(const stn_write_driver *w);

/* ---- sense_amplifier.c */
/* What a current-to-voltage converter before the latch adds, from the
 * technology file. */
typedef struct stn_current_sense {
    double latency_s, energy_j, leakage_w, area_f2;
} stn_current_sense;
typedef struct stn_sense_amplifier {
    const stn_device *device;
    int count;
    double pitch_m;                     /* room for one, along the word line */
    double signal_v;                    /* at its input when it is enabled */
    const stn_current_sense *converter; /* NULL: voltage sensing */
} stn_sense_amplifier;
double stn_sense_amplifier_input_f(const stn_sense_amplifier *s);
stn_part_cost stn_sense_amplifier_cost(const stn_sense_amplifier *s);

#endif
