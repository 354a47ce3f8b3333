/* SPDX-License-Identifier: MIT
 *
 * What the files behind base/yaml.h share. */
#ifndef STN_BASE_YAML_INTERNAL_H
#define STN_BASE_YAML_INTERNAL_H

#include "base/memory.h"
#include "base/yaml.h"

struct stn_yaml_document {
    stn_arena arena;
    stn_yaml *root;
};

/* Parses `size` bytes into nodes of `document`'s arena without touching its
 * root; *out is the new tree. */
stn_status stn_yaml_build(stn_yaml_document *document, const char *name,
                          const char *text, size_t size, stn_yaml **out,
                          stn_error *err);

#endif
