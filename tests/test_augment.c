/* SPDX-License-Identifier: MIT
 *
 * Crops, flips and centring of pictures. */
#include "test.h"

#include "io/augment.h"

enum { H = 3, W = 4, C = 3, AREA = H * W, N = 2 };

static uint8_t pixels[N * AREA * C], labels[N];
static const stn_images images = {.n = N,
                                  .height = H,
                                  .width = W,
                                  .channels = C,
                                  .pixels = pixels,
                                  .labels = labels};

/* Every byte is different and not zero, so a place tells its source. */
static int number_pixels(void **state)
{
    (void)state;
    for (int i = 0; i < N * AREA * C; i++)
        pixels[i] = (uint8_t)(i + 1);
    return 0;
}

/* The shift and mirror that explain `out`, found by trying all. Returns how
 * many there are. */
static int explain(const stn_augment *a, uint32_t index, const uint8_t *out,
                   int *top, int *left, bool *mirror)
{
    int found = 0;
    for (int dy = -9; dy <= 9; dy++)
        for (int dx = -9; dx <= 9; dx++)
            for (int m = 0; m < 2; m++) {
                bool same = true;
                for (int i = 0; i < a->height * a->width * C && same; i++) {
                    int y = i / C / a->width, x = i / C % a->width;
                    int sy = y - dy;
                    int sx = (m ? a->width - 1 - x : x) - dx;
                    bool inside = sy >= 0 && sy < H && sx >= 0 && sx < W;
                    uint8_t expected =
                        inside ? pixels[((int)index * AREA + sy * W + sx) * C +
                                        i % C]
                               : 0;
                    same = out[i] == expected;
                }
                if (!same)
                    continue;
                found++;
                *top = dy;
                *left = dx;
                *mirror = m;
            }
    return found;
}

static void evaluation_centres_smaller_pictures(void **state)
{
    (void)state;
    const stn_augment a = {
        .height = 7, .width = 8, .crop_pad = 2, .flip = true};
    uint8_t out[7 * 8 * C];
    int top, left;
    bool mirror;
    stn_augment_eval(&a, &images, 1, out);
    assert_int_equal(explain(&a, 1, out, &top, &left, &mirror), 1);
    assert_int_equal(top, 2);
    assert_int_equal(left, 2);
    assert_false(mirror);
    const stn_augment same = {.height = H, .width = W};
    stn_augment_eval(&same, &images, 1, out);
    assert_memory_equal(out, pixels + AREA * C, AREA * C);
}

static void crops_stay_in_range_and_reach_every_window(void **state)
{
    (void)state;
    const stn_augment a = {
        .height = 5, .width = 6, .crop_pad = 2, .flip = true};
    bool seen[5][5][2] = {{{false}}};
    int distinct = 0;
    for (uint32_t epoch = 0; epoch < 600; epoch++) {
        uint8_t out[5 * 6 * C];
        int top, left;
        bool mirror;
        stn_augment_train(&a, &images, epoch % 2, 9, epoch, out);
        int n = explain(&a, epoch % 2, out, &top, &left, &mirror);
        assert_int_equal(n, 1);
        /* The picture is centred at (1, 1), then moved by up to 2. */
        assert_in_range(top + 1, 0, 4);
        assert_in_range(left + 1, 0, 4);
        distinct += !seen[top + 1][left + 1][mirror];
        seen[top + 1][left + 1][mirror] = true;
    }
    assert_int_equal(distinct, 50);
}

static void same_indices_give_the_same_picture(void **state)
{
    (void)state;
    const stn_augment a = {
        .height = H, .width = W, .crop_pad = 2, .flip = true};
    uint8_t first[AREA * C], again[AREA * C];
    int differ[3] = {0};
    for (uint32_t epoch = 0; epoch < 50; epoch++) {
        stn_augment_train(&a, &images, 0, 1, epoch, first);
        stn_augment_train(&a, &images, 0, 1, epoch, again);
        assert_memory_equal(first, again, sizeof first);
        stn_augment_train(&a, &images, 0, 1, epoch + 1, again);
        differ[0] += memcmp(first, again, sizeof first) != 0;
        stn_augment_train(&a, &images, 0, 2, epoch, again);
        differ[1] += memcmp(first, again, sizeof first) != 0;
    }
    assert_true(differ[0] > 25 && differ[1] > 25);
}

static void flip_alone_mirrors_half_of_the_pictures(void **state)
{
    (void)state;
    const stn_augment a = {.height = H, .width = W, .flip = true};
    int mirrored = 0;
    for (uint32_t epoch = 0; epoch < 1000; epoch++) {
        uint8_t out[AREA * C];
        int top, left;
        bool mirror;
        stn_augment_train(&a, &images, 0, 3, epoch, out);
        assert_int_equal(explain(&a, 0, out, &top, &left, &mirror), 1);
        assert_true(top == 0 && left == 0);
        mirrored += mirror;
    }
    assert_in_range(mirrored, 430, 570); /* 4.4 standard deviations */
}

static void impossible_requests_are_refused(void **state)
{
    (void)state;
    stn_error err;
    stn_augment a = {.height = H, .width = W, .crop_pad = 1};
    assert_ok(stn_augment_check(&a, &images, &err), err);
    a.width = W - 1;
    assert_refused(stn_augment_check(&a, &images, &err), err, STN_E_UNSUPPORTED,
                   "pictures of 3 x 4 are larger");
    a.width = W;
    a.crop_pad = -1;
    assert_refused(stn_augment_check(&a, &images, &err), err, STN_E_ARGUMENT,
                   "got -1");
    a.crop_pad = H + 1;
    assert_refused(stn_augment_check(&a, &images, &err), err, STN_E_ARGUMENT,
                   "expected 0 to 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evaluation_centres_smaller_pictures),
        cmocka_unit_test(crops_stay_in_range_and_reach_every_window),
        cmocka_unit_test(same_indices_give_the_same_picture),
        cmocka_unit_test(flip_alone_mirrors_half_of_the_pictures),
        cmocka_unit_test(impossible_requests_are_refused),
    };
    return cmocka_run_group_tests(tests, number_pixels, NULL);
}
