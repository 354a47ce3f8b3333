/* SPDX-License-Identifier: MIT
 *
 * Plans a program: pairs sums with the rescale that reads them, settles the
 * shapes that kernels see, and has weights laid out. A pair runs in the
 * rescale's place, where its other input is ready. */
#include "run/plan.h"
#include <stdio.h>
#include <string.h>

/* Sums of a chunk: small beside a second-level cache of 256 KiB or more. */
#define CHUNK_BYTES 65536
/* Kernels do this many patches at once; chunks of a multiple waste none. */
#define PATCHES_AT_ONCE 8

static const stn_value *value_of(const stn_plan *plan, int value)
{
    return &plan->program->values[value];
}

static int count_readers(const stn_program *p, int value)
{
    int n = 0;
    for (int i = 0; i < p->n_instructions; i++)
        for (int k = 0; k < p->instructions[i].n_inputs; k++)
            n += p->instructions[i].inputs[k] == value;
    return n;
}

/* The instruction whose sums this rescale alone reads through input k. */
static const stn_instruction *fusable(const stn_program *p,
                                      const stn_instruction *rescale, int k)
{
    int value = rescale->inputs[k];
    if (count_readers(p, value) != 1)
        return NULL;
    for (const stn_instruction *i = p->instructions; i < rescale; i++)
        if (i->output == value)
            return i->opcode == STN_CONV || i->opcode == STN_DEPTHWISE ||
                           i->opcode == STN_SUM_POOL
                       ? i
                       : NULL;
    return NULL;
}

static int index_of(const stn_program *p, const stn_instruction *i)
{
    return (int)(i - p->instructions);
}

/* Fills the list of steps: what runs, in which order. */
static void list_steps(stn_plan *plan, const stn_instruction **fused_into)
{
    const stn_program *p = plan->program;
    for (int i = 0; i < p->n_instructions; i++) {
        const stn_instruction *in = &p->instructions[i];
        for (int k = 0; k < in->n_inputs && in->opcode == STN_RESCALE; k++) {
            const stn_instruction *op = fusable(p, in, k);
            if (op && !fused_into[i]) {
                fused_into[i] = op;
                fused_into[index_of(p, op)] = in;
            }
        }
    }
    for (int i = 0; i < p->n_instructions; i++) {
        const stn_instruction *in = &p->instructions[i];
        const stn_instruction *partner = fused_into[i];
        if (partner && in->opcode != STN_RESCALE)
            continue;
        stn_step *s = &plan->steps[plan->n_steps++];
        *s = (stn_step){.op = partner ? partner : in,
                        .rescale = partner ? in : NULL,
                        .output = in->output,
                        .other = -1};
        s->input = s->op->inputs[0];
        if (partner && in->n_inputs == 2) {
            s->sums_second = in->inputs[1] == partner->output;
            s->other = in->inputs[s->sums_second ? 0 : 1];
        } else if (in->n_inputs == 2) {
            s->other = in->inputs[1];
        }
    }
}

/* Windows that lie within one time step also when all steps are seen as one
 * tall picture: elementwise ones, a single row of windows a step, or rows of
 * windows that fill the picture. */
static void fold_steps(stn_step *s)
{
    bool elementwise = s->op->opcode == STN_RESCALE;
    if (!elementwise && s->op->pad == 0 && s->out.h == 1)
        s->stride = s->in.h;
    else if (!elementwise &&
             (s->op->pad != 0 || s->out.h * s->stride != s->in.h))
        return;
    s->in.h *= s->steps;
    s->out.h *= s->steps;
    s->steps = 1;
}

/* Shapes, and whether input rows need a copy with padding. */
static void settle_shapes(stn_plan *plan, stn_step *s)
{
    const stn_value *in = value_of(plan, s->input);
    const stn_value *sums = value_of(plan, s->op->output);
    s->in = in->shape;
    s->in_type = in->type;
    s->out = sums->shape;
    s->stride = s->op->opcode == STN_RESCALE ? 1 : s->op->stride;
    s->steps = sums->steps;
    if (stn_opcode_is_time(s->op->opcode))
        s->steps = 1;
    else if (s->steps > 1)
        fold_steps(s);
    s->out_type = value_of(plan, s->output)->type;
    size_t c = (size_t)s->in.c;
    s->pitch = (size_t)s->in.w * c;
    s->chunk_rows = s->out.h;
    uint64_t nonzero;
    stn_instruction_operations(plan->program, index_of(plan->program, s->op),
                               &s->operations, &nonzero);
    s->operations += stn_shape_count(s->out) * 4;
    if (s->op->opcode == STN_CONV || s->op->opcode == STN_DEPTHWISE) {
        /* `dot` reads at least 4 bytes of a run, which only the band has. */
        size_t run = (size_t)s->op->kw * c * stn_type_size(s->in_type);
        s->banded = s->op->pad > 0 || run < 4;
        s->pitch = (size_t)(s->in.w + 2 * s->op->pad) * c;
    }
}

