/* SPDX-License-Identifier: MIT
 *
 * Times one peer's layer as bench_kernels does ours: CPU time of the process
 * (its only thread computes), median and extremes of rounds of at least 5 ms,
 * one JSON line. */
#ifndef SETUN_BENCH_BY_HAND_MEASURE_H
#define SETUN_BENCH_BY_HAND_MEASURE_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS_MAX 100
#define ROUND_S 0.005

typedef struct row {
    const char *layer, *arithmetic, *program, *level;
    double operations; /* of one call of run, zeros counted */
    int rounds;        /* 1 to ROUNDS_MAX */
    void (*run)(void *context);
    void *context;
} row;

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Prints GOP/s; the first round warms caches and clock. */
static void measure(const row *r)
{
    double gops[ROUNDS_MAX];
    for (int i = -1; i < r->rounds; i++) {
        double start = cpu_s(), seconds, n = 0;
        do {
            r->run(r->context);
            n++;
            seconds = cpu_s() - start;
        } while (seconds < ROUND_S);
        if (i >= 0)
            gops[i] = n * r->operations / seconds * 1e-9;
    }
    qsort(gops, (size_t)r->rounds, sizeof gops[0], ascending);
    printf("{\"layer\": \"%s\", \"arithmetic\": \"%s\", \"program\": \"%s\", "
           "\"level\": \"%s\", \"median\": %.2f, \"min\": %.2f, "
           "\"max\": %.2f}\n",
           r->layer, r->arithmetic, r->program, r->level, gops[r->rounds / 2],
           gops[0], gops[r->rounds - 1]);
    fflush(stdout);
}

/* ROUNDS and LEVEL of the command line, or the end of the program. */
static int read_rounds(int argc, char **argv)
{
    int rounds = argc == 3 ? atoi(argv[1]) : 0;
    if (rounds < 1 || rounds > ROUNDS_MAX) {
        fprintf(stderr, "usage: %s ROUNDS LEVEL (1 to %d rounds)\n", argv[0],
                ROUNDS_MAX);
        exit(2);
    }
    return rounds;
}

#endif
