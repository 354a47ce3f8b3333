/* SPDX-License-Identifier: MIT
 *
 * Quantisers, structures, penalties and families of machines with their
 * options, from the tables that recipes and machine files are read by. */
#include "accel/accel.h"
#include "base/attributes.h"
#include "compress/compress.h"
#include "setun/library.h"
#include "setun/text.h"
#include <math.h>
#include <stdio.h>

typedef struct list {
    stn_choice *rows;
    size_t n, capacity; /* n counts those beyond, too */
} list;

static void push(list *l, const stn_choice *row)
{
    if (l->n < l->capacity)
        l->rows[l->n] = *row;
    l->n++;
}

static void print_standard(const stn_attr *a, char *text, size_t capacity)
{
    if (isnan(a->initial))
        text[0] = '\0';
    else if (a->kind == STN_ATTR_BOOL)
        snprintf(text, capacity, "%s", a->initial != 0 ? "true" : "false");
    else if (a->kind == STN_ATTR_CHOICE)
        snprintf(text, capacity, "%s", a->words[(int)a->initial]);
    else
        snprintf(text, capacity, "%.6g", a->initial);
}

static void print_range(const stn_attr *a, char *text, size_t capacity)
{
    if (a->kind == STN_ATTR_BOOL)
        snprintf(text, capacity, "true, false");
    else if (a->kind != STN_ATTR_CHOICE)
        snprintf(text, capacity, "%.6g … %.6g", a->min, a->max);
    else
        stn_list_words(text, capacity, a->words);
}

static void add(list *l, const char *name, const char *help,
                const stn_attr *attrs)
{
    push(l, &(stn_choice){.name = name, .help = help});
    for (const stn_attr *a = attrs; a && a->name; a++) {
        stn_choice row = {.name = name, .option = a->name, .help = a->help};
        print_standard(a, row.standard, sizeof row.standard);
        print_range(a, row.range, sizeof row.range);
        push(l, &row);
    }
}

size_t stn_library_choices(stn_choice_kind kind, stn_choice *choices,
                           size_t capacity)
{
    list l = {.rows = choices, .capacity = capacity};
    if (kind == STN_CHOICE_QUANTISERS)
        for (const stn_quantiser_type *const *t = stn_quantiser_types; *t; t++)
            add(&l, (*t)->name, (*t)->help, (*t)->attrs);
    else if (kind == STN_CHOICE_STRUCTURES)
        for (const stn_structure_type *const *t = stn_structure_types; *t; t++)
            add(&l, (*t)->name, (*t)->help, (*t)->attrs);
    else if (kind == STN_CHOICE_PENALTIES)
        for (const stn_penalty_type *const *t = stn_penalty_types; *t; t++)
            add(&l, (*t)->name, (*t)->help, (*t)->attrs);
    else
        for (const stn_accel_type *const *t = stn_accel_types; *t; t++)
            add(&l, (*t)->name, (*t)->help, (*t)->attrs);
    return l.n;
}
