/* SPDX-License-Identifier: MIT
 *
 * A results file is made by more than one command: MNIST with three seeds,
 * say, and CIFAR-10 with one, or ResNet-20 today and VGG-11 tomorrow. Each
 * replaces the rows of the subjects that it measured, a network on a data set;
 * those of the others stay, with the command, commit and seed that they came
 * from. */
#ifndef STN_REPORT_RESULTS_KEPT_H
#define STN_REPORT_RESULTS_KEPT_H

#include "base/json.h"

#define STN_CONDITION 64 /* bytes of one word of a row's conditions */
#define STN_SUBJECT (2 * STN_CONDITION + 2) /* two of them and ", " */

/* Copies the `index`-th of the conditions "network, data, variant, …"; "" when
 * there are fewer. */
void stn_result_condition(const char *conditions, int index,
                          char word[STN_CONDITION]);
/* Copies the first two conditions, "network, data". */
void stn_result_subject(const char *conditions, char subject[STN_SUBJECT]);
/* How many seeds the figure of a row is the mean of. */
int stn_result_seeds(const stn_json *row);

/* Reads an existing results file; *out is NULL when there is none. Refuses
 * what is no results file, or that of another system. */
stn_status stn_kept_load(const char *path, const char *system,
                         stn_json_document **out, stn_error *err);
/* The subjects of its rows, in their order; returns how many. `root` NULL:
 * none. */
int stn_kept_subjects(const stn_json *root, char (*subjects)[STN_SUBJECT],
                      int capacity);
/* What says where the figures of a subject come from: the one of "origins"
 * about it, else the file itself. */
const stn_json *stn_kept_find_origin(const stn_json *root, const char *subject);
/* Writes it as members of the open object. */
void stn_kept_origin(const stn_json *root, const char *subject,
                     stn_json_writer *w);
/* Writes the rows about a subject into the open array. */
void stn_kept_rows(const stn_json *root, const char *subject,
                   stn_json_writer *w);

#endif
