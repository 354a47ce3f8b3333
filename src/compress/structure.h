/* SPDX-License-Identifier: MIT
 *
 * Training under a structure: what the files of compress share. */
#ifndef STN_COMPRESS_STRUCTURE_H
#define STN_COMPRESS_STRUCTURE_H

#include "compress/compress.h"

/* Gives the binding what it stores, by its layout; projects the latent weights
 * onto that and widens them: with a share s of all weights kept, by
 * sqrt(1 / s). */
stn_status stn_stored_create(stn_binding *b, stn_arena *arena, stn_error *err);
/* Projects latent; `call` is then about the stored values. */
void stn_stored_project(const stn_binding *b, stn_quantiser_call *call);
/* Writes codes, low codes and scales of projected weights. */
void stn_stored_encode(const stn_binding *b, const stn_quantiser_call *call);
/* dL/d(effective) of each stored value; `call` is then about those. */
float *stn_stored_gather(const stn_binding *b, stn_quantiser_call *call);
/* After gathering, grad: effective → latent where stored, 0 elsewhere. */
void stn_stored_backward(const stn_binding *b, const stn_quantiser_call *call);
/* grad: 0 for weights that are not stored. */
void stn_stored_clear(const stn_binding *b);

/* Refuses a plane structure whose blocks do not fit the plane of filters and
 * input channels, and weights without one: depthwise kernels, say. */
stn_status stn_structure_check_plane(const stn_layout *layout,
                                     stn_weight_shape shape,
                                     const stn_yaml *where, stn_error *err);

#endif
