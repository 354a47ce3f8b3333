/* SPDX-License-Identifier: MIT
 *
 * A run's folder on disk: who may write to it, its log, its clock, its
 * result. */
#ifndef STN_TRAIN_RUN_FOLDER_H
#define STN_TRAIN_RUN_FOLDER_H

#include "setun/train.h"
#include "train/checkpoint.h"

#define STN_PATH_CAPACITY 1024

/* An open run folder; it is locked against a second process meanwhile. */
typedef struct stn_run_folder {
    char path[512];
    char checkpoint[STN_PATH_CAPACITY];
    int lock_fd;
    char *log; /* text of log.jsonl */
    size_t log_size;
    double earlier_s; /* seconds of earlier parts of this run */
    double start_s;   /* stn_clock_s when opened */
} stn_run_folder;

/* Makes and locks the folder. */
stn_status stn_run_folder_open(stn_run_folder *folder, const char *path,
                               stn_error *err);
/* Legal on a zeroed folder whose lock_fd is -1. */
void stn_run_folder_close(stn_run_folder *folder);

bool stn_run_folder_has_checkpoint(const stn_run_folder *folder);
/* Reads the clock, and the log up to its first `n_epochs` records: what comes
 * after is of an epoch that will be trained again. */
stn_status stn_run_folder_resume(stn_run_folder *folder, int n_epochs,
                                 stn_error *err);

/* Writes recipe.yaml. */
stn_status stn_run_folder_write_recipe(const stn_run_folder *folder,
                                       const stn_recipe *recipe,
                                       stn_error *err);

/* Seconds of this run, earlier parts included. */
double stn_run_folder_seconds(const stn_run_folder *folder);
/* Stores these seconds in clock.json. */
stn_status stn_run_folder_write_clock(const stn_run_folder *folder,
                                      stn_error *err);

/* Appends one epoch's record to log.jsonl. */
typedef struct stn_epoch_record {
    int epoch; /* from 1 */
    double train_loss, train_accuracy, validation_accuracy;
    double group_density;
    double images_per_s;
    /* Narrower widths and their validation accuracy; 0 of them without. */
    int n_widths;
    double widths[STN_WIDTHS_MAX], width_accuracy[STN_WIDTHS_MAX];
} stn_epoch_record;
stn_status stn_run_folder_log(stn_run_folder *folder,
                              const stn_epoch_record *record, stn_error *err);

/* result.json. Reading gives STN_E_NOT_FOUND when there is none. */
stn_status stn_run_folder_write_result(const stn_run_folder *folder,
                                       const stn_recipe *recipe, uint64_t seed,
                                       const stn_train_result *result,
                                       stn_error *err);
stn_status stn_run_folder_read_result(const stn_run_folder *folder,
                                      stn_train_result *result, stn_error *err);

#endif
