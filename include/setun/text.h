/* SPDX-License-Identifier: MIT
 *
 * Help with words that people type. */
#ifndef STN_TEXT_H
#define STN_TEXT_H

#include <stddef.h>

/* The word of the NULL-terminated list nearest to `word` by edit distance,
 * or NULL when none is near. */
const char *stn_nearest_word(const char *word, const char *const *words);

/* Lists the words in `out`, "a, b, c", cut with "..." when it is full; it has
 * room for 5 bytes or more. */
void stn_list_words(char *out, size_t capacity, const char *const *words);

#endif
