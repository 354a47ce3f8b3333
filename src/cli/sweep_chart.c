/* SPDX-License-Identifier: MIT
 *
 * The chart of a sweep, as SVG that needs nothing else: a browser shows it and
 * the fields of the point under the pointer. Of a large sweep every n-th point
 * behind the front is drawn. */
#include "sweep_chart.h"
#include "cli.h"
#include <math.h>
#include <string.h>

enum { WIDTH = 860, HEIGHT = 560, LEFT = 90, TOP = 24, RIGHT = 24, FOOT = 64 };
#define MOST_BEHIND 6000 /* points that no one asked for by name */

/* One axis: an objective over some pixels. */
typedef struct scale {
    int objective;
    double low, high; /* log10 */
    double from, to;  /* pixels */
} scale;

static const char *const units[STN_OBJECTIVES] = {"J", "s", "m2", "Js", "J"};

static double value_of(const stn_sweep_point *p, const scale *s)
{
    return p->objective[s->objective];
}

static double at(const scale *s, double value)
{
    return s->from +
           (log10(value) - s->low) / (s->high - s->low) * (s->to - s->from);
}

/* Ends that hold all points, with some room. */
static void stretch(const stn_sweep *sweep, scale *s)
{
    s->low = INFINITY;
    s->high = -INFINITY;
    for (uint64_t i = 0; i < sweep->n_points; i++) {
        const stn_sweep_point *p = &sweep->points[i];
        if (!p->fits || !(value_of(p, s) > 0))
            continue;
        s->low = fmin(s->low, log10(value_of(p, s)));
        s->high = fmax(s->high, log10(value_of(p, s)));
    }
    double room = fmax(0.04, 0.04 * (s->high - s->low));
    s->low -= room;
    s->high += room;
}

static void put_tick(const scale *x, double value, bool across, FILE *out)
{
    double p = at(x, value);
    const char *unit = units[x->objective];
    if (across)
        fprintf(out,
                "<path class='g' d='M%d %.1fH%d'/><text x='%d' y='%.1f' "
                "text-anchor='end'>%s</text>\n",
                LEFT, p, WIDTH - RIGHT, LEFT - 8, p + 4,
                stn_cli_si(value, unit));
    else
        fprintf(out,
                "<path class='g' d='M%.1f %dV%d'/><text x='%.1f' y='%d' "
                "text-anchor='middle'>%s</text>\n",
                p, TOP, HEIGHT - FOOT, p, HEIGHT - FOOT + 18,
                stn_cli_si(value, unit));
}

/* 1, 2 and 5 of every decade; more where there is less than one decade. */
static void put_ticks(const scale *s, bool across, FILE *out)
{
    static const double coarse[] = {1, 2, 5, 0};
    static const double fine[] = {1, 1.5, 2, 3, 4, 5, 6, 8, 0};
    bool narrow = s->high - s->low<0.8, wide = s->high - s->low> 4;
    for (double d = floor(s->low); d <= s->high; d++)
        for (const double *m = narrow ? fine : coarse; *m > 0; m++) {
            double value = *m * pow(10, d);
            if (log10(value) > s->low && log10(value) < s->high &&
                (*m == 1 || !wide))
                put_tick(s, value, across, out);
        }
    const char *name = stn_objective_names[s->objective];
    if (across)
        fprintf(out,
                "<text transform='translate(18 %d) rotate(-90)' "
                "text-anchor='middle'>%s</text>\n",
                (TOP + HEIGHT - FOOT) / 2, name);
    else
        fprintf(out, "<text x='%d' y='%d' text-anchor='middle'>%s</text>\n",
                (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 18, name);
}

/* Text inside XML. */
static void put_text(const char *text, FILE *out)
{
    for (; *text; text++)
        if (*text == '<')
            fputs("&lt;", out);
        else if (*text == '&')
            fputs("&amp;", out);
        else
            fputc(*text, out);
}

static void put_point(const stn_sweep_options *o, const stn_sweep *s,
                      uint64_t i, const scale axes[2], FILE *out)
{
    const stn_sweep_point *p = &s->points[i];
    fprintf(out, "<circle class='%s' cx='%.1f' cy='%.1f' r='%s'><title>",
            p->front ? "f" : "p", at(&axes[0], value_of(p, &axes[0])),
            at(&axes[1], value_of(p, &axes[1])), p->front ? "4.5" : "2");
    for (int k = 0; k < o->n_objectives; k++)
        fprintf(out, "%s %s\n", stn_objective_names[o->objectives[k]],
                stn_cli_si(p->objective[o->objectives[k]],
                           units[o->objectives[k]]));
    for (int a = 0; a < o->n_axes; a++) {
        put_text(o->axes[a].path, out);
        fputc('=', out);
        put_text(o->axes[a].values[stn_sweep_value(o, i, a)], out);
        fputc('\n', out);
    }
    fputs("</title></circle>\n", out);
}

static void put_points(const stn_sweep_options *o, const stn_sweep *s,
                       const scale axes[2], FILE *out)
{
    uint64_t step = s->n_fit / MOST_BEHIND + 1, seen = 0;
    for (int front = 0; front < 2; front++)
        for (uint64_t i = 0; i < s->n_points; i++) {
            const stn_sweep_point *p = &s->points[i];
            bool shown = p->fits && p->front == front &&
                         value_of(p, &axes[0]) > 0 && value_of(p, &axes[1]) > 0;
            if (shown && (front || seen++ % step == 0))
                put_point(o, s, i, axes, out);
        }
}

void stn_cli_sweep_chart(const stn_sweep_options *o, const stn_sweep *s,
                         FILE *out)
{
    scale axes[2] = {
        {.objective = o->objectives[0], .from = LEFT, .to = WIDTH - RIGHT},
        {.objective = o->objectives[o->n_objectives > 1],
         .from = HEIGHT - FOOT,
         .to = TOP}};
    fprintf(out,
            "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %d %d' "
            "font-family='sans-serif' font-size='12' fill='#444'>\n"
            "<style>.g{stroke:#e4e4e4}.p{fill:#9aa7b4}.f{fill:#c1571d}"
            "circle:hover{stroke:#000}</style>\n"
            "<rect width='%d' height='%d' fill='#fff'/>\n<title>",
            WIDTH, HEIGHT, WIDTH, HEIGHT);
    put_text(o->machine, out);
    fprintf(out, ", %llu points, %llu on the front</title>\n",
            (unsigned long long)s->n_points, (unsigned long long)s->n_front);
    if (s->n_fit) {
        stretch(s, &axes[0]);
        stretch(s, &axes[1]);
        put_ticks(&axes[0], false, out);
        put_ticks(&axes[1], true, out);
        put_points(o, s, axes, out);
    }
    fputs("</svg>\n", out);
}
