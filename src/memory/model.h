/* SPDX-License-Identifier: MIT
 *
 * What a sub-array is modelled from: a technology at one node, a cell, a
 * geometry. The files are described in docs/memory.md. */
#ifndef STN_MEMORY_MODEL_H
#define STN_MEMORY_MODEL_H

#include "memory/circuit.h"
#include "memory/memory.h"
#include "setun/array.h"

/* One technology node of one roadmap at one temperature. */
typedef struct stn_tech {
    stn_device device;      /* of the periphery */
    stn_device cell_device; /* of the cells */
    stn_wire local, global; /* word and bit lines | between sub-arrays */
    stn_current_sense current_sense;
    double write_headroom; /* of its write drivers; 0: it has none */
} stn_tech;

/* Refuses a name that could lead out of the folder of its files. */
stn_status stn_model_name(const char *what, const char *name, stn_error *err);

typedef struct stn_tech_choice {
    const char *set;          /* of files share/setun/tech/SET-NODEnm.yaml */
    const char *roadmap;      /* of the periphery's transistors: HP or LSTP */
    const char *cell_roadmap; /* of the cells' transistors; NULL: the same */
    double node_nm, temperature_k;
} stn_tech_choice;

/* Loads the file of the node, or interpolates between the two around it.
 * Figures read are appended to `figures`. */
stn_status stn_tech_load(const stn_tech_choice *choice, stn_figures *figures,
                         stn_tech *out, stn_error *err);

/* The same from a cache, which keeps it and lists no figures; NULL: no cache.
 */
stn_status stn_tech_cache_load(stn_tech_cache *cache,
                               const stn_tech_choice *choice,
                               stn_figures *figures, stn_tech *out,
                               stn_error *err);

/* What stn_unit_evaluate reports, kept likewise. */
stn_status stn_tech_cache_unit(stn_tech_cache *cache,
                               const stn_unit_request *request,
                               stn_unit_report *out, stn_error *err);

typedef enum stn_cell_kind {
    STN_CELL_RESISTIVE,  /* an access transistor and a two-valued resistor */
    STN_CELL_SRAM,       /* cross-coupled inverters, two access transistors */
    STN_CELL_SRAM_8T,    /* the same with a read port of two transistors, on a
                            word line and a bit line of its own */
    STN_CELL_DRAM,       /* an access transistor and a capacitor */
    STN_CELL_SPIN_ORBIT, /* a junction on a strip: written through the strip, by
                            a transistor, word line and bit line of its own */
    STN_CELL_KINDS
} stn_cell_kind;

/* A cell, from its file. Fields of other kinds are 0. */
typedef struct stn_cell {
    stn_cell_kind kind;
    bool current_sensing;         /* resistive: else voltage sensing */
    double area_f2, aspect_ratio; /* height along the bit line over width */
    double access_width_f;
    double signal_v; /* that the sense amplifier needs */
    /* resistive */
    double on_ohm, off_ohm;
    double read_a, read_v;   /* forced through the cell | across it */
    double read_power_w;     /* of a cell while it is sensed */
    double write_a, write_v; /* write_v 0: the bit line swings to Vdd */
    double set_s, reset_s, set_j, reset_j;
    double levels;         /* 2, 4, 8 …; equally spaced in conductance */
    double program_pulses; /* until a level is reached, each verified */
    double endurance;      /* writes of a cell; 0: not said */
    /* sram */
    double pull_down_width_f, pull_up_width_f;
    double read_access_width_f;    /* 8T, spin-orbit */
    double read_pull_down_width_f; /* 8T */
    /* dram */
    double storage_f, retention_s;
} stn_cell;

/* Reads share/setun/cells/NAME.yaml. */
stn_status stn_cell_load(const char *name, stn_figures *figures, stn_cell *out,
                         stn_error *err);
/* The same from the root of a file. */
stn_status stn_cell_parse(const stn_yaml *root, stn_figures *figures,
                          stn_cell *out, stn_error *err);

