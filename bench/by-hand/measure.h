/* SPDX-License-Identifier: MIT
 *
 * Times one peer's layer as bench_kernels does ours: CPU time of the process
 * (its only thread computes), median and extremes of rounds of at least 5 ms,
 * one JSON line. */
#ifndef SETUN_BENCH_BY_HAND_MEASURE_H
#define SETUN_BENCH_BY_HAND_MEASURE_H

#include "../timing.h"

#define ROUND_S 0.005

typedef struct row {
    const char *layer, *arithmetic, *program, *level;
    double operations; /* of one call of run, zeros counted */
    int rounds;        /* 1 to BENCH_ROUNDS_MAX */
    void (*run)(void *context);
    void *context;
    void *less; /* NULL, or what to run for the time that is taken off */
} row;

/* Seconds of a call. A difference of two takes three rounds' time each. */
static double row_s(const row *r)
{
    const clockid_t clock = CLOCK_PROCESS_CPUTIME_ID;
    if (!r->less)
        return bench_call_s(clock, ROUND_S, r->run, r->context);
    return bench_call_s(clock, 3 * ROUND_S, r->run, r->context) -
           bench_call_s(clock, 3 * ROUND_S, r->run, r->less);
}

/* Prints GOP/s on a line of its own, whatever the peer has printed. */
static void measure(const row *r)
{
    static double gops[BENCH_ROUNDS_MAX];
    row_s(r); /* warms caches and clock */
    for (int i = 0; i < r->rounds; i++)
        gops[i] = r->operations / row_s(r) * 1e-9;
    bench_spread s = bench_spread_of(gops, r->rounds);
    printf("\n{\"layer\": \"%s\", \"arithmetic\": \"%s\", \"program\": \"%s\", "
           "\"level\": \"%s\", \"median\": %.2f, \"min\": %.2f, "
           "\"max\": %.2f}\n",
           r->layer, r->arithmetic, r->program, r->level, s.median, s.min,
           s.max);
    fflush(stdout);
}

/* ROUNDS and LEVEL of the command line, or the end of the program. */
static int read_rounds(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s ROUNDS LEVEL\n", argv[0]);
        exit(2);
    }
    return bench_rounds(argv[0], argv[1]);
}

#endif