/* Output rows a chunk: as many as CHUNK_BYTES of sums allow, fewer where that
 * fills whole tiles of patches. */
static void settle_chunk(stn_step *s)
{
    size_t row = (size_t)s->out.w * (size_t)s->out.c * sizeof(int32_t);
    bool sums = s->op->opcode != STN_RESCALE && s->op->opcode != STN_MAX_POOL &&
                s->op->opcode != STN_RATE_CODE;
    if (!sums)
        return;
    size_t most = CHUNK_BYTES / row;
    int rows = most < 1 ? 1 : most < (size_t)s->out.h ? (int)most : s->out.h;
    for (int r = rows; 2 * r > rows && rows < s->out.h; r--)
        if (r * s->out.w % PATCHES_AT_ONCE == 0) {
            rows = r;
            break;
        }
    s->chunk_rows = rows;
    if (s->banded) {
        size_t n = (size_t)((rows - 1) * s->stride + s->op->kh);
        /* 4 bytes are read of the last run, however short. */
        s->band_bytes = n * s->pitch * stn_type_size(s->in_type) + 4;
    }
}

/* A lone patch starts at 0. */
#define LONE_ALIGN 64

static stn_ending ending_of(const stn_step *s)
{
    return (stn_ending){.map = s->rescale ? &s->map : NULL,
                        .second = s->sums_second};
}

/* Padding adds 0 to the range of what is read. */
static void range_with_zero(const stn_value *v, int64_t *lo, int64_t *hi)
{
    *lo = v->lo < 0 ? v->lo : 0;
    *hi = v->hi > 0 ? v->hi : 0;
}

/* Tries the kernel for circulant weights; s->circulant says whether it is to
 * be used. */
static stn_status prepare_circulant(stn_plan *plan, stn_step *s, stn_error *err)
{
    const stn_weights *w = &s->op->weights;
    stn_circulant_blocks blocks = {w->layout.p, w->in};
    if (w->layout.flat)
        blocks.in *= w->kh * w->kw;
    if (w->layout.structure != STN_CIRCULANT ||
        !plan->kernels->circulant_pays(&s->dot, blocks))
        return STN_OK;
    STN_TRY(plan->kernels->circulant_prepare(&s->dot, blocks, w->codes,
                                             &plan->arena, &s->weights, err));
    s->circulant = s->weights.data != NULL;
    return STN_OK;
}

static stn_status prepare_conv(stn_plan *plan, stn_step *s, stn_error *err)
{
    const stn_instruction *op = s->op;
    s->dot = (stn_dot_shape){.runs = op->kh,
                             .run = op->kw * s->in.c,
                             .pitch = s->pitch,
                             .out = op->weights.out,
                             .input = s->in_type,
                             .patches = s->chunk_rows * s->out.w,
                             .align = s->in.c,
                             .ending = ending_of(s)};
    range_with_zero(value_of(plan, s->input), &s->dot.lo, &s->dot.hi);
    if ((size_t)s->dot.run == s->pitch) { /* rows follow without a gap */
        s->dot.run *= s->dot.runs;
        s->dot.runs = 1;
    }
    size_t n = (size_t)s->chunk_rows * (size_t)s->out.w;
    s->patches = stn_arena_alloc(&plan->arena, n, sizeof *s->patches);
    if (!s->patches)
        return stn_fail_memory(err, "a table of patches");
    size_t size = stn_type_size(s->in_type), width = (size_t)s->out.w;
    size_t down = (size_t)s->stride * s->pitch;
    size_t across = (size_t)op->stride * (size_t)s->in.c;
    for (size_t i = 0; i < n; i++)
        s->patches[i] =
            (uint32_t)(size * (i / width * down + i % width * across));
    s->dot.band =
        s->patches[n - 1] +
        size * ((size_t)(s->dot.runs - 1) * s->pitch + (size_t)s->dot.run);
    if (width == 1 && s->dot.runs == 1)
        s->dot.align = n == 1 ? LONE_ALIGN : (int)down;
    STN_TRY(prepare_circulant(plan, s, err));
    if (s->circulant)
        return STN_OK;
    return plan->kernels->dot_prepare(&s->dot, op->weights.codes, &plan->arena,
                                      &s->weights, err);
}

static stn_status prepare_depthwise(stn_plan *plan, stn_step *s, stn_error *err)
{
    const stn_instruction *op = s->op;
    s->depthwise = (stn_depthwise_shape){.channels = s->in.c,
                                         .out = op->weights.out,
                                         .kh = op->kh,
                                         .kw = op->kw,
                                         .stride = op->stride,
                                         .input = s->in_type,
                                         .ending = ending_of(s)};
    range_with_zero(value_of(plan, s->input), &s->depthwise.lo,
                    &s->depthwise.hi);
    return plan->kernels->depthwise_prepare(&s->depthwise, op->weights.codes,
                                            &plan->arena, &s->weights, err);
}