/* The same from a cache, kept by its root until the cells are forgotten. */
stn_status stn_tech_cache_cell(stn_tech_cache *cache, const stn_yaml *root,
                               stn_figures *figures, stn_cell *out,
                               stn_error *err);

/* A sub-array to be modelled. */
typedef struct stn_subarray {
    const stn_tech *tech;
    const stn_cell *cell;
    int rows, columns, columns_per_sense_amp;
    int references; /* latches of a sense amplifier; 0: one */
} stn_subarray;

/* STN_E_UNSUPPORTED when the cell cannot be sensed in this geometry. */
stn_status stn_subarray_model(const stn_subarray *s, stn_array_report *out,
                              stn_error *err);

/* ---- evaluate.c */
/* What a request names, and what is modelled of it. */
typedef struct stn_array_evaluation {
    stn_cell cell;
    stn_tech tech;
    stn_array_report array;
    stn_bank_report bank; /* of one sub-array where no bank was asked for */
} stn_array_evaluation;
/* As stn_array_evaluate and stn_bank_evaluate; figures read are listed. */
stn_status stn_array_evaluate_all(const stn_array_request *request,
                                  int sub_arrays, stn_figures *figures,
                                  stn_array_evaluation *out, stn_error *err);

/* ---- formula.c: how a part is computed, in a line; "" where it is 0 */
const char *stn_array_formula(const stn_cell *cell, stn_array_total total,
                              stn_array_part part);
const char *stn_bank_formula(stn_array_total total, stn_bank_part part);

/* ---- bank.c */
/* An H-tree over 2^levels square sub-arrays of that area; one wire of it. */
stn_tree stn_tree_model(const stn_tech *tech, double sub_array_m2, int levels);
stn_tree stn_bank_tree(const stn_tech *tech, double sub_array_m2,
                       int sub_arrays);
stn_status stn_bank_check(int sub_arrays, stn_error *err);
/* `size` has passed stn_bank_check. */
void stn_bank_model(const stn_tech *tech, const stn_array_report *sub_array,
                    const stn_bank_size *size, stn_bank_report *out);

/* ---- bitline.c */
/* One bit line with everything that hangs on it. */
typedef struct stn_bitline {
    double length_m;
    double ohm, farad;          /* wire and drains of the access transistors */
    double access_ohm, drain_f; /* of one access transistor */
    double mux_f;               /* multiplexer and sense amplifier behind it */
    double mux_drain_f;         /* of one pass transistor */
    double mux_ohm;
} stn_bitline;
/* Whether a cell is read by its resistance. */
static inline bool stn_cell_resists(const stn_cell *c)
{
    return c->kind == STN_CELL_RESISTIVE || c->kind == STN_CELL_SPIN_ORBIT;
}
/* Whether it is read by another word line and bit line than it is written. */
static inline bool stn_cell_has_ports(const stn_cell *c)
{
    return c->kind == STN_CELL_SRAM_8T || c->kind == STN_CELL_SPIN_ORBIT;
}
/* Width of the transistor between a cell and its read bit line, features. */
double stn_read_access_f(const stn_cell *c);
/* What a DRAM cell at the supply adds to its bit line, which is at half. */
double stn_dram_signal_v(const stn_subarray *s, const stn_bitline *b);
/* Wire and cells of a sub-array's bit line, whose access transistors are so
 * many features wide; nothing behind it yet. */
stn_bitline stn_bitline_of(const stn_subarray *s, double access_f);
/* Cost of developing the signal on one bit line: latency, and energy of one
 * bit line. `ramp` is that of the word line. */
stn_status stn_bitline_read(const stn_subarray *s, const stn_bitline *b,
                            double ramp, stn_part_cost *out, stn_error *err);
/* Time to charge it for writing. */
double stn_bitline_charge_s(const stn_bitline *b);

#endif
