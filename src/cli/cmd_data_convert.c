/* SPDX-License-Identifier: MIT
 *
 * setun data convert: a folder of pictures becomes CIFAR binary files. */
#include "cli.h"
#include "setun/data.h"
#include <stdio.h>
#include <unistd.h>

/* clang-format off */
static const stn_option OPTIONS[] = {
    {"out", 'o', false, "DIR", NULL,
     "folder to write (required)"},
    {0},
};
/* clang-format on */

static void progress(void *context, size_t done)
{
    (void)context;
    if (done % 1000 == 0 && isatty(STDERR_FILENO))
        fprintf(stderr, "\r%zu pictures", done);
}

static int run(const stn_arguments *arguments)
{
    const char *out = stn_cli_text(arguments, "out");
    if (!out) {
        stn_cli_error("setun data convert: say where to write: -o DIR");
        return STN_EXIT_USAGE;
    }
    stn_error err = {0};
    stn_status status =
        stn_dataset_convert(arguments->operands[0], out, progress, NULL, &err);
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
    if (status != STN_OK)
        return stn_cli_fail(status, &err);
    stn_dataset *dataset = NULL;
    status = stn_dataset_open(out, &dataset, &err);
    if (status != STN_OK)
        return stn_cli_fail(status, &err);
    printf("%s: %u training and %u test pictures, %d classes\n", out,
           stn_dataset_images(dataset, STN_SPLIT_TRAIN)->n,
           stn_dataset_images(dataset, STN_SPLIT_TEST)->n,
           stn_dataset_classes(dataset));
    stn_dataset_close(dataset);
    return STN_EXIT_OK;
}

const stn_command stn_cmd_data_convert = {
    .name = "data convert",
    .operands = "FOLDER|FILE.tar.gz",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Pack a folder of pictures into CIFAR binary files",
    .details = "The folder holds train/CLASS/ and test/CLASS/ with PNG or JPEG "
               "pictures of one size; a .tar.gz of such a folder is read "
               "directly. The result is opened as a data set by its path.",
    .options = OPTIONS,
    .run = run,
};
