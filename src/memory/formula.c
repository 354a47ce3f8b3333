/* SPDX-License-Identifier: MIT
 *
 * What each part of a modelled sub-array or bank is computed by, in words: the
 * one place where explanations take them from. subarray.c, bitline.c and
 * bank.c compute; docs/memory.md has the equations. The first row that fits
 * holds. */
#include "memory/model.h"

/* Cells, by how they are read and written. */
enum {
    FORCE_CURRENT = 1 << 0, /* resistive, voltage sensing */
    FORCE_VOLTAGE = 1 << 1, /* resistive, current sensing */
    ORBIT = 1 << 2,
    SRAM = 1 << 3,
    SRAM_8T = 1 << 4,
    DRAM = 1 << 5,
    RESISTIVE = FORCE_CURRENT | FORCE_VOLTAGE,
    ANY_SRAM = SRAM | SRAM_8T,
    ANY = RESISTIVE | ORBIT | ANY_SRAM | DRAM
};

/* Totals, as sets. */
#define IN(total) (1 << STN_ARRAY_##total)
#define AREA IN(AREA_M2)
#define LEAKAGE IN(LEAKAGE_W)
#define READ_S IN(READ_LATENCY_S)
#define WRITE_S IN(WRITE_LATENCY_S)
#define READ_J IN(READ_ENERGY_J)
#define WRITE_J IN(WRITE_ENERGY_J)
#define LOGIC_J (IN(LOGIC2_ENERGY_J) | IN(LOGIC3_ENERGY_J))
#define LATENCY (READ_S | WRITE_S)
#define ENERGY (READ_J | WRITE_J)

typedef struct formula {
    int totals, part, cells;
    const char *text;
} formula;

