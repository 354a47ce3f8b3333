/* SPDX-License-Identifier: MIT
 *
 * Runs one step of a plan on rows of one picture: copies input rows into a
 * padded band where a window needs it, calls the kernels, and maps sums to
 * the output while they are in cache. */
#include "run/plan.h"
#include <string.h>

uint8_t *stn_picture_row(const stn_plan *plan, const stn_picture *picture,
                         int value, int t, int row)
{
    const stn_program *p = plan->program;
    const stn_value *v = &p->values[value];
    size_t at = ((size_t)t * (size_t)v->shape.h + (size_t)row) *
                (size_t)v->shape.w * (size_t)v->shape.c *
                stn_type_size(v->type);
    if (value == p->instructions[p->n_instructions - 1].output)
        return (uint8_t *)picture->logits + at;
    return picture->values + plan->offsets[value] + at;
}

const uint8_t *stn_picture_input(const stn_plan *plan,
                                 const stn_picture *picture, int value, int t,
                                 int row)
{
    const stn_shape *s = &plan->program->input;
    if (value == 0)
        return picture->pixels + (size_t)row * (size_t)s->w * (size_t)s->c;
    return stn_picture_row(plan, picture, value, t, row);
}

/* Copies what output rows [first, last) read, with zeros around. */
static void fill_band(const stn_plan *plan, const stn_step *s,
                      const stn_picture *picture, int t, stn_piece piece,
                      uint8_t *band)
{
    size_t size = stn_type_size(s->in_type), pitch = s->pitch * size;
    size_t side = (size_t)s->op->pad * (size_t)s->in.c * size;
    int top = piece.first * s->stride - s->op->pad;
    int n = (piece.last - piece.first - 1) * s->stride + s->op->kh;
    for (int i = 0; i < n; i++, band += pitch) {
        if (top + i < 0 || top + i >= s->in.h) {
            memset(band, 0, pitch);
            continue;
        }
        memset(band, 0, side);
        memcpy(band + side,
               stn_picture_input(plan, picture, s->input, t, top + i),
               pitch - 2 * side);
        memset(band + pitch - side, 0, side);
    }
}

/* Where a kernel reads and writes for some rows of a step. */
typedef struct place {
    const uint8_t *x;
    const void *other; /* the second input of a map */
    void *y;           /* of the op, or of its map where the kernel maps */
    void *scratch;
    int rows;
} place;

static void run_conv(const stn_plan *plan, const stn_step *s, const place *at,
                     stn_piece piece)
{
    const stn_dot_call call = {.shape = &s->dot,
                               .prepared = s->weights.data,
                               .x = at->x,
                               .patches = s->patches,
                               .n = at->rows * s->out.w,
                               .part = piece.part,
                               .part_end = piece.part_end,
                               .scratch = at->scratch,
                               .acc = at->y,
                               .other = at->other,
                               .y = at->y};
    if (s->circulant)
        plan->kernels->circulant(&call);
    else
        plan->kernels->dot(&call);
}

static void run_depthwise(const stn_plan *plan, const stn_step *s,
                          const place *at)
{
    size_t step = s->pitch * stn_type_size(s->in_type) * (size_t)s->stride;
    size_t row = (size_t)s->out.w * (size_t)s->out.c;
    size_t size = s->weights.maps ? stn_type_size(s->out_type) : 4;
    size_t other =
        row * stn_type_size(s->sums_second ? s->map.type0 : s->map.type1);
    for (size_t r = 0; r < (size_t)at->rows; r++) {
        uint8_t *y = (uint8_t *)at->y + r * row * size;
        plan->kernels->depthwise(&(stn_depthwise_call){
            .shape = &s->depthwise,
            .prepared = s->weights.data,
            .x = at->x + r * step,
            .pitch = s->pitch,
            .width = s->out.w,
            .acc = (int32_t *)(void *)y,
            .other = at->other ? (const uint8_t *)at->other + r * other : NULL,
            .y = y});
    }
}

