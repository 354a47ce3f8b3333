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

/* Learning from the logits u of a better network instead of the labels alone
 * (Hinton et al. 2015): (1 - share) times the loss above and
 *     share T^2 KL(softmax(u / T) || softmax(z / T)). */
typedef struct stn_distil {
    float share;       /* 0 … 1 */
    float temperature; /* T > 0 */
} stn_distil;

/* Loss of one picture in nats; `gradient` (may be NULL) receives
 * scale * dLoss/dlogits; *correct whether the first largest logit is that of
 * `label`, which must be below `classes`. */
double stn_loss_softmax(const stn_loss *loss, const float *logits,
                        uint8_t label, float *gradient, bool *correct);
/* The same with a teacher's logits. */
double stn_loss_distil(const stn_loss *loss, const stn_distil *distil,
                       const float *logits, const float *teacher, uint8_t label,
                       float *gradient, bool *correct);

#endif
