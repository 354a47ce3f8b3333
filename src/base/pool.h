/* SPDX-License-Identifier: MIT
 *
 * A pool of threads that block instead of spinning, so that a busy
 * neighbour costs what it takes and no more. */
#ifndef STN_BASE_POOL_H
#define STN_BASE_POOL_H

#include "base/status.h"

typedef struct stn_pool stn_pool;

/* n_threads >= 1 counts the caller, who works too; 0 means one per CPU this
 * process may run on. `each_thread` (may be NULL) is called once on every
 * worker and on the caller before the first task: the training code sets
 * OpenMP's thread count there. */
stn_status stn_pool_create(int n_threads, void (*each_thread)(void),
                           stn_pool **out, stn_error *err);
void stn_pool_destroy(stn_pool *pool); /* NULL is legal */
int stn_pool_threads(const stn_pool *pool);
int stn_cpu_count(void);

typedef void (*stn_pool_task)(void *context, int task, int thread);

/* Calls task(context, i, t) once for each i in [0, n_tasks), on any thread t
 * in [0, stn_pool_threads), and returns when all are done. Tasks are handed
 * out in order from a counter; results must not depend on who got which.
 * Everything written by a task is visible after the return. One caller at a
 * time; tasks must not call stn_pool_run on the same pool. */
void stn_pool_run(stn_pool *pool, int n_tasks, stn_pool_task task,
                  void *context);

/* The same for steps that follow each other: step s has n_tasks[s] tasks, and
 * all are done before the next begins. Threads are woken once for all; one
 * that finds no task in a step looks for the next step, and yields after a
 * while, instead of sleeping. */
typedef void (*stn_pool_step)(void *context, int step, int task, int thread);
void stn_pool_run_steps(stn_pool *pool, int n_steps, const int *n_tasks,
                        stn_pool_step task, void *context);

/* Has workers look for the next call for some 50 us before they sleep: for
 * short calls that follow each other. */
void stn_pool_linger(stn_pool *pool);

#endif
