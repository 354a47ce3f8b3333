/* SPDX-License-Identifier: MIT
 *
 * What every test program includes: cmocka, and two ways to check a status.
 * Test names are sentences: `truncated_idx_file_is_refused`. */
#ifndef STN_TEST_H
#define STN_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "setun/status.h"

/* The call succeeds; its error text is shown when it does not. `err` must be
 * the stn_error passed to the call. */
#define assert_ok(call, err)                                                   \
    do {                                                                       \
        memset(&(err), 0, sizeof(err));                                        \
        if ((call) != STN_OK)                                                  \
            fail_msg("%s", (err).text);                                        \
    } while (0)

/* The call fails with `expected` and a text that contains `part`. */
#define assert_refused(call, err, expected, part)                              \
    do {                                                                       \
        memset(&(err), 0, sizeof(err));                                        \
        assert_int_equal((call), (expected));                                  \
        if (!strstr((err).text, (part)))                                       \
            fail_msg("error text lacks '%s': %s", (part), (err).text);         \
    } while (0)

#endif
