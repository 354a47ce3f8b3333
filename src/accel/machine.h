/* SPDX-License-Identifier: MIT
 *
 * From files to a machine, in two steps: files are read once, and any number
 * of machines built from them with fields changed in between. A machine is made
 * in parts; of an unlisted source those are made anew whose fields changed. */
#ifndef STN_ACCEL_MACHINE_H
#define STN_ACCEL_MACHINE_H

#include "accel/accel.h"

/* The files of a machine, as trees. */
typedef struct stn_machine_files {
    const stn_yaml *root, *cell, *tech;
    const char *cell_name, *tech_name;
    const stn_yaml *buffer_cell; /* where the machine file has a buffer */
    const char *buffer_cell_name;
    const stn_array *array; /* known already, and then not among the figures;
                               NULL: made from the files */
    stn_tech_cache *technologies; /* NULL: read anew, and listed */
    bool unlisted;                /* figures are not kept for a listing */
} stn_machine_files;

/* What is made of some fields, and of the parts before it. */
enum {
    STN_MAKE_ARRAY = 1 << 0, /* with its events */
    STN_MAKE_OPTIONS = 1 << 1,
    STN_MAKE_BUFFER = 1 << 2, /* its sub-array */
    STN_MAKE_UNITS = 1 << 3,  /* also the bank's tree, a bit of the buffer */
    STN_MAKE_AREAS = 1 << 4,
    STN_MAKE_CIRCUITS = 1 << 5, /* with converters */
    STN_MAKE_REST = 1 << 6,     /* keys, device */
    STN_MAKE_ALL = (1 << 7) - 1
};

/* The machine that was built last, and which of its parts no longer hold. One
 * that is new is forgotten. */
typedef struct stn_machine_kept {
    unsigned stale;        /* of STN_MAKE_… */
    uint64_t stale_events; /* bit e: the figures of event e */
    stn_machine *machine;
    stn_unit_figures units;
    stn_array buffer;
} stn_machine_kept;

/* Makes the stale parts of a machine, in whose place there are copies of those
 * that were made before, if any. */
stn_status stn_machine_make(const stn_machine_files *files,
                            stn_machine_kept *kept, stn_machine *machine,
                            stn_error *err);
/* Makes a machine: parts that are stale from files, the others as in `kept`,
 * which then holds them all, if the files are unlisted. A machine that is
 * refused is forgotten. */
stn_status stn_machine_build(const char *name, const stn_machine_files *files,
                             stn_machine_kept *kept, stn_machine **out,
                             stn_error *err);
/* Releases the machine; all is stale. */
void stn_machine_forget(stn_machine_kept *kept);
/* The sub-array that `buffer` of the file is made of; untouched when there is
 * none. */
stn_status stn_machine_buffer(const stn_machine_files *files,
                              const stn_array_choice *array,
                              const stn_machine *machine, stn_array *out,
                              stn_error *err);
/* What `units`, `bank` and `buffer` of the file make of the machine beside its
 * sub-arrays; options and sub-arrays are known. */
stn_status stn_machine_units(const stn_machine_files *files,
                             const stn_array_choice *array,
                             const stn_array *buffer, stn_machine *machine,
                             stn_unit_figures *out, stn_error *err);
/* The `converters` of the file. */
stn_status stn_machine_converters(const stn_machine_files *files,
                                  const stn_array_choice *array,
                                  stn_machine *machine,
                                  stn_converter_source *out, stn_error *err);
/* A map under `key`, refused when it is missing. */
stn_status stn_yaml_need_map(const stn_yaml *map, const char *key,
                             const stn_yaml **out, stn_error *err);
/* A text under `key`, refused when it is missing or empty. */
stn_status stn_yaml_need_text(const stn_yaml *map, const char *key,
                              const stn_yaml **out, stn_error *err);

typedef struct stn_machine_source stn_machine_source;

/* Reads the file of machine `name` and lays `set` over it. Machines of an
 * unlisted source have no figures to list and are made faster: it keeps what
 * was read of the array model and the parts of the last machine that still
 * hold, and belongs to one thread. */
stn_status stn_machine_source_open(const char *name, const char *const *set,
                                   int n_set, bool unlisted,
                                   stn_machine_source **out, stn_error *err);
void stn_machine_source_close(stn_machine_source *source); /* NULL is legal */
/* Lays `value` over a field: "array.rows" of the machine file, "cell.…" and
 * "tech.…" of the cell or technology that it names now. A field that is not
 * there is made; the loader refuses it when it is unknown. `value` must
 * outlive the source. */
stn_status stn_machine_source_assign(stn_machine_source *source,
                                     const char *path, const stn_yaml *value,
                                     stn_error *err);
/* A machine from the fields as they are; `array` as in stn_machine_files. */
stn_status stn_machine_source_build(stn_machine_source *source,
                                    const stn_array *array, stn_machine **out,
                                    stn_error *err);

#endif
