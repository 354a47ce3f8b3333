/* SPDX-License-Identifier: MIT
 *
 * How benches take time: rounds of many calls, of which the median and the
 * extremes count. Leans on nothing of Setun, for peers' programs include it
 * too. */
#ifndef SETUN_BENCH_TIMING_H
#define SETUN_BENCH_TIMING_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BENCH_ROUNDS_MAX 1000

/* Median and extremes of a row's rounds. */
typedef struct bench_spread {
    double median, min, max;
} bench_spread;

static inline double bench_clock_s(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Seconds of a call: as many calls as take `least_s` on the clock. */
static inline double bench_call_s(clockid_t clock, double least_s,
                                  void (*run)(void *context), void *context)
{
    double start = bench_clock_s(clock), seconds, n = 0;
    do {
        run(context);
        n++;
        seconds = bench_clock_s(clock) - start;
    } while (seconds < least_s);
    return seconds / n;
}

/* Seconds of a call in each round, after one more that warms up. */
static inline void bench_rounds_s(clockid_t clock, double least_s,
                                  void (*run)(void *context), void *context,
                                  int rounds, double *seconds)
{
    for (int i = -1; i < rounds; i++)
        seconds[i < 0 ? 0 : i] = bench_call_s(clock, least_s, run, context);
}

static inline int bench_ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts the values of n rounds, 1 or more. */
static inline bench_spread bench_spread_of(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, bench_ascending);
    return (bench_spread){values[n / 2], values[0], values[n - 1]};
}

/* Rounds that a program's argument asks for, or the end of the program. */
static inline int bench_rounds(const char *program, const char *text)
{
    int rounds = atoi(text);
    if (rounds < 1 || rounds > BENCH_ROUNDS_MAX) {
        fprintf(stderr, "%s: rounds: got %s, expected 1 to %d\n", program, text,
                BENCH_ROUNDS_MAX);
        exit(2);
    }
    return rounds;
}

#endif
