/* SPDX-License-Identifier: MIT
 *
 * Status codes and error texts.
 *
 * Every function of the library that can fail returns an stn_status and
 * takes an optional, caller-owned stn_error as its last argument. Results
 * leave through pointers and are written only on success. The library never
 * prints, exits or aborts. */
#ifndef STN_STATUS_H
#define STN_STATUS_H

/* What went wrong, coarse enough for a script to branch on. The value is
 * stable: new codes are appended. */
typedef enum stn_status {
    STN_OK = 0,
    STN_E_ARGUMENT = 1,    /* the caller asked for something out of range */
    STN_E_MEMORY = 2,      /* an allocation failed */
    STN_E_IO = 3,          /* the operating system refused a file operation */
    STN_E_FORMAT = 4,      /* a file is not what it claims to be */
    STN_E_NOT_FOUND = 5,   /* a file, data set or name does not exist */
    STN_E_UNSUPPORTED = 6, /* valid, but this combination is refused */
    STN_E_NUMERIC = 7,     /* NaN or infinity where a number was needed */
    STN_E_INTERRUPTED = 8, /* stopped on request; state was saved */
    STN_E_MISMATCH = 9     /* two executors disagree */
} stn_status;

#define STN_ERROR_CAPACITY 768

/* Caller-owned room for one error. `text` says what was expected, what was
 * got, where (file and line, or file and offset), and what to do. It is a
 * NUL-terminated UTF-8 sentence without a newline at its end. */
typedef struct stn_error {
    stn_status status;
    char text[STN_ERROR_CAPACITY];
} stn_error;

/* A short English name of a status ("bad format"); never NULL. */
const char *stn_status_text(stn_status status);

#endif
