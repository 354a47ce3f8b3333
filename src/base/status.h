/* SPDX-License-Identifier: MIT
 *
 * How the library fills an stn_error. */
#ifndef STN_BASE_STATUS_H
#define STN_BASE_STATUS_H

#include "base/compiler.h"
#include "setun/status.h"

/* Writes `status` and the formatted text into `err` (which may be NULL) and
 * returns `status`, so that a failing function ends in one line:
 *     return stn_fail(err, STN_E_FORMAT, "%s: got %u, expected %u", ...); */
#define stn_fail(err, status, ...)                                             \
    (stn_fail_text(err, status, __VA_ARGS__), (status))

/* The function behind stn_fail, which is a macro so that a compiler sees that
 * failing never yields STN_OK: it then knows which results are written. */
stn_status stn_fail_text(stn_error *err, stn_status status,
                         const char *format, ...) STN_PRINTF(3, 4);

/* Puts formatted text and ": " before the text already in `err`: a caller
 * adds where it was. Returns err->status (STN_OK for NULL err is never
 * produced: pass the callee's status as `status`). */
stn_status stn_fail_within(stn_error *err, stn_status status,
                           const char *format, ...) STN_PRINTF(3, 4);

/* Returns from the enclosing function when `call` fails. Only for functions
 * that own nothing yet; others go to their `out:` label. */
#define STN_TRY(call)                                                          \
    do {                                                                       \
        stn_status stn_try_status_ = (call);                                   \
        if (stn_try_status_ != STN_OK)                                         \
            return stn_try_status_;                                            \
    } while (0)

#endif
