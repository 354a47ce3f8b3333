/* SPDX-License-Identifier: MIT
 *
 * Device files (share/setun/devices) and what is reported of a junction. */
#include "base/file.h"
#include "memory/mtj.h"
#include <math.h>
#include <string.h>

/* clang-format off */
#define AT(field) offsetof(stn_mtj, field)
static const stn_figure_row common_rows[] = {
    {"diameter", STN_QUANTITY_LENGTH, 5e-9, 1e-6, AT(diameter_m)},
    {"free_layer", STN_QUANTITY_LENGTH, 2e-10, 1e-8, AT(thickness_m)},
    {"resistance_area", STN_QUANTITY_RESISTANCE_AREA, 1e-14, 1e-8, AT(ra_ohm_m2)},
    {"tmr", STN_QUANTITY_RATIO, 0.05, 20, AT(tmr0)},
    {"tmr_half_voltage", STN_QUANTITY_VOLTAGE, 0.05, 5, AT(half_v)},
    {"magnetisation", STN_QUANTITY_MAGNETISATION, 1e4, 3e6, AT(magnetisation_a_m)},
    {"anisotropy_field", STN_QUANTITY_FLUX_DENSITY, 1e-3, 5, AT(anisotropy_t)},
    {"damping", STN_QUANTITY_RATIO, 1e-4, 0.9, AT(damping)},
    {"attempt_time", STN_QUANTITY_TIME, 1e-11, 1e-8, AT(attempt_s)},
    {"read_voltage", STN_QUANTITY_VOLTAGE, 1e-3, 2, AT(read_v)},
    {"read_pulse", STN_QUANTITY_TIME, 1e-11, 1e-3, AT(read_s)},
    {"write_current", STN_QUANTITY_CURRENT, 1e-8, 1e-2, AT(write_a)},
    {"write_pulse", STN_QUANTITY_TIME, 1e-11, 1e-3, AT(write_s)},
    {"sigma_resistance_area", STN_QUANTITY_RATIO, 0, 0.5, AT(sigma_ra)},
    {"sigma_tmr", STN_QUANTITY_RATIO, 0, 0.5, AT(sigma_tmr)},
    {"sigma_diameter", STN_QUANTITY_RATIO, 0, 0.5, AT(sigma_diameter)},
    {"sigma_offset", STN_QUANTITY_CURRENT, 0, 1e-3, AT(sigma_offset_a)}};
static const stn_figure_row transfer_rows[] = {
    {"polarisation", STN_QUANTITY_RATIO, 0.05, 1, AT(polarisation)}};
static const stn_figure_row orbit_rows[] = {
    {"spin_hall_angle", STN_QUANTITY_RATIO, 0.01, 2, AT(hall_angle)},
    {"strip_width", STN_QUANTITY_LENGTH, 5e-9, 1e-5, AT(strip_width_m)},
    {"strip_thickness", STN_QUANTITY_LENGTH, 5e-10, 1e-7, AT(strip_thickness_m)},
    {"strip_length", STN_QUANTITY_LENGTH, 5e-9, 1e-5, AT(strip_length_m)},
    {"strip_resistivity", STN_QUANTITY_RESISTIVITY, 1e-8, 1e-4, AT(strip_ohm_m)},
    {"assist_field", STN_QUANTITY_FLUX_DENSITY, 0, 1, AT(assist_t)},
    {"sigma_strip", STN_QUANTITY_RATIO, 0, 0.5, AT(sigma_strip)}};
/* clang-format on */
#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static const double ROOM_K = 300.0;

static stn_status parse(const stn_yaml *root, stn_figures *figures,
                        stn_mtj *out, stn_error *err)
{
    static const char *const writes[] = {"spin-transfer", "spin-orbit", NULL};
    static const char *const also[] = {"title", "writing", NULL};
    stn_figure_row rows[COUNT(common_rows) + COUNT(orbit_rows) + 1];
    stn_mtj m = {.temperature_k = ROOM_K};
    const stn_yaml *writing = stn_yaml_get(root, "writing");
    size_t n = COUNT(common_rows), own = COUNT(transfer_rows);
    int word = 0;
    if (!writing)
        return stn_yaml_fail(root, err, "\"writing\" is missing");
    STN_TRY(stn_yaml_choice(writing, writes, &word, err));
    m.spin_orbit = word;
    memset(rows, 0, sizeof rows);
    memcpy(rows, common_rows, sizeof common_rows);
    if (m.spin_orbit)
        own = COUNT(orbit_rows);
    memcpy(rows + n, m.spin_orbit ? orbit_rows : transfer_rows,
           own * sizeof rows[0]);
    STN_TRY(stn_figures_parse(figures, "device", rows, root, also, &m, err));
    *out = m;
    return STN_OK;
}

