/* SPDX-License-Identifier: MIT
 *
 * Weight codes as bits: docs/format.md, "Tensors". A group's share of the
 * bitmap is read before its weights, so that an empty group costs one bit.
 * Every set of codes has exactly one stored form, and only that form is
 * accepted back: padding bits are 0, a live group holds a nonzero weight. */
#include "pack/format.h"

/* The weights of one group: `area` runs of `width` neighbours. */
typedef struct group {
    size_t first, step; /* index of the first weight, and from run to run */
    int width, area;
} group;

static group group_at(stn_code_shape s, int index)
{
    int n_chunks = (s.in + s.chunk - 1) / s.chunk;
    int o = index / n_chunks, b = index % n_chunks;
    int left = s.in - b * s.chunk;
    return (group){
        .first = (size_t)o * (size_t)s.area * (size_t)s.in +
                 (size_t)b * (size_t)s.chunk,
        .step = (size_t)s.in,
        .width = left < s.chunk ? left : s.chunk,
        .area = s.area,
    };
}

static size_t group_size(group g)
{
    return (size_t)g.width * (size_t)g.area;
}

static size_t group_nonzero(group g, const int8_t *codes)
{
    size_t n = 0;
    for (int k = 0; k < g.area; k++)
        for (int c = 0; c < g.width; c++)
            n += codes[g.first + (size_t)k * g.step + (size_t)c] != 0;
    return n;
}

static size_t bytes_for(size_t bits)
{
    return (bits + 7) / 8;
}

static int get_bit(const uint8_t *bits, size_t k)
{
    return bits[k / 8] >> (k % 8) & 1;
}

static void put_bit(uint8_t *bits, size_t k, int bit)
{
    bits[k / 8] = (uint8_t)((bits[k / 8] & ~(1u << (k % 8))) |
                            ((unsigned)bit << (k % 8)));
}

static void clear(uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = 0;
}

stn_code_sizes stn_codes_sizes(stn_code code, stn_code_shape s,
                               const int8_t *codes)
{
    size_t n = (size_t)s.out * (size_t)s.area * (size_t)s.in;
    if (code == STN_CODE_INT8)
        return (stn_code_sizes){0};
    if (code == STN_CODE_BINARY)
        return (stn_code_sizes){.sign = bytes_for(n)};
    size_t mask = 0, sign = 0;
    int n_groups = stn_code_groups(s);
    for (int i = 0; i < n_groups; i++) {
        group g = group_at(s, i);
        size_t nonzero = group_nonzero(g, codes);
        mask += nonzero ? group_size(g) : 0;
        sign += nonzero;
    }
    return (stn_code_sizes){.live = bytes_for((size_t)n_groups),
                            .mask = bytes_for(mask),
                            .sign = bytes_for(sign)};
}

static void pack_ternary(stn_code_shape s, const int8_t *codes, uint8_t *live,
                         uint8_t *mask, uint8_t *sign)
{
    size_t m = 0, n = 0; /* bits written to mask and sign */
    int n_groups = stn_code_groups(s);
    for (int i = 0; i < n_groups; i++) {
        group g = group_at(s, i);
        if (!group_nonzero(g, codes))
            continue;
        put_bit(live, (size_t)i, 1);
        for (int k = 0; k < g.area; k++) {
            const int8_t *run = codes + g.first + (size_t)k * g.step;
            for (int c = 0; c < g.width; c++) {
                put_bit(mask, m++, run[c] != 0);
                if (run[c])
                    put_bit(sign, n++, run[c] < 0);
            }
        }
    }
}

void stn_codes_pack(stn_code code, stn_code_shape s, const int8_t *codes,
                    uint8_t *live, uint8_t *mask, uint8_t *sign)
{
    stn_code_sizes sizes = stn_codes_sizes(code, s, codes);
    clear(live, sizes.live);
    clear(mask, sizes.mask);
    clear(sign, sizes.sign);
    if (code == STN_CODE_TERNARY) {
        pack_ternary(s, codes, live, mask, sign);
    } else if (code == STN_CODE_BINARY) {
        size_t n = (size_t)s.out * (size_t)s.area * (size_t)s.in;
        for (size_t k = 0; k < n; k++)
            put_bit(sign, k, codes[k] < 0);
    }
}

