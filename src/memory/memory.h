/* SPDX-License-Identifier: MIT
 *
 * Memory cells and sub-arrays: the electrical figures behind each event. */
#ifndef STN_MEMORY_MEMORY_H
#define STN_MEMORY_MEMORY_H

#include "base/attributes.h"
#include "setun/simulate.h"

/* One sub-array of one cell at one technology node. SI units. */
typedef struct stn_array {
    char cell[STN_NAME_CAPACITY], tech[STN_NAME_CAPACITY];
    int rows, columns;
    double read_energy_j, read_latency_s;     /* one row, all columns */
    double logic2_energy_j, logic2_latency_s; /* two rows sensed at once */
    double logic3_energy_j, logic3_latency_s; /* three rows */
    double write_energy_j, write_latency_s;   /* one row, all columns */
    double leakage_w, area_m2;
} stn_array;

#endif
