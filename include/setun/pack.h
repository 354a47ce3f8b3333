/* SPDX-License-Identifier: MIT
 *
 * From a trained graph to an integer program in a .stn file. */
#ifndef STN_PACK_H
#define STN_PACK_H

#include "setun/status.h"

/* Lowers the network of a run folder or checkpoint and writes it. What cannot
 * be expressed in integers (a float layer, a weight without quantiser, an
 * activation that is not quantised before it is multiplied) is refused with
 * the layer's name and what to add to the network or recipe. A `window` codes
 * the spikes of a spiking network by split time in windows of so many steps
 * (stn_program_split_time); 0 leaves them. */
stn_status stn_pack(const char *run_or_checkpoint, const char *out_stn,
                    int window, stn_error *err);

#endif
