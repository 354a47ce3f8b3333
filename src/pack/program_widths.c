/* SPDX-License-Identifier: MIT
 *
 * Programs of several channel widths in one: the widest holds the weights, of
 * which the others use the leading channels; their rescales are their own.
 * Part of libsetun-rt. */
#include "base/slice.h"
#include "base/text.h"
#include "pack/format.h"
#include "pack/program_image.h"
#include <string.h>

static const stn_instruction *find(const stn_program *program, const char *name)
{
    for (int i = 0; i < program->n_instructions; i++)
        if (strcmp(program->instructions[i].name, name) == 0)
            return &program->instructions[i];
    return NULL;
}

const stn_instruction *stn_program_find_whole(const stn_program *widest,
                                              const stn_instruction *in,
                                              const char *where, stn_error *err)
{
    const stn_instruction *whole = find(widest, in->name);
    const stn_weights *w = &in->weights;
    if (whole && whole->opcode == in->opcode) {
        const stn_weights *from = &whole->weights;
        if (w->out <= from->out && w->in <= from->in && w->kh == from->kh &&
            w->kw == from->kw && w->alphabet.levels == from->alphabet.levels &&
            w->alphabet.bits == from->alphabet.bits)
            return whole;
    }
    (void)stn_fail(err, STN_E_FORMAT,
                   "%s: weights %d x %d x %d x %d of %d bits are not leading "
                   "channels of an instruction of that name and op in the "
                   "widest program",
                   where, w->out, w->kh, w->kw, w->in, w->alphabet.bits);
    return NULL;
}

void stn_weights_take_leading(const stn_weights *whole, const stn_weights *part,
                              int8_t *to)
{
    stn_slice slice = {(size_t)part->out, (size_t)part->kh * (size_t)part->kw,
                       (size_t)part->in, (size_t)whole->in};
    stn_slice_take(&slice, whole->codes, 1, to);
}

/* Which weights are stored is said for the widest; what leaves some out need
 * not leave out the same of a part. */
static bool can_share(const stn_weights *w)
{
    return w->layout.structure == STN_DENSE ||
           w->layout.structure == STN_GROUPS;
}

static stn_status check_weights(const stn_program *widest,
                                const stn_instruction *in, const char *where,
                                stn_error *err)
{
    const stn_instruction *whole =
        stn_program_find_whole(widest, in, where, err);
    if (!whole)
        return STN_E_FORMAT;
    if (!can_share(&in->weights) || !can_share(&whole->weights))
        return stn_fail(err, STN_E_FORMAT,
                        "%s: %s: weights of several widths are dense or in "
                        "groups, not %s",
                        where, in->name,
                        stn_structure_name(whole->weights.layout.structure));
    size_t n = stn_weights_count(&in->weights);
    int8_t *codes = stn_alloc(n, 1);
    if (!codes)
        return stn_fail_memory(err, "checking shared weights");
    stn_weights_take_leading(&whole->weights, &in->weights, codes);
    bool same = memcmp(codes, in->weights.codes, n) == 0;
    stn_free(codes);
    if (same)
        return STN_OK;
    return stn_fail(err, STN_E_FORMAT,
                    "%s: %s: the weights are not those of the widest program",
                    where, in->name);
}

static stn_status check_part(const stn_program *widest, const stn_program *part,
                             const char *where, stn_error *err)
{
    if (memcmp(&part->input, &widest->input, sizeof part->input) != 0 ||
        part->n_classes != widest->n_classes)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: pictures or classes are not those of the widest "
                        "program",
                        where);
    for (int i = 0; i < part->n_instructions; i++)
        if (part->instructions[i].weights.codes)
            STN_TRY(check_weights(widest, &part->instructions[i], where, err));
    return STN_OK;
}

stn_status stn_program_join(stn_program_image *widest,
                            stn_program_image *const *narrower,
                            const double *widths, int n, const char *where,
                            stn_error *err)
{
    for (int i = 0; i + 1 < n; i++) {
        widest->narrower[i] = narrower[i];
        narrower[i]->widest = widest;
    }
    for (int i = 0; i < n; i++) {
        stn_program *p = i + 1 < n ? &narrower[i]->program : &widest->program;
        widest->widths[i] = p->width = widths[i];
        p->n_widths = n;
        p->widths = widest->widths;
    }
    for (int i = 0; i + 1 < n; i++)
        STN_TRY(
            check_part(&widest->program, &narrower[i]->program, where, err));
    return STN_OK;
}

stn_status stn_program_at_width(const stn_program *program, double width,
                                const stn_program **out, stn_error *err)
{
    const stn_program_image *image = (const stn_program_image *)program;
    char names[STN_PROGRAM_WIDTHS * (STN_TEXT_DOUBLE + 2)] = "";
    if (program->n_widths == 0)
        return stn_fail(err, STN_E_ARGUMENT,
                        "the network '%s' has one width; leave the width out",
                        program->name);
    if (image->widest)
        image = image->widest;
    for (int i = 0; i < program->n_widths; i++) {
        if (program->widths[i] == width) {
            *out = i + 1 < program->n_widths ? &image->narrower[i]->program
                                             : &image->program;
            return STN_OK;
        }
        strcat(names, i ? ", " : "");
        stn_text_from_double(program->widths[i], names + strlen(names));
    }
    return stn_fail(err, STN_E_ARGUMENT,
                    "the network '%s' has no width %g; it has %s",
                    program->name, width, names);
}
