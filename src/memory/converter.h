/* SPDX-License-Identifier: MIT
 *
 * Converters of analog arrays from the transistors of a technology: ADCs,
 * row drivers, and what holds a column's value. Equations and sources:
 * docs/crossbar.md. */
#ifndef STN_MEMORY_CONVERTER_H
#define STN_MEMORY_CONVERTER_H

#include "memory/model.h"

#define STN_ADC_MOST_BITS 12
#define STN_FLASH_MOST_BITS 4
/* Assumed: how many deviations of matching a chip must bear. */
#define STN_CONVERTER_SIGMAS 3.0

/* What converters are made of. All doubles: it is the key of a cache. */
typedef struct stn_converter {
    stn_tech tech; /* transistors at the converters' supply */
    double temperature_k;
    double full_scale_v; /* of a converted voltage */
    double unit_f;       /* the smallest capacitor that is drawn */
    double mismatch_m;   /* relative deviation of two equal capacitors times
                            the root of their area */
} stn_converter;

/* Adds `n` of a part to a sum; they work side by side. */
void stn_unit_chain_side(stn_unit_chain *sum, double n,
                         const stn_unit_chain *part);

/* ---- comparator.c */
typedef struct stn_comparator {
    double input_f; /* of one of its two inputs */
    stn_unit_chain cost;
} stn_comparator;
/* A comparator whose noise is no larger than what `bits` bits of the full scale
 * leave undecided. `matched`: its offset stays below half a step, too. */
stn_comparator stn_comparator_model(const stn_converter *c, int bits,
                                    bool matched);
/* Smallest capacitance whose thermal noise is no larger than that. */
double stn_noise_f(const stn_converter *c, int bits);

/* ---- converter.c */
typedef enum stn_adc_part {
    STN_ADC_COMPARATORS,
    STN_ADC_REFERENCE, /* resistor ladder, or capacitors */
    STN_ADC_LOGIC,     /* encoder, or registers and switches */
    STN_ADC_PARTS
} stn_adc_part;
const char *stn_adc_part_name(stn_adc_part part);

/* One conversion to 1 … STN_ADC_MOST_BITS bits. What a machine, a sweep and
 * `setun adc` say of a modelled converter is made here. `part` may be NULL;
 * their sum is `out`. */
stn_status stn_adc_model(const stn_converter *c, int bits,
                         stn_unit_chain part[STN_ADC_PARTS], stn_adc_cost *out,
                         stn_error *err);
/* Unit of a SAR's capacitors: the smallest that is drawn, or what noise or
 * matching ask for. */
double stn_adc_unit_f(const stn_converter *c, int bits);
/* Mean energy of switching 2^bits unit capacitors to find a code, in unit ·
 * reference voltage · supply. */
double stn_adc_switching(int bits);

/* A row's line, driven to one of 2^bits levels by a digit. */
typedef struct stn_row_line {
    double farad, ohm;
} stn_row_line;
stn_unit_chain stn_dac_model(const stn_converter *c, int bits,
                             const stn_row_line *line);
/* A switch and a capacitor that holds a value until it is converted to `bits`
 * bits. */
stn_unit_chain stn_hold_model(const stn_converter *c, int bits);

/* ---- converter_source.c */
/* A machine file's `converters` map. */
struct stn_converter_source {
    stn_converter of;
    stn_tech_cache *technologies; /* as in stn_array_choice */
    char made_of[64];             /* "ptm LSTP 32 nm, 1 V" */
};
/* Capacitance and resistance of a row of `columns` cells that are `cell_m`
 * wide, a smallest transistor's gate each. */
stn_row_line stn_converter_row(const stn_converter *c, int columns,
                               double cell_m);
/* stn_adc_model of all resolutions, from 1 bit: out[STN_ADC_MOST_BITS]; kept by
 * the cache, NULL: no cache. */
stn_status stn_tech_cache_adcs(stn_tech_cache *cache, const stn_converter *of,
                               stn_adc_cost *out, stn_error *err);

#endif