static void describe_map(const stn_plan *plan, stn_step *s,
                         const stn_instruction *r)
{
    const stn_value *x0 = value_of(plan, r->inputs[0]);
    const stn_value *x1 = value_of(plan, r->inputs[r->n_inputs - 1]);
    s->map = (stn_rescale_shape){.channels = s->out.c,
                                 .type0 = x0->type,
                                 .type1 = x1->type,
                                 .type = s->out_type,
                                 .lo0 = x0->lo,
                                 .hi0 = x0->hi,
                                 .lo1 = x1->lo,
                                 .hi1 = x1->hi,
                                 .m0 = r->m0,
                                 .m1 = r->n_inputs == 2 ? r->m1 : NULL,
                                 .a = r->a,
                                 .shift = r->shift,
                                 .lo = r->lo,
                                 .hi = r->hi};
}

static void name_step(stn_plan *plan, const stn_step *s)
{
    const stn_program *p = plan->program;
    const stn_instruction *op = s->op;
    const char *type = stn_type_name(s->in_type);
    const char *opcode = stn_opcode_name(op->opcode);
    char *name = plan->names[index_of(p, op)];
    size_t size = sizeof plan->names[0];
    if (s->weights.isa)
        snprintf(name, size, "%s_%s_%s_%s", stn_code_name(op->weights.code),
                 type, opcode, s->weights.isa);
    else if (op->opcode == STN_RESCALE)
        snprintf(name, size, "%s_%s_%s", type, opcode, s->multipliers.isa);
    else if (stn_opcode_is_time(op->opcode) && op->opcode != STN_LIF &&
             op->opcode != STN_RATE_CODE)
        snprintf(name, size, "%s_%s", type, opcode);
    else
        snprintf(name, size, "%s_%s_%s", type, opcode, plan->kernels->plain);
    if (s->rescale)
        snprintf(plan->names[index_of(p, s->rescale)], size, "fused into %s",
                 op->name);
}

static stn_status plan_step(stn_plan *plan, stn_step *s, stn_error *err)
{
    settle_shapes(plan, s);
    settle_chunk(s);
    const stn_instruction *map =
        s->op->opcode == STN_RESCALE ? s->op : s->rescale;
    if (map)
        describe_map(plan, s, map);
    if (s->op->opcode == STN_CONV)
        STN_TRY(prepare_conv(plan, s, err));
    if (s->op->opcode == STN_DEPTHWISE)
        STN_TRY(prepare_depthwise(plan, s, err));
    if (map && !s->weights.maps)
        STN_TRY(plan->kernels->rescale_prepare(&s->map, &plan->arena,
                                               &s->multipliers, err));
    bool neurons =
        stn_opcode_is_time(s->op->opcode); /* may keep a number each */
    if ((s->rescale && !s->weights.maps) || neurons)
        s->sum_bytes = (size_t)s->chunk_rows * (size_t)s->out.w *
                       (size_t)s->out.c * sizeof(int32_t);
    name_step(plan, s);
    /* Each part begins at a cache line. */
    size_t scratch = s->band_bytes + s->sum_bytes + s->weights.scratch_bytes +
                     3 * (size_t)STN_ALIGNMENT;
    if (scratch > plan->scratch_bytes)
        plan->scratch_bytes = scratch;
    plan->weight_bytes += s->weights.size_bytes + s->multipliers.size_bytes;
    return STN_OK;
}

stn_status stn_plan_init(stn_plan *plan, const stn_program *program,
                         const stn_kernels *kernels, stn_error *err)
{
    plan->program = program;
    plan->kernels = kernels;
    size_t n = (size_t)program->n_instructions;
    const stn_instruction **fused_into =
        stn_arena_alloc(&plan->arena, n, sizeof *fused_into);
    plan->steps = stn_arena_alloc(&plan->arena, n, sizeof *plan->steps);
    plan->names = stn_arena_alloc(&plan->arena, n, sizeof *plan->names);
    if (!fused_into || !plan->steps || !plan->names)
        return stn_fail_memory(err, "an engine's plan");
    list_steps(plan, fused_into);
    for (int i = 0; i < plan->n_steps; i++) {
        stn_step *s = &plan->steps[i];
        stn_status status = plan_step(plan, s, err);
        if (status != STN_OK)
            return stn_fail_within(err, status, "%s", s->op->name);
    }
    return stn_plan_place(plan, err);
}

void stn_plan_deinit(stn_plan *plan)
{
    stn_arena_deinit(&plan->arena);
    *plan = (stn_plan){0};
}
