/* SPDX-License-Identifier: MIT
 *
 * As much of cmocka as the tests of the run-time library use, for machines
 * that are built for but have no packages here. The first failure ends the
 * program. */
#ifndef STN_TEST_CMOCKA_H
#define STN_TEST_CMOCKA_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define print_message(...) printf(__VA_ARGS__)
#define fail_msg(...)                                                          \
    (printf("%s:%d: ", __FILE__, __LINE__), printf(__VA_ARGS__), puts(""),     \
     exit(1))
#define fail() fail_msg("failed")
#define assert_true(c) ((c) ? (void)0 : fail_msg("%s", #c))
#define assert_non_null(p) assert_true((p) != NULL)
#define assert_null(p) assert_true((p) == NULL)
#define assert_int_equal(a, b) assert_true((long long)(a) == (long long)(b))
#define assert_memory_equal(a, b, n) assert_true(memcmp(a, b, n) == 0)
#define assert_string_equal(a, b) assert_true(strcmp(a, b) == 0)

struct CMUnitTest {
    const char *name;
    void (*run)(void **state);
};
#define cmocka_unit_test(f)                                                    \
    {                                                                          \
#f, f                                                                  \
    }

static inline int run_tests(const struct CMUnitTest *tests, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        void *state = NULL;
        printf("[ RUN      ] %s\n", tests[i].name);
        fflush(stdout);
        tests[i].run(&state);
    }
    printf("[  PASSED  ] %zu test(s).\n", n);
    return 0;
}
#define cmocka_run_group_tests(tests, setup, teardown)                         \
    run_tests(tests, sizeof(tests) / sizeof((tests)[0]))

#endif
