/* SPDX-License-Identifier: MIT
 *
 * Test pictures fitted to a program, and accuracy and speed of the engine on
 * them. All pictures are held at once: 10 000 of 32 x 32 x 3 are 31 MB. */
#include "setun/evaluate.h"
#include "base/clock.h"
#include "base/memory.h"
#include "io/augment.h"

stn_status stn_pictures_create(const stn_dataset *dataset, stn_shape input,
                               uint32_t n, stn_pictures **out, stn_error *err)
{
    const stn_images *images = stn_dataset_images(dataset, STN_SPLIT_TEST);
    const stn_augment fit = {.height = input.h, .width = input.w};
    if (images->channels != input.c)
        return stn_fail(err, STN_E_UNSUPPORTED,
                        "%s has pictures of %d channel%s, the network takes "
                        "%d; choose the data set it was trained on",
                        stn_dataset_path(dataset), images->channels,
                        images->channels == 1 ? "" : "s", input.c);
    STN_TRY(stn_augment_check(&fit, images, err));
    if (n == 0 || n > images->n)
        n = images->n;
    size_t size = stn_shape_count(input);
    stn_pictures *pictures = stn_alloc(1, sizeof *pictures);
    uint8_t *pixels = stn_alloc(n, size);
    if (!pictures || !pixels) {
        stn_free(pixels);
        stn_free(pictures);
        return stn_fail_memory(err, "test pictures");
    }
    for (uint32_t i = 0; i < n; i++)
        stn_augment_eval(&fit, images, i, pixels + i * size);
    *pictures = (stn_pictures){n, pixels, images->labels};
    *out = pictures;
    return STN_OK;
}

void stn_pictures_destroy(stn_pictures *pictures)
{
    if (!pictures)
        return;
    stn_free(pictures->pixels);
    stn_free(pictures);
}

int stn_argmax(const int32_t *logits, int n)
{
    int best = 0;
    for (int i = 1; i < n; i++)
        if (logits[i] > logits[best])
            best = i;
    return best;
}

static stn_evaluation judge(const stn_program *program,
                            const stn_pictures *pictures, const int32_t *logits,
                            double seconds)
{
    size_t n_classes = (size_t)program->n_classes;
    stn_evaluation e = {.n = pictures->n, .seconds = seconds};
    for (uint32_t i = 0; i < e.n; i++)
        e.n_correct += stn_argmax(logits + i * n_classes, program->n_classes) ==
                       pictures->labels[i];
    e.accuracy = (double)e.n_correct / e.n;
    e.images_per_s = e.n / (e.seconds > 0 ? e.seconds : 1e-9);
    return e;
}

stn_status stn_evaluate(const stn_program *program,
                        const stn_pictures *pictures,
                        const stn_engine_options *options, stn_evaluation *out,
                        stn_error *err)
{
    size_t n_classes = (size_t)program->n_classes;
    stn_engine *engine = NULL;
    STN_TRY(stn_engine_create(program, options, &engine, err));
    stn_status status = STN_OK;
    int32_t *logits = stn_alloc(pictures->n, n_classes * sizeof *logits);
    if (!logits) {
        status = stn_fail_memory(err, "logits");
        goto out;
    }
    double start = stn_clock_s();
    status =
        stn_engine_run(engine, pictures->pixels, (int)pictures->n, logits, err);
    if (status == STN_OK)
        *out = judge(program, pictures, logits, stn_clock_s() - start);
out:
    stn_free(logits);
    stn_engine_destroy(engine);
    return status;
}

stn_status stn_evaluate_stochastic(const stn_program *program, int bits,
                                   const stn_pictures *pictures, int threads,
                                   stn_evaluation *out,
                                   stn_stochastic_counts *counts,
                                   stn_error *err)
{
    size_t n_classes = (size_t)program->n_classes;
    stn_stochastic *executor = NULL;
    STN_TRY(stn_stochastic_create(program, bits, threads, &executor, err));
    stn_status status = STN_OK;
    int32_t *logits = stn_alloc(pictures->n, n_classes * sizeof *logits);
    if (!logits) {
        status = stn_fail_memory(err, "logits");
        goto out;
    }
    double start = stn_clock_s();
    status = stn_stochastic_run(executor, pictures->pixels, (int)pictures->n,
                                logits, counts, err);
    if (status == STN_OK)
        *out = judge(program, pictures, logits, stn_clock_s() - start);
out:
    stn_free(logits);
    stn_stochastic_destroy(executor);
    return status;
}
