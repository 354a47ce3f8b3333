/* SPDX-License-Identifier: MIT
 *
 * zlib's gzFile, which reads plain files as they are. */
#include "io/gz.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

stn_status stn_gz_open(const char *path, stn_gz *out, stn_error *err)
{
    struct stat info;
    gzFile file = NULL;
    if (stat(path, &info) == 0)
        file = gzopen(path, "rb");
    if (!file)
        return stn_fail(err, errno == ENOENT ? STN_E_NOT_FOUND : STN_E_IO,
                        "%s: cannot open: %s", path, strerror(errno));
    gzbuffer(file, 1u << 18);
    *out = (stn_gz){
        .file = file, .path = path, .file_size = (uint64_t)info.st_size};
    return STN_OK;
}

void stn_gz_close(stn_gz *gz)
{
    if (gz->file)
        gzclose(gz->file);
    gz->file = NULL;
}

/* Reads until `size` bytes or the end; *got tells which. */
static stn_status read_some(stn_gz *gz, void *bytes, size_t size, size_t *got,
                            stn_error *err)
{
    uint8_t *to = bytes;
    size_t done = 0;
    while (done < size) {
        size_t left = size - done;
        unsigned part = left < (1u << 30) ? (unsigned)left : 1u << 30;
        int n = gzread(gz->file, to + done, part);
        int code;
        const char *text = gzerror(gz->file, &code);
        /* Z_BUF_ERROR: the compressed stream is cut. */
        if (n < 0 || (code != Z_OK && code != Z_STREAM_END))
            return stn_fail(err, STN_E_FORMAT,
                            "%s: damaged near byte %llu of the uncompressed "
                            "data: %s; get the file again",
                            gz->path, (unsigned long long)gz->offset + done,
                            code == Z_BUF_ERROR ? "the file is cut"
                            : *text             ? text
                                                : "cannot be read");
        if (n == 0)
            break;
        done += (size_t)n;
    }
    gz->offset += done;
    *got = done;
    return STN_OK;
}

stn_status stn_gz_read(stn_gz *gz, void *bytes, size_t size, stn_error *err)
{
    size_t got = 0;
    uint64_t start = gz->offset;
    STN_TRY(read_some(gz, bytes, size, &got, err));
    if (got < size)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: ends at byte %llu, expected %zu bytes at byte "
                        "%llu, got %zu; the file is cut, get it again",
                        gz->path, (unsigned long long)gz->offset, size,
                        (unsigned long long)start, got);
    return STN_OK;
}

stn_status stn_gz_skip(stn_gz *gz, uint64_t size, stn_error *err)
{
    uint8_t block[4096];
    while (size > 0) {
        size_t part = size < sizeof block ? (size_t)size : sizeof block;
        STN_TRY(stn_gz_read(gz, block, part, err));
        size -= part;
    }
    return STN_OK;
}

stn_status stn_gz_check_end(stn_gz *gz, stn_error *err)
{
    uint8_t extra;
    size_t got = 0;
    STN_TRY(read_some(gz, &extra, 1, &got, err));
    if (got != 0)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: goes on at byte %llu, expected its end there; "
                        "the header does not fit the data",
                        gz->path, (unsigned long long)gz->offset - 1);
    return STN_OK;
}

stn_status stn_gz_drain(stn_gz *gz, stn_error *err)
{
    uint8_t block[4096];
    size_t got = sizeof block;
    while (got == sizeof block)
        STN_TRY(read_some(gz, block, sizeof block, &got, err));
    return STN_OK;
}

bool stn_gz_may_hold(const stn_gz *gz, uint64_t size)
{
    return size / 1032 <= gz->file_size;
}
