/* SPDX-License-Identifier: MIT
 *
 * The matrix product: its layouts, and signals that come while it runs. */
#include "base/rng.h"
#include "tensor/onednn.h"
#include "test.h"
#include <math.h>
#include <signal.h>
#include <sys/time.h>

enum { M = 5, N = 7, K = 5000 };

typedef struct bed {
    float a[M * K], b[K * N], c[M * N];
} bed;

static bed *make_bed(void)
{
    bed *t = malloc(sizeof *t);
    assert_non_null(t);
    stn_rng rng = stn_rng_make(1, STN_RNG_INIT, 0);
    for (int i = 0; i < M * K; i++)
        t->a[i] = stn_rng_unit(&rng) - 0.5f;
    for (int i = 0; i < K * N; i++)
        t->b[i] = stn_rng_unit(&rng) - 0.5f;
    return t;
}

static double exact(const bed *t, bool ta, bool tb, int m, int n)
{
    double sum = 0;
    for (int k = 0; k < K; k++)
        sum += (double)t->a[ta ? k * M + m : m * K + k] *
               (double)t->b[tb ? n * K + k : k * N + n];
    return sum;
}

static void products_are_right_in_every_layout(void **state)
{
    (void)state;
    bed *t = make_bed();
    for (int layout = 0; layout < 4; layout++) {
        const bool ta = layout & 1, tb = layout & 2;
        for (int i = 0; i < M * N; i++)
            t->c[i] = 100;
        stn_sgemm(ta, tb, M, N, K, 2, t->a, ta ? M : K, t->b, tb ? K : N, 0.5f,
                  t->c, N);
        for (int i = 0; i < M * N; i++)
            assert_float_equal(t->c[i],
                               (float)(2 * exact(t, ta, tb, i / N, i % N) + 50),
                               1e-3f);
    }
    free(t);
}

static volatile sig_atomic_t n_signals;

static void count_signal(int number)
{
    (void)number;
    n_signals = n_signals + 1;
}

/* A handler's frame lies below the stack pointer, wherever that points. The
 * C library's checks of the heap end the program where it was written over. */
static void signals_leave_the_heap_whole(void **state)
{
    (void)state;
    const struct itimerval often = {{0, 50}, {0, 50}}, never = {{0, 0}, {0, 0}};
    struct sigaction action = {.sa_handler = count_signal}, before;
    bed *t = make_bed();
    sigemptyset(&action.sa_mask);
    sigaction(SIGALRM, &action, &before);
    setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; i < 2000; i++)
        stn_sgemm(true, false, M, N, K, 1, t->a, M, t->b, N, 0, t->c, N);
    setitimer(ITIMER_REAL, &never, NULL);
    sigaction(SIGALRM, &before, NULL);
    assert_true(n_signals > 0);
    for (int i = 0; i < M * N; i++)
        assert_float_equal(t->c[i], (float)exact(t, true, false, i / N, i % N),
                           1e-3f);
    free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_right_in_every_layout),
        cmocka_unit_test(signals_leave_the_heap_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
