/* SPDX-License-Identifier: MIT
 *
 * Runs a graph forward and backward over minibatches cut into shards.
 *
 * Between two barriers (batch-norm needs the whole batch) a shard runs all its
 * operators on one thread, so its activations stay in that core's cache; then
 * statistics are combined in shard order. Weight gradients are kept per shard
 * and added in a fixed tree. The bits therefore depend on the number of
 * shards and on the float primitives of the machine, and on no number of
 * threads. */
#ifndef STN_NN_EXECUTOR_H
#define STN_NN_EXECUTOR_H

#include "base/pool.h"
#include "nn/loss.h"
#include "nn/op.h"

typedef struct stn_executor stn_executor;

/* For stn_pool_create: gives oneDNN one OpenMP thread on this thread. */
void stn_executor_thread_init(void);

/* `batch` must be a multiple of `n_shards`. The graph and the pool are
 * borrowed and must outlive the executor. Without `training` only evaluation
 * is possible and no gradient memory is taken. */
stn_status stn_executor_create(stn_graph *graph, stn_pool *pool, int batch,
                               int n_shards, bool training, stn_executor **out,
                               stn_error *err);
void stn_executor_destroy(stn_executor *executor); /* NULL is legal */

/* Fills pictures [first, first + n) of the batch: pixels (NHWC of the graph's
 * input) and labels. Called once per shard, on any thread. */
typedef void (*stn_executor_fetch)(void *context, int first, int n,
                                   uint8_t *pixels, uint8_t *labels);

typedef struct stn_executor_batch {
    stn_executor_fetch fetch;
    void *context;
    int n; /* pictures that count, <= batch; the rest (evaluation only) must
              still be filled, and is ignored */
    uint64_t seed, step;   /* for dropout */
    float label_smoothing; /* targets (1 - e) onehot + e / classes */
    /* Not NULL: `batch` * n_classes logits to learn from, as `distil` says. */
    const float *teacher;
    stn_distil distil;
    float *logits; /* receives n * n_classes floats; may be NULL */
} stn_executor_batch;

typedef struct stn_executor_result {
    double loss_sum; /* softmax cross-entropy over the n pictures, nats */
    int n_correct;   /* top-1 */
} stn_executor_result;

/* Forward, loss, backward. Leaves the gradient of the mean loss with respect
 * to `effective` in every trainable parameter's `grad`, and updates running
 * statistics. */
void stn_executor_train(stn_executor *executor, const stn_executor_batch *batch,
                        stn_executor_result *result);

/* Forward with running statistics. */
void stn_executor_evaluate(stn_executor *executor,
                           const stn_executor_batch *batch,
                           stn_executor_result *result);

/* After a step: name of the first node whose output holds NaN or infinity,
 * or NULL. */
const char *stn_executor_find_nonfinite(const stn_executor *executor);

/* Output of node `index` for shard `shard` of the last pass (tests, packing
 * checks): batch / n_shards pictures of `steps` time steps. In an executor for
 * training, operators work in place where they can, so that the output of a
 * node may hold that of the one after it. */
const float *stn_executor_output(const stn_executor *executor, int index,
                                 int shard);

#endif
