/* SPDX-License-Identifier: MIT
 *
 * The textbook circuits (Weste and Harris, CMOS VLSI Design, 4th ed., chapter
 * 11): a full adder of nine NANDs; a prefix adder (Brent and Kung, IEEE Trans.
 * Computers C-31(3), 1982); a counter tree of ripple-carry adders that uses the
 * carry input of each; an array multiplier; a barrel shifter of two-to-one
 * multiplexers. */
#include "memory/unit.h"
#include "base/layout.h"
#include "base/memory.h"
#include <string.h>

#define MOST 1024 /* bits */
#define MOST_FACTOR 64

/* Signals; -1 where a bit is always 0. */
typedef struct sum_carry {
    int sum, carry;
} sum_carry;

/* Whether a and b differ; `both` is their NAND. */
static int differ(stn_netlist *net, int a, int b, int both)
{
    int only_a = stn_net_nand(net, a, both);
    int only_b = stn_net_nand(net, b, both);
    return stn_net_nand(net, only_a, only_b);
}

static sum_carry half_adder(stn_netlist *net, int a, int b)
{
    int both = stn_net_nand(net, a, b);
    int sum = differ(net, a, b, both);
    return (sum_carry){sum, stn_net_not(net, both)};
}

static sum_carry full_adder(stn_netlist *net, int a, int b, int c)
{
    int both = stn_net_nand(net, a, b);
    int either = differ(net, a, b, both);
    int pass = stn_net_nand(net, either, c);
    int sum = differ(net, either, c, pass);
    return (sum_carry){sum, stn_net_nand(net, both, pass)};
}

/* Of up to three bits, those that are not -1. */
static sum_carry add_bits(stn_netlist *net, int a, int b, int c)
{
    int some[3], n = 0, all[] = {a, b, c};
    for (int i = 0; i < 3; i++)
        if (all[i] >= 0)
            some[n++] = all[i];
    if (n == 3)
        return full_adder(net, some[0], some[1], some[2]);
    if (n == 2)
        return half_adder(net, some[0], some[1]);
    return (sum_carry){n ? some[0] : -1, -1};
}

/* out[0 … n]: a + b + carry, of numbers of n bits. */
static void ripple(stn_netlist *net, const int *a, const int *b, int n,
                   int carry, int *out)
{
    for (int i = 0; i < n; i++) {
        sum_carry s = add_bits(net, a[i], b[i], carry);
        out[i] = s.sum;
        carry = s.carry;
    }
    out[n] = carry;
}

/* The carry out of a run of bits: made in it (at least one of the two signals
 * is there, unless never), or passed through it. */
typedef struct run {
    int made, not_made, passed; /* -1: not built; passed: never */
} run;

/* The carry out of `high` above `low`. */
static run join(stn_netlist *net, run *high, run *low)
{
    if (low->made < 0 && low->not_made >= 0)
        low->made = stn_net_not(net, low->not_made);
    run r = *high;
    if (high->passed < 0 || low->made < 0) {
        r.passed = -1;
        return r;
    }
    int through = stn_net_nand(net, high->passed, low->made);
    if (high->not_made < 0 && high->made >= 0)
        high->not_made = stn_net_not(net, high->made);
    if (high->not_made >= 0)
        r = (run){stn_net_nand(net, high->not_made, through), -1, -1};
    else
        r = (run){-1, through, -1};
    if (low->passed >= 0)
        r.passed =
            stn_net_not(net, stn_net_nand(net, high->passed, low->passed));
    return r;
}

/* out[0 … n]: a + b, in 2 log2 n - 1 levels of runs twice as long up, and back
 * down to those that end in between. */
static void add(stn_netlist *net, const int *a, const int *b, int n, int *out)
{
    run runs[MOST];
    int step = 1;
    for (int i = 0; i < n; i++) {
        runs[i] = (run){-1, -1, -1};
        out[i] = a[i] < 0 ? b[i] : a[i];
        if (a[i] >= 0 && b[i] >= 0) {
            runs[i].not_made = stn_net_nand(net, a[i], b[i]);
            out[i] = differ(net, a[i], b[i], runs[i].not_made);
        }
        runs[i].passed = i ? out[i] : -1; /* nothing comes into the lowest */
    }
    for (; 2 * step <= n; step *= 2)
        for (int i = 2 * step - 1; i < n; i += 2 * step)
            runs[i] = join(net, &runs[i], &runs[i - step]);
    for (; step >= 1; step /= 2)
        for (int i = 3 * step - 1; i < n; i += 2 * step)
            runs[i] = join(net, &runs[i], &runs[i - step]);
    for (int i = n; i > 0; i--) {
        run *below = &runs[i - 1];
        if (below->made < 0 && below->not_made >= 0)
            below->made = stn_net_not(net, below->not_made);
        int carry = below->made;
        if (i == n || out[i] < 0)
            out[i] = carry;
        else if (carry >= 0)
            out[i] =
                differ(net, out[i], carry, stn_net_nand(net, out[i], carry));
    }
}

/* Builders return how many outputs there are. */
static int nand(stn_unit *u, int bits)
{
    for (int i = 0; i < bits; i++)
        u->outputs[i] = stn_net_nand(&u->net, i, bits + i);
    return bits;
}

static int adder(stn_unit *u, int bits)
{
    int in[2 * MOST];
    for (int i = 0; i < 2 * bits; i++)
        in[i] = i;
    add(&u->net, in, in + bits, bits, u->outputs);
    return bits + 1;
}

