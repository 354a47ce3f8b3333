/* SPDX-License-Identifier: MIT
 *
 * Progress as it is written on terminals of many widths, and
 * where there is no terminal: what stands on a pseudoterminal or in a pipe
 * after one call. */
#include "test.h"
#include "cli.h"
#include "setun/train.h"
#include <fcntl.h>
#include <math.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define CLEAR "\r\033[K" /* before what is written over an open line */
#define END '\001'       /* after all that a call writes */
#define TEXT 1024

static stn_train_progress step_of(const char *title)
{
    return (stn_train_progress){.title = title,
                                .epoch = 3,
                                .n_epochs = 20,
                                .step = 47,
                                .n_steps = 100,
                                .loss = 0.4321,
                                .accuracy = 0.8765,
                                .validation_accuracy = NAN,
                                .group_density = 0.25,
                                .images_per_s = 1234,
                                .time_left_s = 3723};
}

static stn_train_progress epoch_of(const char *title)
{
    stn_train_progress p = step_of(title);
    p.validation_accuracy = 0.85;
    p.epoch_done = true;
    return p;
}

/* Of training, or of other work. */
typedef struct shown {
    const stn_train_progress *training;
    const stn_cli_work *work;
} shown;

/* What the call writes to stderr while that is `to`; it comes out at `from`. */
static void capture(shown what, int to, int from, char *text)
{
    int own = dup(STDERR_FILENO);
    const char end = END;
    size_t n = 0;
    dup2(to, STDERR_FILENO);
    if (what.work)
        stn_cli_bar(what.work);
    else
        stn_cli_progress(NULL, what.training);
    dup2(own, STDERR_FILENO);
    close(own);
    assert_int_equal(write(to, &end, 1), 1);
    while (n < TEXT && (n == 0 || text[n - 1] != END)) {
        ssize_t more = read(from, text + n, TEXT - n);
        assert_true(more > 0);
        n += (size_t)more;
    }
    text[n - 1] = '\0';
}

/* The same on a terminal of `columns`; 0: one that does not know. */
static void show_on(shown what, int columns, char *text)
{
    struct winsize size = {.ws_row = 24, .ws_col = (unsigned short)columns};
    int screen = posix_openpt(O_RDWR | O_NOCTTY);
    if (screen < 0 || grantpt(screen) != 0 || unlockpt(screen) != 0) {
        print_message("skipped, needs pseudoterminals\n");
        skip();
    }
    int terminal = open(ptsname(screen), O_RDWR | O_NOCTTY);
    assert_true(terminal >= 0);
    assert_int_equal(ioctl(terminal, TIOCSWINSZ, &size), 0);
    capture(what, terminal, screen, text);
    close(terminal);
    close(screen);
}

static void show(const stn_train_progress *p, int columns, char *text)
{
    show_on((shown){.training = p}, columns, text);
}

/* Closes the open line, so that tests do not depend on each other. */
static int end_line(void **state)
{
    (void)state;
    stn_train_progress p = epoch_of("end");
    char text[TEXT];
    show(&p, 0, text);
    return 0;
}

static size_t figure_length(const char *text)
{
    const char *next = strstr(text + 2, "  ");
    return next ? (size_t)(next - text) : strlen(text);
}

/* At every width: as many figures as there is room for, and no part of one. */
static void a_line_that_is_rewritten_fits_the_terminal(void **state)
{
    (void)state;
    const char *title = "recipe:variant on some-pictures";
    stn_train_progress p = step_of(title);
    char whole[TEXT], text[TEXT];
    show(&p, 0, whole);
    assert_string_equal(whole, "recipe:variant on some-pictures"
                               "  epoch 3/20  47 %  left 1:02:03  loss 0.4321"
                               "  acc 87.65 %  groups 25.00 %  1234 img/s");
    int n = (int)strlen(whole);
    for (int columns = (int)strlen(title) + 1; columns < n + 20; columns++) {
        show(&p, columns, text);
        assert_memory_equal(text, CLEAR, strlen(CLEAR));
        const char *line = text + strlen(CLEAR);
        size_t used = strlen(line);
        assert_true(used < (size_t)columns);
        assert_memory_equal(line, whole, used);
        const char *rest = whole + used;
        if (*rest) {
            assert_memory_equal(rest, "  ", 2);
            assert_true(used + figure_length(rest) >= (size_t)columns);
        }
    }
    show(&p, n + 1, text);
    assert_string_equal(text + strlen(CLEAR), whole);
}

static void a_title_without_room_is_cut(void **state)
{
    (void)state;
    stn_train_progress p = step_of("recipe:variant");
    char text[TEXT];
    show(&p, 7, text);
    assert_string_equal(text, "recipe");
}

static void the_line_of_an_epoch_stays_whole(void **state)
{
    (void)state;
    stn_train_progress step = step_of("a"), epoch = epoch_of("a");
    char text[TEXT];
    show(&step, 40, text);
    assert_string_equal(text, "a  epoch 3/20  47 %  left 1:02:03");
    show(&epoch, 40, text);
    assert_string_equal(text, CLEAR "a  epoch 3/20  loss 0.4321  acc 87.65 %"
                                    "  valid 85.00 %  groups 25.00 %"
                                    "  1234 img/s  left 1:02:03\r\n");
    show(&epoch, 40, text); /* no line is open: nothing to clear */
    assert_memory_equal(text, "a  epoch", 8);
}

static void without_a_terminal_only_epochs_are_written(void **state)
{
    (void)state;
    stn_train_progress step = step_of("a"), epoch = epoch_of("a");
    int ends[2];
    char text[TEXT];
    assert_int_equal(pipe(ends), 0);
    capture((shown){.training = &step}, ends[1], ends[0], text);
    assert_string_equal(text, "");
    capture((shown){.training = &epoch}, ends[1], ends[0], text);
    assert_memory_equal(text, "a  epoch 3/20  loss", 19);
    assert_int_equal(text[strlen(text) - 1], '\n');
    close(ends[0]);
    close(ends[1]);
}

/* The bar takes what the figures leave of the line, goes first when that is
 * little, and is gone when all is done. */
static void a_bar_fills_what_is_left_of_the_line(void **state)
{
    (void)state;
    stn_cli_work work = {
        .done = 450, .n = 1000, .unit = "points", .elapsed_s = 2.25};
    char text[TEXT];
    show_on((shown){.work = &work}, 0, text);
    assert_string_equal(text, "[##############................]  45 %  450 of "
                              "1000 points  left 0:03  200 points/s");
    show_on((shown){.work = &work}, 64, text);
    assert_string_equal(text, CLEAR "[#####.....]  45 %  450 of 1000 points  "
                                    "left 0:03  200 points/s");
    show_on((shown){.work = &work}, 30, text);
    assert_string_equal(text, CLEAR " 45 %  450 of 1000 points");
    work.done = 1000;
    show_on((shown){.work = &work}, 64, text);
    assert_string_equal(text, CLEAR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_line_that_is_rewritten_fits_the_terminal, NULL, end_line),
        cmocka_unit_test_setup_teardown(a_title_without_room_is_cut, NULL,
                                        end_line),
        cmocka_unit_test(the_line_of_an_epoch_stays_whole),
        cmocka_unit_test(without_a_terminal_only_epochs_are_written),
        cmocka_unit_test(a_bar_fills_what_is_left_of_the_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