static void run_pool(const stn_plan *plan, const stn_step *s, const uint8_t *x,
                     int rows, uint8_t *y)
{
    bool is_max = s->op->opcode == STN_MAX_POOL;
    size_t in_size = stn_type_size(s->in_type);
    size_t out_size = is_max ? in_size : sizeof(int32_t);
    for (int r = 0; r < rows; r++) {
        stn_pool_call call = {.x = x,
                              .pitch = s->pitch,
                              .input = s->in_type,
                              .channels = s->in.c,
                              .kh = s->op->kh,
                              .kw = s->op->kw,
                              .stride = s->op->stride,
                              .width = s->out.w,
                              .y = y};
        if (is_max)
            plan->kernels->max_pool(&call);
        else
            plan->kernels->sum_pool(&call);
        x += s->pitch * in_size * (size_t)s->stride;
        y += (size_t)s->out.w * (size_t)s->out.c * out_size;
    }
}

/* `x` is what the map reads beside `other`: its x0, unless sums_second. */
static void run_rescale(const stn_plan *plan, const stn_step *s, const void *x,
                        const void *other, int rows, void *y)
{
    plan->kernels->rescale(&(stn_rescale_call){.shape = &s->map,
                                               .prepared = s->multipliers.data,
                                               .x0 = s->sums_second ? other : x,
                                               .x1 = s->sums_second ? x : other,
                                               .n = rows * s->out.w,
                                               .y = y});
}

static void run_op(const stn_plan *plan, const stn_step *s, const place *at,
                   stn_piece piece)
{
    switch (s->op->opcode) {
    case STN_CONV:
        run_conv(plan, s, at, piece);
        break;
    case STN_DEPTHWISE:
        run_depthwise(plan, s, at);
        break;
    case STN_MAX_POOL:
    case STN_SUM_POOL:
        run_pool(plan, s, at->x, at->rows, at->y);
        break;
    case STN_RESCALE:
        run_rescale(plan, s, at->x, at->other, at->rows, at->y);
        break;
    default: /* time, and concat of outlines, which nobody runs */
        break;
    }
}

static void run_chunk(const stn_plan *plan, const stn_step *s,
                      const stn_picture *picture, int t, stn_piece piece,
                      uint8_t *scratch)
{
    int first = piece.first, rows = piece.last - first;
    void *y = stn_picture_row(plan, picture, s->output, t, first);
    uint8_t *sums = scratch + stn_align_up(s->band_bytes);
    place at = {
        .y = y, .scratch = sums + stn_align_up(s->sum_bytes), .rows = rows};
    if (s->other >= 0)
        at.other = stn_picture_input(plan, picture, s->other, t, first);
    if (s->banded) {
        fill_band(plan, s, picture, t, piece, scratch);
        at.x = scratch;
    } else {
        at.x = stn_picture_input(plan, picture, s->input, t, first * s->stride);
    }
    bool after = s->rescale && !s->weights.maps;
    if (after)
        at.y = sums;
    run_op(plan, s, &at, piece);
    if (after)
        run_rescale(plan, s, sums, at.other, rows, y);
}

stn_piece stn_step_whole(const stn_step *step)
{
    int parts = step->weights.parts > 1 ? step->weights.parts : 1;
    return (stn_piece){.last = step->out.h, .part_end = parts};
}

bool stn_step_has_parts(const stn_step *step)
{
    return step->weights.parts > 1 && (!step->rescale || step->weights.maps);
}

void stn_step_run(const stn_plan *plan, const stn_step *step,
                  const stn_picture *picture, stn_piece piece, uint8_t *scratch)
{
    bool time = stn_opcode_is_time(step->op->opcode);
    stn_piece chunk = piece;
    for (int t = 0; t < step->steps; t++)
        for (int r = piece.first; r < piece.last; r += step->chunk_rows) {
            chunk.first = r;
            chunk.last = piece.last - r < step->chunk_rows
                             ? piece.last
                             : r + step->chunk_rows;
            if (time)
                stn_step_run_time(plan, step, picture, r, chunk.last, scratch);
            else
                run_chunk(plan, step, picture, t, chunk, scratch);
        }
}