/* clang-format off */
static const formula rows[] = {
    {AREA, STN_ARRAY_CELLS, ANY, "rows x columns x cell_area F^2"},
    {READ_J, STN_ARRAY_CELLS, RESISTIVE | ORBIT, "2 x word x read_power x time of the sense amplifier: cell and reference conduct until the latch has decided, once a bit"},
    {WRITE_J, STN_ARRAY_CELLS, RESISTIVE, "word x pulses x the larger of set_energy and reset_energy"},
    {WRITE_J, STN_ARRAY_CELLS, ORBIT, "word x write_current x supply x write_pulse: what the supply gives"},
    {WRITE_S, STN_ARRAY_CELLS, RESISTIVE | ORBIT, "pulses x the longer of set and reset"},
    {WRITE_S, STN_ARRAY_CELLS, DRAM, "2.3 R C of access transistor and storage_capacitance"},
    {WRITE_S, STN_ARRAY_CELLS, ANY_SRAM, "delay of an inverter that drives four: the cell turns over; without write drivers the bit line's time has it"},
    {LEAKAGE, STN_ARRAY_CELLS, DRAM, "rows x energy of a read / retention: refresh"},
    {LEAKAGE, STN_ARRAY_CELLS, ANY_SRAM, "rows x columns x (two inverters + one access transistor, and the read port) x off-current x supply"},
    {LOGIC_J, STN_ARRAY_CELLS, ANY, "rows sensed together x that of a read: each row's cells conduct"},

    {AREA, STN_ARRAY_PREDECODER, ANY, "gates of the predecoders of rows and columns, folded"},
    {LATENCY, STN_ARRAY_PREDECODER, ANY, "two blocks of NANDs for groups of 2 and 3 address bits, drivers by logical effort, lines of half the outline; the slower of rows and columns"},
    {ENERGY, STN_ARRAY_PREDECODER, ANY, "C Vdd^2 of one path of each predecoder, lines of half the outline included"},
    {LEAKAGE, STN_ARRAY_PREDECODER, ANY, "off-current x supply of all gates, stacked ones less"},
    {LOGIC_J, STN_ARRAY_PREDECODER, ANY, "rows sensed together x that of a read: each row has its own path"},

    {AREA, STN_ARRAY_ROW_DECODER, SRAM_8T | ORBIT, "rows x (NAND and drivers of the read and of the write word line), folded to the height of a cell"},
    {AREA, STN_ARRAY_ROW_DECODER, ANY, "rows x (NAND and driver of the word line), folded to the height of a cell"},
    {LATENCY, STN_ARRAY_ROW_DECODER, ANY, "NAND, driver by logical effort, word line: R C / 2 of it added to the last stage"},
    {ENERGY, STN_ARRAY_ROW_DECODER, ANY, "C Vdd^2 of one NAND, driver and word line with the gates of its cells"},
    {LEAKAGE, STN_ARRAY_ROW_DECODER, ANY, "off-current x supply of the NANDs and drivers of all rows"},
    {LOGIC_J, STN_ARRAY_ROW_DECODER, ANY, "rows sensed together x that of a read: each word line rises"},

    {AREA, STN_ARRAY_COLUMN_SELECT, ANY, "drivers of three lines across the columns, and decoder of the first"},
    {READ_S, STN_ARRAY_COLUMN_SELECT, ANY, "what the slower select line takes longer than the row decoder"},
    {WRITE_S, STN_ARRAY_COLUMN_SELECT, ANY_SRAM | DRAM, "as of a read"},
    {ENERGY, STN_ARRAY_COLUMN_SELECT, ANY, "C Vdd^2 of three lines across the columns, a small gate per column each"},
    {LEAKAGE, STN_ARRAY_COLUMN_SELECT, ANY, "off-current x supply of the lines' drivers"},
    {LOGIC_J, STN_ARRAY_COLUMN_SELECT, ANY, "as of a read"},

    {READ_S, STN_ARRAY_BIT_LINE, ANY_SRAM, "R C ln(V / (V - dV)): C of the line discharged to sense_signal through two transistors in series; from the supply, or by Horowitz from half of it"},
    {READ_S, STN_ARRAY_BIT_LINE, DRAM, "2.3 R C: storage_capacitance shares its charge with the line"},
    {READ_S, STN_ARRAY_BIT_LINE, FORCE_CURRENT, "R C ln(D / (D - sense_signal)), D from the middle of both levels to a level I R; the slower level"},
    {READ_S, STN_ARRAY_BIT_LINE, FORCE_VOLTAGE | ORBIT, "current mode: Rbl Cbl / 2 (Roff + Rbl / 3) / (Roff + Rbl)"},
    {WRITE_S, STN_ARRAY_BIT_LINE, ANY_SRAM | DRAM, "as of a read: a full swing through the driver takes about as long"},
    {WRITE_S, STN_ARRAY_BIT_LINE, RESISTIVE | ORBIT, "select line, then R C of multiplexer and line, less the row decoder beside them"},
    {READ_J, STN_ARRAY_BIT_LINE, ANY_SRAM, "columns x C of the line x V sense_signal; with Horowitz' timing x half the supply squared"},
    {READ_J, STN_ARRAY_BIT_LINE, DRAM, "columns x (C of the line + storage_capacitance) Vdd^2 / 2"},
    {READ_J, STN_ARRAY_BIT_LINE, FORCE_CURRENT, "columns x C of the line x (middle level squared - low level squared)"},
    {READ_J, STN_ARRAY_BIT_LINE, FORCE_VOLTAGE | ORBIT, "columns x C of the line x the square of read_voltage as it divides along the line"},
    {WRITE_J, STN_ARRAY_BIT_LINE, DRAM, "3/2 of a read: the row is activated, half of its lines turn over"},
    {WRITE_J, STN_ARRAY_BIT_LINE, ANY_SRAM, "word x C of the line x Vdd^2; with Horowitz' timing half the supply squared"},
    {WRITE_J, STN_ARRAY_BIT_LINE, RESISTIVE | ORBIT, "word x C of the line x write_voltage^2, or the supply's"},
    {LOGIC_J, STN_ARRAY_BIT_LINE, ANY, "as of a read: the line is charged once"},

    {AREA, STN_ARRAY_MULTIPLEXER, ORBIT, "pass transistors of all read and all write bit lines, folded"},
    {AREA, STN_ARRAY_MULTIPLEXER, ANY, "pass transistors of all bit lines, folded"},
    {READ_S | WRITE_S, STN_ARRAY_MULTIPLEXER, ANY, "2.3 R C of a pass transistor, wide enough for a fifth of the cell's resistance, into the sense amplifier"},
    {ENERGY, STN_ARRAY_MULTIPLEXER, ANY, "amplifiers x C Vdd (Vdd - Vth) of their inputs and of the drains before them"},
    {LOGIC_J, STN_ARRAY_MULTIPLEXER, ANY, "as of a read"},

    {AREA, STN_ARRAY_PRECHARGE, ANY, "two PMOS of 6 F, an equaliser and an inverter per column; drivers of the enable line"},
    {READ_J, STN_ARRAY_PRECHARGE, ANY, "C Vdd^2 of the gates and inverters of all columns and of the drivers of their enable line"},
    {LEAKAGE, STN_ARRAY_PRECHARGE, ANY, "off-current x supply of inverters and drivers"},
    {LOGIC_J, STN_ARRAY_PRECHARGE, ANY, "as of a read: the lines are precharged once"},

    {AREA, STN_ARRAY_SENSE_AMPLIFIER, ANY, "amplifiers x latches x CACTI's latch folded into its pitch, and the converter of current sensing"},
    {READ_S, STN_ARRAY_SENSE_AMPLIFIER, ANY, "C / gm ln(Vdd / dV) of the latch, and the converter of current sensing; once a bit"},
    {WRITE_S, STN_ARRAY_SENSE_AMPLIFIER, ANY_SRAM | DRAM, "as of a read"},
    {WRITE_S, STN_ARRAY_SENSE_AMPLIFIER, RESISTIVE, "program_pulses x (bit line and sense amplifier of a read): each pulse is verified"},
    {READ_J, STN_ARRAY_SENSE_AMPLIFIER, ANY, "amplifiers x (C Vdd^2 of the latch, and the converter of current sensing); once a bit"},
    {WRITE_J, STN_ARRAY_SENSE_AMPLIFIER, DRAM, "as of a read: it restores the row"},
    {WRITE_J, STN_ARRAY_SENSE_AMPLIFIER, RESISTIVE, "program_pulses x that of a read: each pulse is verified"},
    {LEAKAGE, STN_ARRAY_SENSE_AMPLIFIER, ANY, "amplifiers x latches x off-current x supply, and the converter of current sensing"},
    {LOGIC_J, STN_ARRAY_SENSE_AMPLIFIER, ANY, "rows sensed together x that of a read: as many references, each with a latch"},

    {AREA, STN_ARRAY_WRITE_DRIVER, ANY, "two lines for each written bit x (NAND and chain by logical effort; a forced current I takes an output of I / (headroom Ion)), folded into their pitch"},
    {WRITE_S, STN_ARRAY_WRITE_DRIVER, ANY, "NAND and chain into the line, by what they take longer than decoders, multiplexer and line"},
    {WRITE_J, STN_ARRAY_WRITE_DRIVER, ANY, "word x pulses x C Vdd^2 of one NAND and chain of the pair"},
    {LEAKAGE, STN_ARRAY_WRITE_DRIVER, ANY, "off-current x supply of the NANDs and chains of both lines of all written bits"},

    {AREA, STN_ARRAY_WHITE_SPACE, ANY, "rectangle around cells, decoders at the side, strip at the foot and predecoder at an end, less the parts"},
};

