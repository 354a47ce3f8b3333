/* SPDX-License-Identifier: MIT
 *
 * Help with words that people type. */
#ifndef STN_TEXT_H
#define STN_TEXT_H

/* The word of the NULL-terminated list nearest to `word` by edit distance,
 * or NULL when none is near. */
const char *stn_nearest_word(const char *word, const char *const *words);

#endif
