/* SPDX-License-Identifier: MIT
 *
 * setun pack: a trained run becomes an integer program in a .stn file. */
#include "cli.h"
#include "setun/pack.h"
#include "setun/program.h"
#include <stdio.h>

/* clang-format off */
static const stn_option OPTIONS[] = {
    {"out", 'o', false, "FILE.stn", NULL,
     "file to write (required)"},
    {"window", 0, false, "N", "0",
     "spiking networks: at most one spike in N time steps; 0: as trained"},
    {0},
};
/* clang-format on */

static int run(const stn_arguments *arguments)
{
    const char *out = stn_cli_text(arguments, "out");
    if (!out) {
        stn_cli_error("setun pack: say where to write: -o FILE.stn");
        return STN_EXIT_USAGE;
    }
    int64_t window = 0;
    if (!stn_cli_int(arguments, "window", 0, 255, &window))
        return STN_EXIT_USAGE;
    stn_error err = {0};
    stn_program *program = NULL;
    stn_status status =
        stn_pack(arguments->operands[0], out, (int)window, &err);
    if (status == STN_OK)
        status = stn_program_read(out, &program, &err);
    if (status != STN_OK)
        return stn_cli_fail(status, &err);
    printf("%s: %s, %d instructions, %s\n", out, program->name,
           program->n_instructions, stn_cli_bytes((double)program->file_bytes));
    stn_program_destroy(program);
    return STN_EXIT_OK;
}

const stn_command stn_cmd_pack = {
    .name = "pack",
    .operands = "RUN|CHECKPOINT",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Lower a trained network to integers, into a .stn file",
    .details =
        "Batch-norm is folded, weights become codes and are bit-packed with a "
        "bitmap of live groups, activations become integers. What cannot be "
        "expressed in integers is refused with the layer's name. The file is "
        "read back and checked.\n\nExample: setun pack "
        "runs/bdnet-wpc-fashion-mnist-seed1 -o model.stn",
    .options = OPTIONS,
    .run = run,
};
