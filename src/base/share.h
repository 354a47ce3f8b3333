/* SPDX-License-Identifier: MIT
 *
 * Files of share/setun by the names that people type. */
#ifndef STN_BASE_SHARE_H
#define STN_BASE_SHARE_H

#include "base/status.h"
#include <stdbool.h>

#define STN_SHARE_PATH 1024

/* Whether a name is that of a file (it has a slash or ".yaml" in it) rather
 * than of share/setun. */
bool stn_share_is_file(const char *name);
/* The path of a file, or of share/setun/FOLDER/NAME.yaml; `folder` is one that
 * 'setun list' knows. STN_E_NOT_FOUND says what is missing, `what` ("recipe"),
 * and which name is near. */
stn_status stn_share_find(const char *folder, const char *what,
                          const char *name, char path[STN_SHARE_PATH],
                          stn_error *err);

#endif
