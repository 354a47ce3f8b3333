/* SPDX-License-Identifier: MIT
 *
 * A results file is made by more than one command: MNIST with three seeds,
 * say, and CIFAR-10 with one. Each replaces the rows of the data sets that it
 * measured; those of the others stay, with the command, commit and seed that
 * they came from. */
#ifndef STN_REPORT_RESULTS_KEPT_H
#define STN_REPORT_RESULTS_KEPT_H

#include "base/json.h"

#define STN_CONDITION 64 /* bytes of one word of a row's conditions */

/* Copies the `index`-th of the conditions "network, data, variant, …"; "" when
 * there are fewer. */
void stn_result_condition(const char *conditions, int index,
                          char word[STN_CONDITION]);
/* How many seeds the figure of a row is the mean of. */
int stn_result_seeds(const stn_json *row);

/* Reads an existing results file; *out is NULL when there is none. Refuses
 * what is no results file, or that of another system. */
stn_status stn_kept_load(const char *path, const char *system,
                         stn_json_document **out, stn_error *err);
/* The data sets of its rows, in their order; returns how many. `root` NULL:
 * none. */
int stn_kept_data(const stn_json *root, char (*names)[STN_CONDITION],
                  int capacity);
/* What says where the figures of a data set come from: the one of "origins"
 * about it, else the file itself. */
const stn_json *stn_kept_find_origin(const stn_json *root, const char *data);
/* Writes it as members of the open object. */
void stn_kept_origin(const stn_json *root, const char *data,
                     stn_json_writer *w);
/* Writes the rows about a data set into the open array. */
void stn_kept_rows(const stn_json *root, const char *data, stn_json_writer *w);

#endif