static const formula bank_rows[] = {
    {AREA | LEAKAGE, STN_BANK_SUB_ARRAYS, ANY, "sub-arrays x that of one: all stand there and leak"},
    {~0, STN_BANK_SUB_ARRAYS, ANY, "that of the one sub-array that works"},
    {AREA | LEAKAGE, STN_BANK_ADDRESS, ANY, "address wires x length of all branches x repeaters of a metre"},
    {AREA | LEAKAGE, STN_BANK_DATA, ANY, "data wires x length of all branches x repeaters of a metre"},
    {~LATENCY, STN_BANK_ADDRESS, ANY, "address wires x path x (C of wire and repeaters) Vdd^2 / 4"},
    {~LATENCY, STN_BANK_DATA, ANY, "data wires x path x (C of wire and repeaters) Vdd^2 / 4"},
    {~0, STN_BANK_ADDRESS, ANY, "path x ln 2 R C of a metre with repeaters"},
    {~0, STN_BANK_DATA, ANY, "path x ln 2 R C of a metre with repeaters: the way back"},
};
/* clang-format on */
#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static const char *find(const formula *list, size_t n, stn_array_total total,
                        int part, int cell)
{
    for (size_t i = 0; i < n; i++)
        if ((list[i].totals & 1 << total) && list[i].part == part &&
            (list[i].cells & cell))
            return list[i].text;
    return "";
}

static int class_of(const stn_cell *c)
{
    static const int classes[STN_CELL_KINDS] = {0, SRAM, SRAM_8T, DRAM, ORBIT};
    if (c->kind != STN_CELL_RESISTIVE)
        return classes[c->kind];
    return c->current_sensing ? FORCE_VOLTAGE : FORCE_CURRENT;
}

const char *stn_array_formula(const stn_cell *cell, stn_array_total total,
                              stn_array_part part)
{
    return find(rows, COUNT(rows), total, part, class_of(cell));
}

const char *stn_bank_formula(stn_array_total total, stn_bank_part part)
{
    return find(bank_rows, COUNT(bank_rows), total, part, ANY);
}
