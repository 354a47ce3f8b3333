/* SPDX-License-Identifier: MIT
 *
 * Learning-rate schedules: a factor on the peak rate as a function of how far
 * the run is. Added by one entry in the tables of schedule.c. */
#ifndef STN_TRAIN_SCHEDULE_H
#define STN_TRAIN_SCHEDULE_H

#include "base/attributes.h"

typedef struct stn_schedule_type {
    const char *name;
    const char *help;
    const stn_attr *attrs;
    size_t attrs_size;
    /* Factor at `progress` in (0, 1): the middle of a step, as a share of
     * all steps of the run. */
    float (*factor)(const void *attrs, float progress);
} stn_schedule_type;

extern const stn_schedule_type *const stn_schedule_types[]; /* NULL ends */
extern const char *const stn_schedule_names[];              /* NULL ends */

#endif
