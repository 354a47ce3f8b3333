/* SPDX-License-Identifier: MIT
 *
 * Random crop and flip of training pictures, and the fitting of a picture to
 * the network's input size. Stateless: what happens to a picture is a
 * function of (seed, epoch, index of the picture). */
#ifndef STN_IO_AUGMENT_H
#define STN_IO_AUGMENT_H

#include "setun/data.h"
#include <stdbool.h>

typedef struct stn_augment {
    int height, width;  /* of the network's input */
    int crop_pad;       /* zero pixels added on each side before a random
                           crop back to height x width; 0: no crop */
    bool flip;          /* mirror left-right with probability 1/2 */
} stn_augment;

/* Writes picture `index` of `images` to `out` (height*width*channels bytes).
 * A smaller picture is centred on zero pixels first. STN_E_UNSUPPORTED from
 * stn_augment_check when it is larger than the network's input. */
void stn_augment_train(const stn_augment *augment, const stn_images *images,
                       uint32_t index, uint64_t seed, uint32_t epoch,
                       uint8_t *out);
/* The same without randomness: for evaluation. */
void stn_augment_eval(const stn_augment *augment, const stn_images *images,
                      uint32_t index, uint8_t *out);
stn_status stn_augment_check(const stn_augment *augment,
                             const stn_images *images, stn_error *err);

#endif
