/* SPDX-License-Identifier: MIT
 *
 * What eval, run, verify and simulate share: a program, a data set, its
 * pictures, and the engine's options. */
#ifndef STN_CLI_ENGINE_H
#define STN_CLI_ENGINE_H

#include "cli.h"
#include "setun/evaluate.h"

/* A program and the pictures it is tried on. Close with stn_cli_close. */
typedef struct stn_cli_subject {
    stn_program *program;   /* of --width; with --bits of fewer bits */
    stn_program *packed;    /* then what that borrows; else NULL */
    stn_dataset *dataset;   /* NULL when --data was not given */
    stn_pictures *pictures; /* likewise */
} stn_cli_subject;

/* Reads the program named by operand 0 and n test pictures (0: all) of
 * --data. Prints what fails and returns an exit code. A missing --data is a
 * usage error unless n is UINT32_MAX: no pictures. */
int stn_cli_open(const stn_arguments *arguments, uint32_t n,
                 stn_cli_subject *out);
void stn_cli_close(stn_cli_subject *subject);

/* Reads the program named by operand 0, that of --width where the file has
 * several. Prints what fails and returns an exit code. */
int stn_cli_read(const stn_arguments *arguments, stn_program **out);
/* A share in (0, 1]; otherwise says so and returns false. */
bool stn_cli_share(const stn_arguments *arguments, const char *option,
                   double *out);

/* ---- rows that several verbs' tables of options share */
/* clang-format off */
#define STN_CLI_WIDTH                                                          \
    {"width", 'w', false, "SHARE", "1",                                        \
     "of a file of several widths: share of the channels"}
#define STN_CLI_BITS                                                           \
    {"bits", 'b', false, "N", NULL,                                            \
     "run with weights and values of at most N bits, 2 to 8"},                 \
    {"truncate", 0, false, NULL, NULL,                                         \
     "with --bits: leave lower bits out instead of rounding"}
#define STN_CLI_CPU                                                            \
    {"cpu", 0, false, "LEVEL", NULL,                                           \
     "kernel level: ref, avx2, avx512, on ARM ref, neon, " \
     "dotprod; default the best"}
#define STN_CLI_MACHINE_SET                                                    \
    {"set", 0, true, "PATH=VALUE", NULL,                                       \
     "lay a value over the machine file"}

/* About a network without weights. */
#define STN_CLI_OUTLINE                                                        \
    {"weights", 0, false, "BITS", "1",                                         \
     "of a NETWORK: bits of its weights"},                                     \
    {"activations", 0, false, "BITS", "8",                                     \
     "of a NETWORK: bits of its activations"},                                 \
    {"ends", 0, false, "BITS", "8",                                            \
     "of a NETWORK: bits of the first and last layer's weights"},              \
    {"density", 0, false, "SHARE", "1",                                        \
     "of a NETWORK: share of nonzero weights, from 2 bits on"},                \
    {"parameter", 0, true, "NAME=VALUE", NULL,                                 \
     "of a NETWORK: set one of its parameters"}
/* clang-format on */

/* Opens what operand 0 names: a packed program as stn_cli_open does, narrowed
 * by --bits, or the outline of a network. */
int stn_cli_open_any(const stn_arguments *arguments, uint32_t n,
                     stn_cli_subject *out);

/* From --bits and --truncate: narrows a program that was read, which *narrow
 * borrows; NULL without --bits. Prints what fails and returns an exit code. */
int stn_cli_narrow(const stn_arguments *arguments, const stn_program *program,
                   stn_program **narrow);
/* The same for an open subject; closes it when that fails. */
int stn_cli_narrow_subject(const stn_arguments *arguments,
                           stn_cli_subject *subject);
/* From --executor: whether it is the stochastic one, and the bits of its
 * operands: --bits, or 8. Prints what is wrong and returns false. */
bool stn_cli_stochastic(const stn_arguments *arguments, int *bits);

/* From --cpu and --threads; prints what is wrong and returns false. */
bool stn_cli_engine_options(const stn_arguments *arguments,
                            stn_engine_options *out);
/* "1 thread", "all CPUs". */
const char *stn_cli_threads(int threads);

#endif
