/* SPDX-License-Identifier: MIT
 *
 * The textbook circuits (Weste and Harris, CMOS VLSI Design, 4th ed., chapter
 * 11): a full adder of nine NANDs, ripple-carry adders, a counter tree that
 * uses the carry input of every adder, an array multiplier, a barrel shifter
 * of two-to-one multiplexers. */
#include "memory/unit.h"
#include "base/memory.h"

/* Signals; -1 where a bit is always 0. */
typedef struct sum_carry {
    int sum, carry;
} sum_carry;

static sum_carry half_adder(stn_netlist *net, int a, int b)
{
    int both = stn_net_nand(net, a, b);
    int sum = stn_net_nand(net, stn_net_nand(net, a, both),
                           stn_net_nand(net, b, both));
    return (sum_carry){sum, stn_net_not(net, both)};
}

static sum_carry full_adder(stn_netlist *net, int a, int b, int c)
{
    int ab = stn_net_nand(net, a, b);
    int differ =
        stn_net_nand(net, stn_net_nand(net, a, ab), stn_net_nand(net, b, ab));
    int pass = stn_net_nand(net, differ, c);
    int sum = stn_net_nand(net, stn_net_nand(net, differ, pass),
                           stn_net_nand(net, c, pass));
    return (sum_carry){sum, stn_net_nand(net, ab, pass)};
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

static void adder(stn_unit *u, int bits)
{
    int in[2 * 1024];
    for (int i = 0; i < 2 * bits; i++)
        in[i] = i;
    ripple(&u->net, in, in + bits, bits, -1, u->outputs);
}

/* From the lowest bit up: a > b so far, unless this bit decides otherwise. */
static void comparator(stn_unit *u, int bits)
{
    stn_netlist *net = &u->net;
    int larger = -1;
    for (int i = 0; i < bits; i++) {
        int a = i, not_b = stn_net_not(net, bits + i);
        int this = stn_net_nand(net, a, not_b);
        larger = larger < 0
                     ? stn_net_not(net, this)
                     : stn_net_nand3(net, this, stn_net_nand(net, a, larger),
                                     stn_net_nand(net, not_b, larger));
    }
    u->outputs[0] = larger;
}

static int distance_bits(int bits)
{
    int n = 0;
    while (1 << n < bits)
        n++;
    return n;
}

static void shifter(stn_unit *u, int bits)
{
    stn_netlist *net = &u->net;
    int now[1024], next[1024];
    for (int i = 0; i < bits; i++)
        now[i] = i;
    for (int k = 0; k < distance_bits(bits); k++) {
        int shift = bits + k, stay = stn_net_not(net, shift);
        for (int i = 0; i < bits; i++) {
            int from = i - (1 << k);
            int kept = stn_net_nand(net, now[i], stay);
            next[i] = from < 0
                          ? stn_net_not(net, kept)
                          : stn_net_nand(net, kept,
                                         stn_net_nand(net, now[from], shift));
        }
        for (int i = 0; i < bits; i++)
            now[i] = next[i];
    }
    for (int i = 0; i < bits; i++)
        u->outputs[i] = now[i];
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

/* Row i adds the bits of a where bit i of b is 1; carries go to the next row
 * and ripple behind the last one. */
static void multiplier(stn_unit *u, int bits)
{
    stn_netlist *net = &u->net;
    int sums[64 + 1], carries[64 + 1];
    for (int j = 0; j <= bits; j++)
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
    ripple(net, sums + 1, carries, bits, -1, u->outputs + bits);
    u->n_outputs = 2 * bits; /* the last carry is always 0 */
}

typedef struct unit_type {
    const char *name;
    int operands; /* numbers that are inputs */
    int max_bits;
} unit_type;

static const unit_type types[] = {
    [STN_UNIT_ADDER] = {"adder", 2, 1024},
    [STN_UNIT_COMPARATOR] = {"comparator", 2, 1024},
    [STN_UNIT_SHIFTER] = {"shifter", 1, 1024},
    [STN_UNIT_POPCOUNT] = {"popcount", 1, 1024},
    [STN_UNIT_MULTIPLIER] = {"multiplier", 2, 64}};

const char *stn_unit_name(stn_unit_kind kind)
{
    return types[kind].name;
}

stn_status stn_unit_create(stn_unit_kind kind, int bits, stn_unit *out,
                           stn_error *err)
{
    const unit_type *type = &types[kind];
    if (bits < 1 || bits > type->max_bits)
        return stn_fail(err, STN_E_ARGUMENT,
                        "%s: got %d bits, expected from 1 to %d", type->name,
                        bits, type->max_bits);
    int inputs = type->operands * bits;
    if (kind == STN_UNIT_SHIFTER)
        inputs += distance_bits(bits);
    stn_unit u = {.net = stn_netlist_begin(inputs)};
    u.outputs = stn_alloc(2 * (size_t)bits + 2, sizeof *u.outputs);
    if (!u.outputs)
        return stn_fail_memory(err, "a digital unit");
    if (kind == STN_UNIT_ADDER) {
        adder(&u, bits);
        u.n_outputs = bits + 1;
    } else if (kind == STN_UNIT_COMPARATOR) {
        comparator(&u, bits);
        u.n_outputs = 1;
    } else if (kind == STN_UNIT_SHIFTER) {
        shifter(&u, bits);
        u.n_outputs = bits;
    } else if (kind == STN_UNIT_POPCOUNT) {
        u.n_outputs = count(&u.net, 0, bits, u.outputs);
    } else {
        multiplier(&u, bits);
    }
    while (u.outputs[u.n_outputs - 1] < 0) /* a multiplier of one bit */
        u.n_outputs--;
    if (u.net.failed) {
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
