/* SPDX-License-Identifier: MIT
 *
 * Opening what the verbs about a packed program work on. */
#include "engine.h"
#include <stdio.h>
#include <stdlib.h>

bool stn_cli_share(const stn_arguments *arguments, const char *option,
                   double *out)
{
    const char *text = stn_cli_text(arguments, option);
    char *end = NULL;
    *out = strtod(text, &end);
    if (end != text && !*end && *out > 0 && *out <= 1)
        return true;
    stn_cli_error("--%s: got \"%s\", expected a number above 0, at most 1",
                  option, text);
    return false;
}

int stn_cli_read(const stn_arguments *arguments, stn_program **out)
{
    double width;
    stn_program *program = NULL;
    const stn_program *at = NULL;
    stn_error err = {0};
    if (!stn_cli_share(arguments, "width", &width))
        return STN_EXIT_USAGE;
    stn_status status =
        stn_program_read(arguments->operands[0], &program, &err);
    if (status == STN_OK && (program->n_widths || width != 1))
        status = stn_program_at_width(program, width, &at, &err);
    if (status != STN_OK) {
        stn_program_destroy(program);
        return stn_cli_fail(status, &err);
    }
    /* Destroying a part destroys the whole. */
    *out = at ? (stn_program *)at : program;
    return STN_EXIT_OK;
}

int stn_cli_open(const stn_arguments *arguments, uint32_t n,
                 stn_cli_subject *out)
{
    stn_cli_subject s = {0};
    stn_error err = {0};
    const char *data = stn_cli_text(arguments, "data");
    bool wants_pictures = n != UINT32_MAX;
    if (wants_pictures && !data) {
        stn_cli_error("setun %s: say which data set: --data NAME|DIR; 'setun "
                      "list datasets' shows what is here",
                      arguments->command->name);
        return STN_EXIT_USAGE;
    }
    int code = stn_cli_read(arguments, &s.program);
    if (code != STN_EXIT_OK)
        return code;
    stn_status status = STN_OK;
    if (wants_pictures)
        status = stn_dataset_open(data, &s.dataset, &err);
    if (status == STN_OK && wants_pictures)
        status = stn_pictures_create(s.dataset, s.program->input, n,
                                     &s.pictures, &err);
    if (status != STN_OK) {
        stn_cli_close(&s);
        return stn_cli_fail(status, &err);
    }
    *out = s;
    return STN_EXIT_OK;
}

void stn_cli_close(stn_cli_subject *subject)
{
    stn_pictures_destroy(subject->pictures);
    stn_dataset_close(subject->dataset);
    stn_program_destroy(subject->program);
    stn_program_destroy(subject->packed);
    *subject = (stn_cli_subject){0};
}

/* --bits, 0 without. */
static bool read_bits(const stn_arguments *arguments, int *bits)
{
    int64_t n = 0;
    if (stn_cli_text(arguments, "bits") &&
        !stn_cli_int(arguments, "bits", 2, 8, &n))
        return false;
    *bits = (int)n;
    return true;
}

int stn_cli_narrow(const stn_arguments *arguments, const stn_program *program,
                   stn_program **narrow)
{
    int bits = 0;
    stn_error err = {0};
    *narrow = NULL;
    if (!read_bits(arguments, &bits))
        return STN_EXIT_USAGE;
    if (!bits)
        return STN_EXIT_OK;
    stn_narrow_rounding rounding = stn_cli_switch(arguments, "truncate")
                                       ? STN_NARROW_TRUNCATE
                                       : STN_NARROW_ROUND;
    stn_status status =
        stn_program_narrow(program, bits, rounding, narrow, &err);
    return status == STN_OK ? STN_EXIT_OK : stn_cli_fail(status, &err);
}

int stn_cli_narrow_subject(const stn_arguments *arguments,
                           stn_cli_subject *subject)
{
    stn_program *narrow = NULL;
    int code = stn_cli_narrow(arguments, subject->program, &narrow);
    if (code != STN_EXIT_OK) {
        stn_cli_close(subject);
    } else if (narrow) {
        subject->packed = subject->program;
        subject->program = narrow;
    }
    return code;
}

bool stn_cli_stochastic(const stn_arguments *arguments, int *bits)
{
    static const char *const names[] = {"engine", "stochastic", NULL};
    const char *executor = stn_cli_text(arguments, "executor");
    int choice = 0, operand = 0;
    if (!stn_cli_choice("executor", executor, names, &choice) ||
        !read_bits(arguments, &operand))
        return false;
    *bits = choice == 0 ? 0 : operand ? operand : 8;
    return true;
}

bool stn_cli_engine_options(const stn_arguments *arguments,
                            stn_engine_options *out)
{
    stn_engine_options o = stn_engine_defaults();
    int64_t threads = 0;
    if (!stn_cli_int(arguments, "threads", 0, 4096, &threads))
        return false;
    o.threads = (int)threads;
    const char *cpu = stn_cli_text(arguments, "cpu");
    if (cpu) {
        const char *names[STN_CPU_LEVELS + 1] = {NULL};
        for (int i = 0; i < STN_CPU_LEVELS; i++)
            names[i] = stn_cpu_level_name((stn_cpu_level)i);
        int level = 0;
        if (!stn_cli_choice("kernel level", cpu, names, &level))
            return false;
        o.level = (stn_cpu_level)level;
    }
    *out = o;
    return true;
}

const char *stn_cli_threads(int threads)
{
    static char text[32];
    if (threads == 0)
        return "all CPUs";
    snprintf(text, sizeof text, "%d thread%s", threads,
             threads == 1 ? "" : "s");
    return text;
}
