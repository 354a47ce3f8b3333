/* SPDX-License-Identifier: MIT
 *
 * Weight codes as bits: docs/format.md, "Tensors". */
#include "test.h"
#include "base/rng.h"
#include "pack/format.h"

static void round_trip(stn_code code, stn_code_shape s, const int8_t *codes)
{
    stn_error err;
    stn_code_sizes z = stn_codes_sizes(code, s, codes);
    size_t n = (size_t)s.out * (size_t)s.area * (size_t)s.in;
    uint8_t *live = malloc(z.live + 1), *mask = malloc(z.mask + 1);
    uint8_t *sign = malloc(z.sign + 1);
    int8_t *back = malloc(n);
    live[z.live] = mask[z.mask] = sign[z.sign] = 0xa5; /* guards */
    memset(back, 99, n);
    stn_codes_pack(code, s, codes, live, mask, sign);
    assert_int_equal(live[z.live] & mask[z.mask] & sign[z.sign], 0xa5);
    assert_ok(
        stn_codes_unpack(code, s, live, mask, sign, z, "here", back, &err),
        err);
    assert_memory_equal(codes, back, n);
    free(live);
    free(mask);
    free(sign);
    free(back);
}

static void packed_codes_unpack_to_themselves_at_any_shape(void **state)
{
    (void)state;
    stn_rng rng = stn_rng_make(1, STN_RNG_TEST, 0);
    for (int round = 0; round < 400; round++) {
        stn_code_shape s = {1 + (int)stn_rng_below(&rng, 9),
                            1 + (int)stn_rng_below(&rng, 10),
                            1 + (int)stn_rng_below(&rng, 20), 0};
        s.chunk = 1 + (int)stn_rng_below(&rng, (uint32_t)s.in);
        uint32_t sparsity = stn_rng_below(&rng, 101); /* percent; 100: all 0 */
        int8_t codes[9 * 10 * 20];
        int n = s.out * s.area * s.in;
        for (int i = 0; i < n; i++) {
            int sign = stn_rng_below(&rng, 2) ? 1 : -1;
            codes[i] = (int8_t)(stn_rng_below(&rng, 100) < sparsity ? 0 : sign);
        }
        round_trip(STN_CODE_TERNARY, s, codes);
        for (int i = 0; i < n; i++)
            codes[i] = stn_rng_below(&rng, 2) ? 1 : -1;
        round_trip(STN_CODE_BINARY, s, codes);
    }
}

static void ternary_codes_have_the_bytes_of_the_format_page(void **state)
{
    (void)state;
    /* One filter, 2 kernel positions, 3 channels, chunks of 2: groups are
     * channels 0–1 (live) and channel 2 (empty). */
    const int8_t codes[] = {+1, -1, 0, 0, -1, 0};
    stn_code_shape s = {1, 2, 3, 2};
    stn_code_sizes z = stn_codes_sizes(STN_CODE_TERNARY, s, codes);
    assert_int_equal(z.live, 1);
    assert_int_equal(z.mask, 1);
    assert_int_equal(z.sign, 1);
    uint8_t live, mask, sign;
    stn_codes_pack(STN_CODE_TERNARY, s, codes, &live, &mask, &sign);
    assert_int_equal(live, 0x01);
    assert_int_equal(mask, 0x0b); /* 1 1 0 1, least significant first */
    assert_int_equal(sign, 0x06); /* + − − */
}

static void bit_tensors_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    stn_error err;
    int8_t codes[6];
    stn_code_shape s = {1, 2, 3, 2};
    stn_code_sizes z = {1, 1, 1};
    uint8_t live = 0x01, mask = 0x0b, sign = 0x06, bytes[4] = {0x0b};
#define UNPACK(live_, mask_, sign_, sizes_)                                    \
    stn_codes_unpack(STN_CODE_TERNARY, s, live_, mask_, sign_, sizes_, "f",    \
                     codes, &err)
    assert_ok(UNPACK(&live, &mask, &sign, z), err);
    live = 0x05;
    assert_refused(UNPACK(&live, &mask, &sign, z), err, STN_E_FORMAT,
                   "f: live: padding bit 2");
    live = 0x01;
    mask = 0x8b;
    assert_refused(UNPACK(&live, &mask, &sign, z), err, STN_E_FORMAT,
                   "mask: padding bit 7");
    mask = 0x0b;
    sign = 0x0e;
    assert_refused(UNPACK(&live, &mask, &sign, z), err, STN_E_FORMAT,
                   "sign: padding bit 3");
    sign = 0x06;
    stn_code_sizes wrong = {1, 2, 1};
    assert_refused(UNPACK(&live, bytes, &sign, wrong), err, STN_E_FORMAT,
                   "mask has 2 bytes, expected 1");
    wrong = (stn_code_sizes){2, 1, 1};
    assert_refused(UNPACK(bytes, &mask, &sign, wrong), err, STN_E_FORMAT,
                   "live has 2 bytes");
    wrong = (stn_code_sizes){1, 1, 0};
    assert_refused(UNPACK(&live, &mask, &sign, wrong), err, STN_E_FORMAT,
                   "sign has 0 bytes, expected 1");
    live = 0x03; /* group 1 live, with both its weights 0 */
    wrong = (stn_code_sizes){1, 1, 1};
    assert_refused(UNPACK(&live, &mask, &sign, wrong), err, STN_E_FORMAT,
                   "group 1 is marked live");
#undef UNPACK
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packed_codes_unpack_to_themselves_at_any_shape),
        cmocka_unit_test(ternary_codes_have_the_bytes_of_the_format_page),
        cmocka_unit_test(bit_tensors_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