stn_status stn_mtj_load(const char *name, stn_figures *figures, stn_mtj *out,
                        stn_error *err)
{
    char path[1024];
    stn_yaml_document *document = NULL;
    if (!*name || strchr(name, '/') || strchr(name, '.'))
        return stn_fail(err, STN_E_ARGUMENT,
                        "device: got \"%.60s\", expected the name of a file in "
                        "share/setun/devices without .yaml",
                        name);
    STN_TRY(stn_path_format(path, sizeof path, err, "%s/devices/%s.yaml",
                            stn_share_directory(), name));
    if (!stn_file_exists(path))
        return stn_fail(err, STN_E_NOT_FOUND, "device \"%s\": there is no %s",
                        name, path);
    STN_TRY(stn_yaml_load(path, &document, err));
    stn_status status = parse(stn_yaml_root(document), figures, out, err);
    stn_yaml_destroy(document);
    return status;
}

/* The reference whose two levels are confused most often. */
static double worst_error(const stn_mtj *m, int rows)
{
    double worst = 0.0;
    for (int j = 0; j < rows; j++)
        worst = fmax(worst, stn_mtj_sense_error(m, rows, j));
    return worst;
}

static stn_mtj_report report(const stn_mtj *m)
{
    double parallel_ohm = stn_mtj_parallel_ohm(m);
    double tmr = stn_mtj_tmr(m, m->read_v);
    double critical_a = stn_mtj_critical_a(m);
    stn_mtj_report r = {
        .spin_orbit = m->spin_orbit,
        .parallel_ohm = parallel_ohm,
        .antiparallel_ohm = parallel_ohm * (1.0 + tmr),
        .tmr = tmr,
        .stability = stn_mtj_stability(m),
        .retention_s = stn_mtj_retention_s(m),
        .critical_a = critical_a,
        .overdrive = critical_a > 0.0 ? m->write_a / critical_a : 0.0,
        .switching_s = stn_mtj_switching_s(m, m->write_a, m->write_s)};
    const stn_mtj_deviation mean = {1.0, 1.0, 1.0, 1.0};
    const stn_mtj_writing writing = stn_mtj_writing_make(m);
    double write_ohm = parallel_ohm;
    if (m->spin_orbit)
        write_ohm = m->strip_ohm_m * m->strip_length_m /
                    (m->strip_width_m * m->strip_thickness_m);
    r.write_error = stn_mtj_cell_write_error(&writing, &mean);
    r.write_error_spread = stn_mtj_mean_write_error(&writing);
    r.write_energy_j = m->write_a * m->write_a * write_ohm * m->write_s;
    r.read_disturb = stn_mtj_disturb(m, stn_mtj_read_drive(m), m->read_s);
    for (int k = 0; k < STN_MTJ_ROWS; k++)
        r.sense_error[k] = worst_error(m, k + 1);
    return r;
}

/* Draws the reference that the closed form calls the worst. */
static double drawn_error(const stn_mtj *m, int rows, int draws)
{
    double worst = worst_error(m, rows);
    stn_rng rng = stn_rng_make(1, STN_RNG_SENSE, (uint64_t)rows);
    for (int j = 0; j < rows; j++)
        if (stn_mtj_sense_error(m, rows, j) == worst) {
            double drawn = stn_mtj_sense_error_drawn(m, rows, j, draws, &rng);
            return drawn * 2.0 * draws >= 100.0 ? drawn : worst;
        }
    return worst;
}

stn_mtj stn_mtj_at_spread(const stn_mtj *m, double spread)
{
    stn_mtj r = *m;
    r.sigma_ra *= spread;
    r.sigma_tmr *= spread;
    r.sigma_diameter *= spread;
    r.sigma_strip *= spread;
    r.sigma_offset_a *= spread;
    return r;
}

stn_status stn_mtj_evaluate_spread(const char *name, double spread, int draws,
                                   stn_mtj_report *out, stn_error *err)
{
    stn_figures figures = {0};
    stn_mtj m;
    if (!(spread >= 0 && spread <= 100) || draws < 1)
        return stn_fail(err, STN_E_ARGUMENT,
                        "spread: got %g and %d draws, expected 0 to 100 and at "
                        "least one",
                        spread, draws);
    STN_TRY(stn_mtj_load(name, &figures, &m, err));
    m = stn_mtj_at_spread(&m, spread);
    *out = report(&m);
    for (int k = 0; spread > 0 && k < STN_MTJ_ROWS; k++)
        out->sense_error[k] = drawn_error(&m, k + 1, draws);
    return STN_OK;
}

stn_status stn_mtj_evaluate(const char *name, stn_mtj_report *out,
                            stn_error *err)
{
    stn_arena arena = {0};
    stn_figures figures = {.arena = &arena};
    stn_mtj m;
    stn_status status = stn_mtj_load(name, &figures, &m, err);
    if (status == STN_OK)
        *out = report(&m);
    stn_arena_deinit(&arena);
    return status;
}