/* `n` bits must fill `size` bytes, the rest of the last one being 0. */
static stn_status check_bits(const char *where, const char *what,
                             const uint8_t *bits, size_t size, size_t n,
                             stn_error *err)
{
    if (size != bytes_for(n))
        return stn_fail(err, STN_E_FORMAT,
                        "%s: %s has %zu bytes, expected %zu for %zu bits",
                        where, what, size, bytes_for(n), n);
    for (size_t k = n; k < 8 * size; k++)
        if (get_bit(bits, k))
            return stn_fail(err, STN_E_FORMAT,
                            "%s: %s: padding bit %zu is 1, expected 0", where,
                            what, k);
    return STN_OK;
}

/* Follows live → mask → sign, each telling how long the next must be. */
static stn_status check_ternary(stn_code_shape s, const uint8_t *live,
                                const uint8_t *mask, const uint8_t *sign,
                                stn_code_sizes sizes, const char *where,
                                stn_error *err)
{
    int n_groups = stn_code_groups(s);
    STN_TRY(check_bits(where, "live", live, sizes.live, (size_t)n_groups, err));
    size_t m = 0;
    for (int i = 0; i < n_groups; i++)
        m += get_bit(live, (size_t)i) ? group_size(group_at(s, i)) : 0;
    STN_TRY(check_bits(where, "mask", mask, sizes.mask, m, err));
    size_t n = 0;
    for (size_t k = 0; k < m; k++)
        n += (size_t)get_bit(mask, k);
    return check_bits(where, "sign", sign, sizes.sign, n, err);
}

static stn_status unpack_ternary(stn_code_shape s, const uint8_t *live,
                                 const uint8_t *mask, const uint8_t *sign,
                                 const char *where, int8_t *codes,
                                 stn_error *err)
{
    size_t m = 0, n = 0; /* bits read from mask and sign */
    int n_groups = stn_code_groups(s);
    for (int i = 0; i < n_groups; i++) {
        group g = group_at(s, i);
        int alive = get_bit(live, (size_t)i);
        size_t before = n;
        for (int k = 0; k < g.area; k++) {
            int8_t *run = codes + g.first + (size_t)k * g.step;
            for (int c = 0; c < g.width; c++) {
                run[c] = 0;
                if (alive && get_bit(mask, m++))
                    run[c] = get_bit(sign, n++) ? -1 : 1;
            }
        }
        if (alive && n == before)
            return stn_fail(err, STN_E_FORMAT,
                            "%s: group %d is marked live but all its weights "
                            "are 0",
                            where, i);
    }
    return STN_OK;
}

stn_status stn_codes_unpack(stn_code code, stn_code_shape s,
                            const uint8_t *live, const uint8_t *mask,
                            const uint8_t *sign, stn_code_sizes sizes,
                            const char *where, int8_t *codes, stn_error *err)
{
    if (code == STN_CODE_TERNARY) {
        STN_TRY(check_ternary(s, live, mask, sign, sizes, where, err));
        return unpack_ternary(s, live, mask, sign, where, codes, err);
    }
    if (code != STN_CODE_BINARY)
        return stn_fail(err, STN_E_ARGUMENT,
                        "%s: %s codes are not stored as bits", where,
                        code == STN_CODE_INT8 ? "int8" : "unknown");
    size_t n = (size_t)s.out * (size_t)s.area * (size_t)s.in;
    STN_TRY(check_bits(where, "sign", sign, sizes.sign, n, err));
    for (size_t k = 0; k < n; k++)
        codes[k] = get_bit(sign, k) ? -1 : 1;
    return STN_OK;
}
