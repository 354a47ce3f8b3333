/* SPDX-License-Identifier: MIT
 *
 * Softmax cross-entropy. */
#ifndef STN_NN_LOSS_H
#define STN_NN_LOSS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct stn_loss {
    int classes;
    float smoothing; /* e: targets are (1 - e) onehot + e / classes */
    float scale;     /* of the gradient: 1 / pictures of the batch */
} stn_loss;

/* Loss of one picture in nats; `gradient` (may be NULL) receives
 * scale * dLoss/dlogits; *correct whether the first largest logit is that of
 * `label`, which must be below `classes`. */
double stn_loss_softmax(const stn_loss *loss, const float *logits,
                        uint8_t label, float *gradient, bool *correct);

#endif
