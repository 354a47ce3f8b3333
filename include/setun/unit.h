/* SPDX-License-Identifier: MIT
 *
 * Digital units beside memory arrays, built of NANDs and inverters with the
 * transistors of the array model: what one operation costs. Circuits, their
 * energy by simulation, and their agreement with published figures:
 * docs/memory.md. */
#ifndef STN_UNIT_H
#define STN_UNIT_H

#include "setun/status.h"

typedef enum stn_unit_kind {
    STN_UNIT_NAND,       /* of the bits of two numbers */
    STN_UNIT_ADDER,      /* two numbers; carries by prefixes */
    STN_UNIT_COMPARATOR, /* whether the first of two numbers is larger */
    STN_UNIT_SHIFTER,    /* a number by 0 … bits - 1 to the left */
    STN_UNIT_POPCOUNT,   /* how many of the bits are 1: a tree of adders */
    STN_UNIT_MULTIPLIER, /* two numbers: an array of carry-save adders */
    STN_UNIT_KINDS
} stn_unit_kind;

typedef struct stn_unit_request {
    stn_unit_kind kind;
    int bits;             /* of a number without sign: 1 … max_bits */
    const char *tech;     /* set of technology files: "ptm" or "nvsim" */
    const char *roadmap;  /* "HP" or "LSTP" */
    double node_nm;       /* 22 … 90 */
    double temperature_k; /* 300 … 400 */
    bool pulses;          /* wanted: energy_max_j, which takes ten times as
                             long as all else; 0 without */
} stn_unit_request;

typedef struct stn_unit_report {
    int gates;        /* NANDs and inverters */
    double area_m2;   /* of gates that abut */
    double latency_s; /* of the slowest path */
    /* Of one operation after another, operands at random: signals switch at
     * most once, or as often as gates of equal delay that pass every pulse on
     * make them, which none do: a bound. */
    double energy_j, energy_max_j;
    double leakage_w;
} stn_unit_report;

const char *stn_unit_name(stn_unit_kind kind); /* "adder" */
int stn_unit_max_bits(stn_unit_kind kind);

/* Thread-safe. A technology that is missing, malformed or out of range is
 * refused with file, line, field and range. */
stn_status stn_unit_evaluate(const stn_unit_request *request,
                             stn_unit_report *out, stn_error *err);

#endif
