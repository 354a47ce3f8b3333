/* SPDX-License-Identifier: MIT
 *
 * Progress: on a terminal one line is rewritten a few times a second; of a
 * training a line stays for every epoch. Ctrl-C asks training to save and
 * stop; a second one ends the process at once. Progress goes to stderr, so
 * that --json leaves stdout to the figures. */
#include "cli.h"
#include "setun/train.h"
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LEAST_BAR = 8, MOST_BAR = 30 }; /* characters */

static volatile int stop_flag;
static bool line_is_open; /* a progress line without newline is showing */

static void clear_line(void)
{
    if (line_is_open)
        fputs("\r\033[K", stderr);
    line_is_open = false;
}

void stn_cli_say(void *context, const char *line)
{
    (void)context;
    clear_line();
    fprintf(stderr, "%s\n", line);
    fflush(stderr);
}

/* "  acc 91.2 %" or nothing for NaN. */
static void append_share(char *text, size_t capacity, const char *label,
                         double share)
{
    size_t used = strlen(text);
    if (!isnan(share) && used < capacity)
        snprintf(text + used, capacity - used, "  %s %.2f %%", label,
                 100 * share);
}

/* A line that is rewritten must not run into the next one: leaves out figures,
 * two blanks apart, that have no room. */
static void cut(char *text, int columns)
{
    if (columns < 1 || strlen(text) < (size_t)columns)
        return;
    char *end = text + columns - 1;
    while (end > text && strncmp(end, "  ", 2) != 0)
        end--;
    text[end > text ? end - text : columns - 1] = '\0';
}

void stn_cli_progress(void *context, const struct stn_train_progress *p)
{
    (void)context;
    bool terminal = isatty(STDERR_FILENO);
    if (!p->epoch_done && !terminal)
        return;
    char text[256];
    snprintf(text, sizeof text, "%s  epoch %d/%d", p->title, p->epoch,
             p->n_epochs);
    size_t used = strlen(text);
    if (!p->epoch_done && p->n_steps > 0)
        snprintf(text + used, sizeof text - used, " %3d %%",
                 100 * p->step / p->n_steps);
    used = strlen(text);
    if (!p->epoch_done)
        snprintf(text + used, sizeof text - used, "  left %s",
                 stn_cli_duration(p->time_left_s));
    used = strlen(text);
    snprintf(text + used, sizeof text - used, "  loss %.4f", p->loss);
    append_share(text, sizeof text, "acc", p->accuracy);
    append_share(text, sizeof text, "valid", p->validation_accuracy);
    append_share(text, sizeof text, "groups", p->group_density);
    used = strlen(text);
    snprintf(text + used, sizeof text - used, "  %.0f img/s", p->images_per_s);
    used = strlen(text);
    if (p->epoch_done)
        snprintf(text + used, sizeof text - used, "  left %s",
                 stn_cli_duration(p->time_left_s));
    else
        cut(text, stn_cli_columns(STDERR_FILENO));
    clear_line();
    fprintf(stderr, p->epoch_done ? "%s\n" : "%s", text);
    line_is_open = !p->epoch_done;
    fflush(stderr);
}

/* "[######......] " before the text, as long as a terminal of so many columns
 * has room for; the last column stays free. */
static void prepend_bar(char *text, size_t capacity, double share, int columns)
{
    const size_t used = strlen(text);
    const int room = columns ? columns - (int)used - 4 : MOST_BAR;
    const int length = room < MOST_BAR ? room : MOST_BAR;
    if (length < LEAST_BAR || used + (size_t)length + 3 > capacity)
        return;
    memmove(text + length + 3, text, used + 1);
    text[0] = '[';
    for (int i = 0; i < length; i++)
        text[i + 1] = i < share * length ? '#' : '.';
    text[length + 1] = ']';
    text[length + 2] = ' ';
}

void stn_cli_bar(const stn_cli_work *work)
{
    if (!isatty(STDERR_FILENO))
        return;
    clear_line();
    if (work->done >= work->n) {
        fflush(stderr);
        return;
    }
    char text[256];
    const double share = (double)work->done / (double)work->n;
    const int columns = stn_cli_columns(STDERR_FILENO);
    snprintf(text, sizeof text, "%3.0f %%  %llu of %llu %s", 100 * share,
             (unsigned long long)work->done, (unsigned long long)work->n,
             work->unit);
    size_t used = strlen(text);
    if (work->done && work->elapsed_s > 0)
        snprintf(text + used, sizeof text - used, "  left %s  %s %s/s",
                 stn_cli_duration(work->elapsed_s * (1 - share) / share),
                 stn_cli_count((double)work->done / work->elapsed_s),
                 work->unit);
    cut(text, columns);
    prepend_bar(text, sizeof text, share, columns);
    fputs(text, stderr);
    fflush(stderr);
    line_is_open = true;
}

static void interrupt(int number)
{
    if (stop_flag)
        _exit(128 + number);
    stop_flag = 1;
    static const char text[] = "\nstopping after this step and saving; "
                               "press Ctrl-C again to stop at once\n";
    ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
    (void)written;
}

const volatile int *stn_cli_stop_flag(void)
{
    struct sigaction action = {.sa_handler = interrupt};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    return &stop_flag;
}
