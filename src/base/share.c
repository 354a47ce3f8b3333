/* SPDX-License-Identifier: MIT
 *
 * Looking up files of share/setun, see share.h. */
#include "base/share.h"
#include "base/file.h"
#include "base/memory.h"
#include "setun/text.h"
#include <glob.h>
#include <stdio.h>
#include <string.h>

bool stn_share_is_file(const char *name)
{
    return strchr(name, '/') || strstr(name, ".yaml");
}

/* "…/imce.yaml" becomes "imce", in place. */
static const char *bare_name(char *path)
{
    char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    if (dot)
        *dot = '\0';
    return slash ? slash + 1 : path;
}

/* '; did you mean "x"?', or "" when no name of the folder is near. */
static void suggest(const char *folder, const char *name, char *out,
                    size_t capacity)
{
    char pattern[STN_SHARE_PATH];
    glob_t files = {0};
    out[0] = '\0';
    if (stn_path_format(pattern, sizeof pattern, NULL, "%s/%s/*.yaml",
                        stn_share_directory(), folder) != STN_OK ||
        glob(pattern, 0, NULL, &files) != 0)
        return;
    const char **words = stn_alloc(files.gl_pathc + 1, sizeof *words);
    for (size_t i = 0; words && i < files.gl_pathc; i++)
        words[i] = bare_name(files.gl_pathv[i]);
    const char *nearest = words ? stn_nearest_word(name, words) : NULL;
    if (nearest)
        snprintf(out, capacity, "; did you mean \"%s\"?", nearest);
    stn_free(words);
    globfree(&files);
}

stn_status stn_share_find(const char *folder, const char *what,
                          const char *name, char path[STN_SHARE_PATH],
                          stn_error *err)
{
    char hint[128] = "";
    if (stn_share_is_file(name))
        STN_TRY(stn_path_format(path, STN_SHARE_PATH, err, "%s", name));
    else
        STN_TRY(stn_path_format(path, STN_SHARE_PATH, err, "%s/%s/%s.yaml",
                                stn_share_directory(), folder, name));
    if (stn_file_exists(path))
        return STN_OK;
    suggest(folder, name, hint, sizeof hint);
    return stn_fail(err, STN_E_NOT_FOUND,
                    "%s \"%s\": there is no %s%s%s 'setun list %s' shows what "
                    "there is",
                    what, name, path, hint, *hint ? "" : ";", folder);
}