/* From the lowest bit up: a > b so far, unless this bit decides otherwise. */
static int comparator(stn_unit *u, int bits)
{
    stn_netlist *net = &u->net;
    int larger = -1;
    for (int i = 0; i < bits; i++) {
        int not_b = stn_net_not(net, bits + i);
        int decides = stn_net_nand(net, i, not_b);
        if (larger < 0) {
            larger = stn_net_not(net, decides);
            continue;
        }
        int with_a = stn_net_nand(net, i, larger);
        int with_b = stn_net_nand(net, not_b, larger);
        larger = stn_net_nand3(net, decides, with_a, with_b);
    }
    u->outputs[0] = larger;
    return 1;
}

static int shifter(stn_unit *u, int bits)
{
    stn_netlist *net = &u->net;
    int *now = u->outputs, before[MOST];
    for (int i = 0; i < bits; i++)
        now[i] = i;
    for (int k = 0; k < stn_bits_for((uint32_t)bits); k++) {
        int shift = bits + k, stay = stn_net_not(net, shift);
        memcpy(before, now, (size_t)bits * sizeof *now);
        for (int i = 0; i < bits; i++) {
            int from = i - (1 << k), kept = stn_net_nand(net, before[i], stay);
            now[i] = from < 0
                         ? stn_net_not(net, kept)
                         : stn_net_nand(net, kept,
                                        stn_net_nand(net, before[from], shift));
        }
    }
    return bits;
}

/* Ones among inputs first … first + n - 1; returns how many bits of `out` say
 * it. Two halves are added, with one input as their carry. */
static int count(stn_netlist *net, int first, int n, int *out)
{
    int left[16], right[16];
    if (n == 1) {
        out[0] = first;
        return 1;
    }
    int half = (n - 1) / 2, other = n - 1 - half;
    int n_left = half ? count(net, first, half, left) : 0;
    int n_right = count(net, first + half, other, right);
    for (int i = n_left; i < n_right; i++)
        left[i] = -1;
    ripple(net, left, right, n_right, first + n - 1, out);
    return n_right + (out[n_right] >= 0);
}

static int popcount(stn_unit *u, int bits)
{
    return count(&u->net, 0, bits, u->outputs);
}

/* Row i adds the bits of a where bit i of b is 1; carries go to the next row
 * and are added behind the last one. */
static int multiplier(stn_unit *u, int bits)
{
    stn_netlist *net = &u->net;
    int sums[MOST_FACTOR + 1], carries[MOST_FACTOR + 1];
    for (int j = 0; j <= MOST_FACTOR; j++)
        sums[j] = carries[j] = -1;
    for (int i = 0; i < bits; i++) {
        for (int j = 0; j < bits; j++) {
            int product = stn_net_not(net, stn_net_nand(net, j, bits + i));
            sum_carry s = add_bits(net, product, sums[j + 1], carries[j]);
            sums[j] = s.sum;
            carries[j] = s.carry;
        }
        u->outputs[i] = sums[0];
    }
    add(net, sums + 1, carries, bits, u->outputs + bits);
    return bits == 1 ? 1 : 2 * bits; /* the last carry is always 0 */
}

typedef struct unit_type {
    const char *name;
    int (*build)(stn_unit *u, int bits);
    int numbers; /* that are inputs */
    bool shifts; /* so that a distance is one too */
    int max_bits;
} unit_type;

static const unit_type types[] = {
    [STN_UNIT_NAND] = {"nand", nand, 2, false, MOST},
    [STN_UNIT_ADDER] = {"adder", adder, 2, false, MOST},
    [STN_UNIT_COMPARATOR] = {"comparator", comparator, 2, false, MOST},
    [STN_UNIT_SHIFTER] = {"shifter", shifter, 1, true, MOST},
    [STN_UNIT_POPCOUNT] = {"popcount", popcount, 1, false, MOST},
    [STN_UNIT_MULTIPLIER] = {"multiplier", multiplier, 2, false, MOST_FACTOR}};

const char *stn_unit_name(stn_unit_kind kind)
{
    return types[kind].name;
}

int stn_unit_max_bits(stn_unit_kind kind)
{
    return types[kind].max_bits;
}

stn_status stn_unit_create(stn_unit_kind kind, int bits, stn_unit *out,
                           stn_error *err)
{
    const unit_type *type = &types[kind];
    if (bits < 1 || bits > type->max_bits)
        return stn_fail(err, STN_E_ARGUMENT,
                        "%s: got %d bits, expected from 1 to %d", type->name,
                        bits, type->max_bits);
    int distance = type->shifts ? stn_bits_for((uint32_t)bits) : 0;
    stn_unit u = {.net = stn_netlist_begin(type->numbers * bits + distance)};
    u.outputs = stn_alloc(2 * (size_t)bits + 1, sizeof *u.outputs);
    if (u.outputs)
        u.n_outputs = type->build(&u, bits);
    if (!u.outputs || u.net.failed) {
        stn_unit_deinit(&u);
        return stn_fail_memory(err, "a digital unit");
    }
    *out = u;
    return STN_OK;
}

void stn_unit_deinit(stn_unit *unit)
{
    stn_netlist_deinit(&unit->net);
    stn_free(unit->outputs);
    *unit = (stn_unit){0};
}
