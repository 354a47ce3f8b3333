/* SPDX-License-Identifier: MIT
 *
 * Reading pictures out of a .tar.gz in one pass, without unpacking it: ustar
 * headers (POSIX.1-1988), GNU long names (type L) and the path record of pax
 * headers (type x). Nothing is written to disk, so names in the archive can
 * do no harm; links and other special entries are passed over. */
#include "base/status.h"
#include "io/gz.h"
#include "io/pictures.h"
#include <stdio.h>
#include <string.h>

enum { BLOCK = 512, NAME = 4096 };
#define LARGEST_PICTURE (64u << 20) /* bytes of one encoded picture */

typedef struct tar_reader {
    stn_gz gz;
    stn_entry_list list;
    stn_progress progress;
    char name[NAME]; /* of the next entry, when a long one was given */
    bool long_name;
    stn_error *err;
} tar_reader;

typedef struct header {
    uint8_t block[BLOCK];
    uint64_t size;
    char type;
} header;

static stn_status fail(const tar_reader *t, const char *text)
{
    return stn_fail(t->err, STN_E_FORMAT,
                    "%s: header before byte %llu: %s; is it a tar archive, "
                    "whole?",
                    t->gz.path, (unsigned long long)t->gz.offset, text);
}

/* Octal digits, padded by spaces or NUL. */
static bool octal(const uint8_t *field, size_t n, uint64_t *out)
{
    uint64_t value = 0;
    size_t i = 0;
    while (i < n && field[i] == ' ')
        i++;
    for (; i < n && field[i] >= '0' && field[i] <= '7'; i++)
        value = value * 8 + (uint64_t)(field[i] - '0');
    *out = value;
    return i == n || field[i] == ' ' || field[i] == '\0';
}

/* Sets *end at the zero block that closes the archive. */
static stn_status read_header(tar_reader *t, header *h, bool *end)
{
    STN_TRY(stn_gz_read(&t->gz, h->block, BLOCK, t->err));
    uint64_t sum = 0, stored;
    bool zero = true;
    for (int i = 0; i < BLOCK; i++) {
        /* The checksum's own field, bytes 148 to 155, counts as spaces. */
        sum += i >= 148 && i < 156 ? ' ' : h->block[i];
        zero = zero && h->block[i] == 0;
    }
    *end = zero;
    if (zero)
        return STN_OK;
    if (!octal(h->block + 148, 8, &stored) || stored != sum)
        return fail(t, "wrong checksum");
    if (!octal(h->block + 124, 12, &h->size))
        return fail(t, "size is not octal");
    h->type = (char)h->block[156];
    return STN_OK;
}

static uint64_t padding(uint64_t size)
{
    return (BLOCK - size % BLOCK) % BLOCK;
}

/* Body of a GNU long name. */
static stn_status read_long_name(tar_reader *t, uint64_t size)
{
    if (size >= NAME)
        return fail(t, "name longer than 4095 bytes");
    STN_TRY(stn_gz_read(&t->gz, t->name, (size_t)size, t->err));
    t->name[size] = '\0';
    t->long_name = true;
    return stn_gz_skip(&t->gz, padding(size), t->err);
}

/* Body of a pax header: records "LENGTH KEY=VALUE\n". */
static stn_status read_pax(tar_reader *t, uint64_t size)
{
    char text[2 * NAME];
    if (size >= sizeof text)
        return fail(t, "pax header longer than 8191 bytes");
    STN_TRY(stn_gz_read(&t->gz, text, (size_t)size, t->err));
    size_t at = 0;
    while (at < size) {
        size_t length = 0, i = at;
        for (; i < size && text[i] >= '0' && text[i] <= '9'; i++)
            length = length < NAME * 2 ? length * 10 + (size_t)(text[i] - '0')
                                       : length;
        /* The shortest record is "5 a=\n". */
        if (length < 5 || length > size - at || i >= at + length ||
            text[i] != ' ' || text[at + length - 1] != '\n')
            return fail(t, "malformed pax record");
        const char *record = text + i + 1;
        size_t n = at + length - 1 - (i + 1);
        if (n > 5 && n - 5 < NAME && memcmp(record, "path=", 5) == 0) {
            memcpy(t->name, record + 5, n - 5);
            t->name[n - 5] = '\0';
            t->long_name = true;
        }
        at += length;
    }
    return stn_gz_skip(&t->gz, padding(size), t->err);
}

/* The entry's name, from an earlier long name or from its own header. */
static void take_name(tar_reader *t, const header *h, char out[NAME])
{
    const char *b = (const char *)h->block;
    bool prefix = memcmp(b + 257, "ustar", 6) == 0 && b[345];
    if (t->long_name)
        snprintf(out, NAME, "%s", t->name);
    else
        snprintf(out, NAME, "%.*s%s%.100s", prefix ? 155 : 0, b + 345,
                 prefix ? "/" : "", b);
    t->long_name = false;
}

static stn_status read_picture(tar_reader *t, const char *name, uint64_t size,
                               stn_entry *entry)
{
    char where[512];
    snprintf(where, sizeof where, "%.250s: %.250s", t->gz.path, name);
    if (size > LARGEST_PICTURE)
        return fail(t, "picture larger than 64 MiB");
    uint8_t *bytes = stn_alloc((size_t)size, 1);
    if (!bytes)
        return stn_fail_memory(t->err, where);
    stn_status status = stn_gz_read(&t->gz, bytes, (size_t)size, t->err);
    if (status == STN_OK)
        status = stn_entry_decode(&t->list, entry, where, bytes, (size_t)size,
                                  t->progress, t->err);
    stn_free(bytes);
    if (status != STN_OK)
        return status;
    return stn_gz_skip(&t->gz, padding(size), t->err);
}

static stn_status read_entries(tar_reader *t)
{
    for (;;) {
        header h;
        bool end;
        STN_TRY(read_header(t, &h, &end));
        if (end)
            return stn_gz_drain(&t->gz, t->err);
        if (h.type == 'L') {
            STN_TRY(read_long_name(t, h.size));
            continue;
        }
        if (h.type == 'x') {
            STN_TRY(read_pax(t, h.size));
            continue;
        }
        char name[NAME];
        stn_entry *entry = NULL;
        /* Global headers and long link names are no entries of their own. */
        if (h.type != 'g' && h.type != 'K')
            take_name(t, &h, name);
        if (h.type == '0' || h.type == '\0')
            STN_TRY(stn_entry_add(&t->list, name, &entry, t->err));
        if (entry)
            STN_TRY(read_picture(t, name, h.size, entry));
        else
            STN_TRY(stn_gz_skip(&t->gz, h.size + padding(h.size), t->err));
    }
}

stn_status stn_tar_read(stn_dataset *dataset, stn_progress progress,
                        stn_error *err)
{
    tar_reader t = {.progress = progress, .err = err};
    stn_status status = stn_gz_open(dataset->path, &t.gz, err);
    if (status == STN_OK)
        status = read_entries(&t);
    stn_gz_close(&t.gz);
    if (status == STN_OK)
        status = stn_entries_store(&t.list, dataset, err);
    stn_arena_deinit(&t.list.arena);
    return status;
}
