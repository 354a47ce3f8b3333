/* SPDX-License-Identifier: MIT
 *
 * Rungs of the ladder of validation that whole comparisons climb. */
#ifndef STN_REPORT_VALIDATE_H
#define STN_REPORT_VALIDATE_H

#include "memory/validate.h"

/* Macros of share/setun/comparisons/cim-silicon.yaml. */
stn_status stn_validate_cim(stn_validate_list *list, stn_error *err);

#endif
