/* SPDX-License-Identifier: MIT
 *
 * What can be costed: a packed program, or the outline of a network. */
#include "engine.h"
#include "setun/outline.h"
#include <string.h>

/* A program, or the outline of a network. */
static bool names_network(const char *operand)
{
    size_t n = strlen(operand);
    if (n > 5 && strcmp(operand + n - 5, ".yaml") == 0)
        return true;
    return !strchr(operand, '/') && !strstr(operand, ".stn");
}

static int open_network(const stn_arguments *arguments, stn_cli_subject *out)
{
    stn_error err = {0};
    stn_outline_options o = stn_outline_defaults();
    int64_t weights = 0, activations = 0, ends = 0;
    if (stn_cli_text(arguments, "data")) {
        stn_cli_error("setun %s: %s has no weights and cannot be "
                      "executed; leave out --data, or give a packed FILE.stn",
                      arguments->command->name, arguments->operands[0]);
        return STN_EXIT_USAGE;
    }
    if (!stn_cli_int(arguments, "weights", 1, 8, &weights) ||
        !stn_cli_int(arguments, "activations", 1, 16, &activations) ||
        !stn_cli_int(arguments, "ends", 1, 8, &ends) ||
        !stn_cli_share(arguments, "density", &o.density))
        return STN_EXIT_USAGE;
    o.weight_bits = (int)weights;
    o.activation_bits = (int)activations;
    o.end_bits = (int)ends;
    o.set = stn_cli_list(arguments, "parameter", &o.n_set);
    *out = (stn_cli_subject){0};
    stn_status status =
        stn_program_outline(arguments->operands[0], &o, &out->program, &err);
    return status == STN_OK ? STN_EXIT_OK : stn_cli_fail(status, &err);
}

int stn_cli_open_any(const stn_arguments *arguments, uint32_t n,
                     stn_cli_subject *out)
{
    int code = names_network(arguments->operands[0])
                   ? open_network(arguments, out)
                   : stn_cli_open(arguments, n, out);
    return code == STN_EXIT_OK ? stn_cli_narrow_subject(arguments, out) : code;
}
