/* SPDX-License-Identifier: MIT
 *
 * Whole files through POSIX calls. Writing goes through a temporary
 * neighbour and rename(2), which is atomic inside one file system. */
#include "base/file.h"
#include "base/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static stn_status fail_errno(stn_error *err, const char *path,
                             const char *action)
{
    int code = errno;
    return stn_fail(err, code == ENOENT ? STN_E_NOT_FOUND : STN_E_IO,
                    "%s: cannot %s: %s", path, action, strerror(code));
}

/* Opens a regular file for reading; the caller closes *fd. */
static stn_status open_file(const char *path, int *fd, size_t *size,
                            stn_error *err)
{
    int f = open(path, O_RDONLY | O_CLOEXEC);
    if (f < 0)
        return fail_errno(err, path, "open");
    struct stat info;
    if (fstat(f, &info) != 0) {
        stn_status status = fail_errno(err, path, "stat");
        close(f);
        return status;
    }
    if (!S_ISREG(info.st_mode)) {
        close(f);
        return stn_fail(err, STN_E_IO, "%s: is not a regular file; give a file",
                        path);
    }
    *fd = f;
    *size = (size_t)info.st_size;
    return STN_OK;
}

stn_status stn_file_read(const char *path, uint8_t **bytes, size_t *size,
                         stn_error *err)
{
    int fd;
    size_t n;
    STN_TRY(open_file(path, &fd, &n, err));
    stn_status status = STN_OK;
    uint8_t *block = n < SIZE_MAX ? stn_alloc(n + 1, 1) : NULL;
    if (!block) {
        status = stn_fail_memory(err, path);
        goto out;
    }
    size_t done = 0;
    while (done < n) {
        ssize_t got = read(fd, block + done, n - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            status = fail_errno(err, path, "read");
            goto out;
        }
        if (got == 0) {
            status = stn_fail(err, STN_E_IO,
                              "%s: ended at byte %zu of %zu while it was "
                              "read; is another process writing it?",
                              path, done, n);
            goto out;
        }
        done += (size_t)got;
    }
    *bytes = block;
    *size = n;
    block = NULL;
out:
    stn_free(block);
    close(fd);
    return status;
}

static bool write_all(int fd, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t done = write(fd, bytes, size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return false;
        bytes += done;
        size -= (size_t)done;
    }
    return true;
}

/* Makes the rename itself durable. A file system that cannot sync a folder
 * loses only that, not the file, so failure is not reported. */
static void sync_parent(const char *path)
{
    char parent[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;
    if (n >= sizeof parent)
        return;
    memcpy(parent, path, n);
    parent[n] = '\0';
    const char *name = parent;
    if (n == 0)
        name = slash ? "/" : ".";
    int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)fsync(fd);
    close(fd);
}

stn_status stn_file_write_atomic(const char *path, const void *bytes,
                                 size_t size, stn_error *err)
{
    char temporary[PATH_MAX];
    STN_TRY(stn_path_format(temporary, sizeof temporary, err, "%s.tmp-%ld",
                            path, (long)getpid()));
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return fail_errno(err, temporary, "create");
    stn_status status = STN_OK;
    if (!write_all(fd, bytes, size))
        status = fail_errno(err, temporary, "write");
    if (status == STN_OK && fsync(fd) != 0)
        status = fail_errno(err, temporary, "sync");
    if (close(fd) != 0 && status == STN_OK)
        status = fail_errno(err, temporary, "close");
    if (status == STN_OK && rename(temporary, path) != 0)
        status = fail_errno(err, path, "replace");
    if (status == STN_OK)
        sync_parent(path);
    else
        unlink(temporary);
    return status;
}

stn_status stn_file_map(const char *path, const uint8_t **bytes, size_t *size,
                        stn_error *err)
{
    int fd;
    size_t n;
    STN_TRY(open_file(path, &fd, &n, err));
    if (n == 0) {
        close(fd);
        return stn_fail(err, STN_E_FORMAT, "%s: is empty", path);
    }
    void *map = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
    stn_status status =
        map == MAP_FAILED ? fail_errno(err, path, "map") : STN_OK;
    close(fd);
    if (status == STN_OK) {
        *bytes = map;
        *size = n;
    }
    return status;
}

void stn_file_unmap(const uint8_t *bytes, size_t size)
{
    if (bytes)
        munmap((void *)(uintptr_t)bytes, size);
}

bool stn_file_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

bool stn_directory_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

stn_status stn_make_directories(const char *path, stn_error *err)
{
    char part[PATH_MAX];
    STN_TRY(stn_path_format(part, sizeof part, err, "%s", path));
    for (char *p = part; *p; p++) {
        if (*p != '/' || p == part)
            continue;
        *p = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return fail_errno(err, part, "create the folder");
        *p = '/';
    }
    if (mkdir(part, 0777) != 0 && errno != EEXIST)
        return fail_errno(err, part, "create the folder");
    if (!stn_directory_exists(part))
        return stn_fail(err, STN_E_IO, "%s: exists and is not a folder", part);
    return STN_OK;
}

stn_status stn_path_format(char *out, size_t capacity, stn_error *err,
                           const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(out, capacity, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= capacity)
        return stn_fail(err, STN_E_ARGUMENT,
                        "path of %d bytes is too long, expected fewer than "
                        "%zu: %.100s...",
                        n, capacity, out);
    return STN_OK;
}

const char *stn_share_directory(void)
{
    const char *chosen = getenv("SETUN_SHARE");
    if (chosen && *chosen)
        return chosen;
    if (stn_directory_exists(STN_SOURCE_SHARE))
        return STN_SOURCE_SHARE;
    return STN_INSTALLED_SHARE;
}
