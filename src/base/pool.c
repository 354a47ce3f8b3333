/* SPDX-License-Identifier: MIT
 *
 * Workers sleep on a condition variable between calls. A call opens a job,
 * wakes as many workers as there are tasks for, and works itself; when the
 * counter has run out it closes the job and waits only for workers that did
 * join. One that wakes too late finds the job closed and sleeps on, so a
 * busy neighbour delays nobody. */
#include "base/pool.h"
#include "base/memory.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#define MAX_THREADS 1024

typedef struct worker {
    stn_pool *pool;
    pthread_t handle;
    int thread;
} worker;

struct stn_pool {
    pthread_mutex_t lock;
    pthread_cond_t work, idle; /* a job was opened; the last worker left */
    void (*each_thread)(void);
    /* Guarded by `lock`. */
    bool open, quit;
    int running;       /* workers inside the job */
    unsigned long job; /* number of the latest job */
    stn_pool_task task;
    void *context;
    int n_tasks;
    atomic_long next; /* next task to hand out */
    int n_threads;    /* with the caller */
    int n_started;    /* workers to join at the end */
    worker workers[];
};

int stn_cpu_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    int n = CPU_COUNT(&set);
    return n > 0 ? n : 1;
}

static void do_tasks(stn_pool *pool, int thread)
{
    for (;;) {
        long i = atomic_fetch_add(&pool->next, 1);
        if (i >= pool->n_tasks)
            return;
        pool->task(pool->context, (int)i, thread);
    }
}

static void *work(void *argument)
{
    worker *self = argument;
    stn_pool *pool = self->pool;
    if (pool->each_thread)
        pool->each_thread();
    unsigned long seen = 0; /* the job this worker last took part in */
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (!pool->quit && !(pool->open && pool->job != seen))
            pthread_cond_wait(&pool->work, &pool->lock);
        if (pool->quit)
            break;
        seen = pool->job;
        pool->running++;
        pthread_mutex_unlock(&pool->lock);
        do_tasks(pool, self->thread);
        pthread_mutex_lock(&pool->lock);
        if (--pool->running == 0)
            pthread_cond_signal(&pool->idle);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

stn_status stn_pool_create(int n_threads, void (*each_thread)(void),
                           stn_pool **out, stn_error *err)
{
    if (n_threads == 0)
        n_threads = stn_cpu_count();
    if (n_threads < 1 || n_threads > MAX_THREADS)
        return stn_fail(err, STN_E_ARGUMENT,
                        "threads: got %d, expected 1 to %d, or 0 for one per "
                        "CPU",
                        n_threads, MAX_THREADS);
    stn_pool *pool = stn_alloc(1, sizeof *pool + (size_t)n_threads *
                                                     sizeof pool->workers[0]);
    if (!pool)
        return stn_fail_memory(err, "a thread pool");
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->idle, NULL);
    pool->each_thread = each_thread;
    pool->n_threads = n_threads;
    for (int t = 1; t < n_threads; t++) {
        worker *w = &pool->workers[t];
        *w = (worker){.pool = pool, .thread = t};
        int code = pthread_create(&w->handle, NULL, work, w);
        if (code != 0) {
            stn_pool_destroy(pool);
            return stn_fail(err, STN_E_MEMORY,
                            "cannot start thread %d of %d: %s; use fewer "
                            "threads",
                            t, n_threads, strerror(code));
        }
        pool->n_started++;
    }
    if (each_thread)
        each_thread();
    *out = pool;
    return STN_OK;
}

void stn_pool_destroy(stn_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->quit = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (int t = 1; t <= pool->n_started; t++)
        pthread_join(pool->workers[t].handle, NULL);
    pthread_cond_destroy(&pool->idle);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
    stn_free(pool);
}

int stn_pool_threads(const stn_pool *pool)
{
    return pool->n_threads;
}

void stn_pool_run(stn_pool *pool, int n_tasks, stn_pool_task task,
                  void *context)
{
    if (pool->n_threads == 1 || n_tasks <= 1) {
        for (int i = 0; i < n_tasks; i++)
            task(context, i, 0);
        return;
    }
    pthread_mutex_lock(&pool->lock);
    pool->task = task;
    pool->context = context;
    pool->n_tasks = n_tasks;
    atomic_store(&pool->next, 0);
    pool->job++;
    pool->open = true;
    if (n_tasks >= pool->n_threads)
        pthread_cond_broadcast(&pool->work);
    else
        for (int i = 1; i < n_tasks; i++)
            pthread_cond_signal(&pool->work);
    pthread_mutex_unlock(&pool->lock);

    do_tasks(pool, 0);

    pthread_mutex_lock(&pool->lock);
    pool->open = false;
    while (pool->running > 0)
        pthread_cond_wait(&pool->idle, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}
