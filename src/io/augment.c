/* SPDX-License-Identifier: MIT
 *
 * Every case is one placement: the picture's top-left corner lands at
 * (top, left) of a black canvas, which may lie outside it, and the canvas is
 * mirrored or not. */
#include "io/augment.h"
#include "base/rng.h"
#include "base/status.h"
#include <string.h>

typedef struct placement {
    int top, left;
    bool mirror;
} placement;

static void place(const stn_augment *a, const stn_images *images,
                  uint32_t index, placement p, uint8_t *out)
{
    int c = images->channels, h = images->height, w = images->width;
    size_t row = (size_t)a->width * (size_t)c;
    const uint8_t *picture =
        images->pixels + (size_t)index * (size_t)h * (size_t)w * (size_t)c;
    /* Columns [from, to) of the canvas show the picture. */
    int from = p.left > 0 ? p.left : 0;
    int to = p.left + w < a->width ? p.left + w : a->width;
    memset(out, 0, row * (size_t)a->height);
    if (from >= to)
        return;
    for (int y = 0; y < a->height; y++) {
        int source = y - p.top;
        if (source < 0 || source >= h)
            continue;
        const uint8_t *pixels =
            picture + ((ptrdiff_t)source * w + from - p.left) * c;
        uint8_t *line = out + (size_t)y * row;
        if (!p.mirror) {
            memcpy(line + from * c, pixels, (size_t)((to - from) * c));
            continue;
        }
        for (int x = from; x < to; x++, pixels += c)
            memcpy(line + (a->width - 1 - x) * c, pixels, (size_t)c);
    }
}

static placement centre(const stn_augment *a, const stn_images *images)
{
    return (placement){.top = (a->height - images->height) / 2,
                       .left = (a->width - images->width) / 2};
}

void stn_augment_train(const stn_augment *augment, const stn_images *images,
                       uint32_t index, uint64_t seed, uint32_t epoch,
                       uint8_t *out)
{
    placement p = centre(augment, images);
    stn_rng rng =
        stn_rng_make(seed, STN_RNG_AUGMENT, (uint64_t)epoch << 32 | index);
    if (augment->crop_pad > 0) {
        /* The crop window starts at 0 … 2 pad of the padded canvas. */
        uint32_t range = 2 * (uint32_t)augment->crop_pad + 1;
        p.top += augment->crop_pad - (int)stn_rng_below(&rng, range);
        p.left += augment->crop_pad - (int)stn_rng_below(&rng, range);
    }
    p.mirror = augment->flip && stn_rng_below(&rng, 2);
    place(augment, images, index, p, out);
}

void stn_augment_eval(const stn_augment *augment, const stn_images *images,
                      uint32_t index, uint8_t *out)
{
    place(augment, images, index, centre(augment, images), out);
}

stn_status stn_augment_check(const stn_augment *augment,
                             const stn_images *images, stn_error *err)
{
    int h = augment->height, w = augment->width;
    if (images->height > h || images->width > w)
        return stn_fail(err, STN_E_UNSUPPORTED,
                        "pictures of %d x %d are larger than the network's "
                        "input of %d x %d; use a larger input or a smaller "
                        "data set",
                        images->height, images->width, h, w);
    int limit = h < w ? h : w;
    if (augment->crop_pad < 0 || augment->crop_pad > limit)
        return stn_fail(err, STN_E_ARGUMENT,
                        "crop padding: got %d pixels, expected 0 to %d",
                        augment->crop_pad, limit);
    return STN_OK;
}
