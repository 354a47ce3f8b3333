/* SPDX-License-Identifier: MIT
 *
 * From a trained graph to an integer program in memory: docs/semantics.md,
 * "From the trained network to the program". */
#ifndef STN_PACK_LOWER_H
#define STN_PACK_LOWER_H

#include "compress/compress.h"
#include "setun/program.h"

/* Lowers a graph whose compression has been applied. `class_names` has
 * graph->n_classes texts, or is NULL: then they are numbers. The program
 * borrows nothing; release it with stn_program_destroy. What has no integer
 * form is STN_E_UNSUPPORTED, naming the layer and what to add. */
stn_status stn_lower(const stn_graph *graph, const stn_compression *compression,
                     const char *const *class_names, stn_program **out,
                     stn_error *err);

#endif
