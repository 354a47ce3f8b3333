/* SPDX-License-Identifier: MIT
 *
 * Which of the quantisers and penalties, with their default options, make no
 * sense together, by name: tests of all combinations expect a refusal. */
#ifndef STN_TESTS_SENSELESS_H
#define STN_TESTS_SENSELESS_H

#include <stdbool.h>
#include <string.h>

/* A part of the reason, or NULL for what is allowed. `structure` as in a
 * recipe, NULL: none. */
static inline const char *senseless(const char *quantiser, const char *penalty,
                                    const char *structure)
{
    static const char *const makes_zeros[] = {"group_lasso", "l1", "admm"};
    bool sparse = structure && strstr(structure, "sparse");
    bool has_zero =
        strcmp(quantiser, "binary") != 0 && strcmp(quantiser, "dorefa") != 0;

    /* Without a structure levels without 0 are stored as sparse ones are. */
    if (strcmp(quantiser, "levels") == 0)
        has_zero = !structure;
    if (strcmp(quantiser, "fixed") == 0)
        return "stay as they are drawn";
    for (int i = 0; i < 3 && !has_zero && !sparse; i++)
        if (strcmp(penalty, makes_zeros[i]) == 0)
            return "has no code 0";
    return NULL;
}

#endif
