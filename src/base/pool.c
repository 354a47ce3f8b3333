/* SPDX-License-Identifier: MIT
 *
 * Workers sleep on a condition variable between calls. A call opens a job,
 * wakes as many workers as there are tasks for, and works itself; when the
 * counter has run out it closes the job and waits only for workers that did
 * join. One that wakes too late finds the job closed and sleeps on, so a
 * busy neighbour delays nobody.
 *
 * Steps are one job whose tasks are as many as threads: each takes tasks of
 * the current step from a counter, so that one thread alone gets through all
 * steps too, and who ends a step's last task opens the next. */
#include "base/pool.h"
#include "base/compiler.h"
#include "base/memory.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define MAX_THREADS 1024
/* Looks at a variable, of some 20 to 50 ns each, before a thread yields or
 * sleeps. */
#define LOOKS 1500

typedef struct worker {
    stn_pool *pool;
    pthread_t handle;
    int thread;
} worker;

struct stn_pool {
    pthread_mutex_t lock;
    pthread_cond_t work, idle; /* a job was opened; the last worker left */
    void (*each_thread)(void);
    /* Guarded by `lock`; atomic ones are read without it too. */
    bool quit;
    atomic_bool open;
    atomic_int running; /* workers inside the job */
    atomic_ulong job;   /* number of the latest job */
    stn_pool_task task;
    void *context;
    int n_tasks;
    atomic_long next; /* next task to hand out */
    atomic_int looks; /* before sleeping; 0 or LOOKS */
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

static bool has_job(stn_pool *pool, unsigned long seen)
{
    return pool->open && pool->job != seen;
}

static void *work(void *argument)
{
    worker *self = argument;
    stn_pool *pool = self->pool;
    if (pool->each_thread)
        pool->each_thread();
    unsigned long seen = 0; /* the job this worker last took part in */
    for (;;) {
        for (int i = 0; i < pool->looks && !has_job(pool, seen); i++)
            STN_PAUSE();
        pthread_mutex_lock(&pool->lock);
        while (!pool->quit && !has_job(pool, seen))
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
        pthread_mutex_unlock(&pool->lock);
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

    for (int i = 0; i < pool->looks && pool->running > 0; i++)
        STN_PAUSE();
    pthread_mutex_lock(&pool->lock);
    pool->open = false;
    while (pool->running > 0)
        pthread_cond_wait(&pool->idle, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

/* What threads share while they run steps. */
typedef struct steps {
    /* The current step above, the next of its tasks below; n_steps when all
     * are done. */
    atomic_ullong at;
    atomic_int n_done; /* tasks of the current step */
    int n_steps;
    const int *n_tasks;
    stn_pool_step task;
    void *context;
} steps;

#define STEP_SHIFT 32

/* Opens step `step` or, where those have no tasks, a later one. */
static void open_step(steps *s, int step)
{
    while (step < s->n_steps && s->n_tasks[step] < 1)
        step++;
    atomic_store(&s->n_done, 0);
    atomic_store(&s->at, (unsigned long long)step << STEP_SHIFT);
}

static int step_of(unsigned long long at)
{
    return (int)(at >> STEP_SHIFT);
}

/* Returns when there is something to take, or nothing any more. */
static void wait_for_task(steps *s)
{
    for (long i = 0;; i++) {
        unsigned long long at = atomic_load(&s->at);
        int step = step_of(at);
        if (step == s->n_steps || (uint32_t)at < (uint32_t)s->n_tasks[step])
            return;
        if (i < LOOKS)
            STN_PAUSE();
        else
            sched_yield();
    }
}

/* Each thread's part in the job. */
static void do_steps(void *context, int index, int thread)
{
    steps *s = context;
    (void)index;
    for (;;) {
        wait_for_task(s);
        unsigned long long at = atomic_fetch_add(&s->at, 1);
        int step = step_of(at);
        uint32_t task = (uint32_t)at;
        if (step == s->n_steps)
            return;
        if (task >= (uint32_t)s->n_tasks[step])
            continue; /* another thread was faster */
        s->task(s->context, step, (int)task, thread);
        if (atomic_fetch_add(&s->n_done, 1) + 1 == s->n_tasks[step])
            open_step(s, step + 1);
    }
}

void stn_pool_run_steps(stn_pool *pool, int n_steps, const int *n_tasks,
                        stn_pool_step task, void *context)
{
    steps s = {.n_steps = n_steps,
               .n_tasks = n_tasks,
               .task = task,
               .context = context};
    open_step(&s, 0);
    stn_pool_run(pool, pool->n_threads, do_steps, &s);
}

void stn_pool_linger(stn_pool *pool)
{
    pool->looks = LOOKS;
}
