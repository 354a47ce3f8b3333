/* SPDX-License-Identifier: MIT
 *
 * A program without weights: the shapes of a network file, widths and
 * densities given by hand. It can be costed on a machine, and nothing else. */
#ifndef STN_OUTLINE_H
#define STN_OUTLINE_H

#include "setun/program.h"

/* Weights of the layers whose names match a pattern (fnmatch). */
typedef struct stn_outline_codes {
    const char *layers;
    int bits;
    double density;
} stn_outline_codes;

typedef struct stn_outline_options {
    int weight_bits;     /* 1 … 8; see stn_weight_outline */
    int activation_bits; /* 1 … 16; unsigned after a ReLU, else signed */
    int end_bits;        /* weights of the first and last layer, 1 … 8 */
    double density;      /* share of nonzero weights, in (0, 1]; 1 bit: 1 */
    const char *const *set; /* "parameter=number" of the network */
    int n_set;
    const stn_outline_codes *codes; /* before all that is above; first match */
    int n_codes;
} stn_outline_options;
stn_outline_options stn_outline_defaults(void); /* 1, 8, 8, 1, none */

/* `network` is a name in share/setun/networks or the path of a YAML file.
 * Every input of a conv, depthwise, linear or pool is a rescale to
 * activation_bits unless a quantise node says otherwise. An instruction is
 * named after its node, a rescale after the node whose output it writes.
 * Release it with stn_program_destroy. */
stn_status stn_program_outline(const char *network,
                               const stn_outline_options *options,
                               stn_program **out, stn_error *err);

#endif
