/* SPDX-License-Identifier: MIT
 *
 * Numbers and characters in text, whatever the process's locale. */
#ifndef STN_BASE_TEXT_H
#define STN_BASE_TEXT_H

#include <stddef.h>

/* Reads a decimal number without a sign ("12", "1.5e-3", ".5") at the start
 * of `text`. Returns the bytes used, or 0 when there is no number or it is
 * longer than 400 bytes. A number too large becomes infinity. */
size_t stn_text_to_double(const char *text, size_t size, double *out);

#define STN_TEXT_DOUBLE 32 /* bytes of the buffer, with the NUL */
/* Writes the shortest text that reads back to the same finite double. */
void stn_text_from_double(double value, char out[STN_TEXT_DOUBLE]);

/* Bytes of the UTF-8 character at the start of `text`, or 0 when it is not
 * valid (cut, overlong, surrogate, above U+10FFFF) or size is 0. */
size_t stn_text_character(const char *text, size_t size);

#endif
