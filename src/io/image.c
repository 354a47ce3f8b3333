/* SPDX-License-Identifier: MIT
 *
 * PNG through libpng's simplified interface, JPEG through libjpeg. libjpeg
 * reports fatal errors by calling back and must not return; we jump to the
 * one setjmp below, and everything it may leave behind lives in a struct of
 * the caller's, so no local variable is in doubt after the jump. Warnings
 * (cut data, broken entropy code) are refused too: a half-grey picture would
 * train silently. */
#include "io/image.h"
#include "base/file.h"
#include "base/memory.h"
#include "setun/data.h"
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <jpeglib.h>

#define LARGEST_SIDE 16384
#define LARGEST_AREA (1 << 26)

static stn_status allocate(const char *name, uint32_t height, uint32_t width,
                           int channels, stn_picture *picture, stn_error *err)
{
    if (height < 1 || width < 1 || height > LARGEST_SIDE ||
        width > LARGEST_SIDE || height * width > LARGEST_AREA)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: picture of %u x %u pixels, expected 1 to %d a "
                        "side and at most %d in all",
                        name, (unsigned)height, (unsigned)width, LARGEST_SIDE,
                        LARGEST_AREA);
    *picture = (stn_picture){
        .height = (int)height, .width = (int)width, .channels = channels};
    picture->pixels = stn_alloc((size_t)height * width, (size_t)channels);
    return picture->pixels ? STN_OK : stn_fail_memory(err, name);
}

static stn_status decode_png(const char *name, const uint8_t *bytes,
                             size_t size, stn_picture *picture, stn_error *err)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    stn_status status;
    if (!png_image_begin_read_from_memory(&image, bytes, size)) {
        status = stn_fail(err, STN_E_FORMAT, "%s: damaged PNG: %s", name,
                          image.message);
        goto out;
    }
    bool colour = image.format & PNG_FORMAT_FLAG_COLOR;
    image.format = colour ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
    status =
        allocate(name, image.height, image.width, colour ? 3 : 1, picture, err);
    if (status != STN_OK)
        goto out;
    png_color black = {0, 0, 0};
    if (!png_image_finish_read(&image, &black, picture->pixels, 0, NULL))
        status = stn_fail(err, STN_E_FORMAT, "%s: damaged PNG: %s", name,
                          image.message);
out:
    png_image_free(&image);
    return status;
}

typedef struct jpeg_reader {
    struct jpeg_decompress_struct info;
    struct jpeg_error_mgr errors;
    jmp_buf escape;
    char text[JMSG_LENGTH_MAX]; /* the first error or warning */
    const char *name;
    stn_picture *picture;
    stn_error *err;
} jpeg_reader;

static void note(j_common_ptr info)
{
    jpeg_reader *r = info->client_data;
    if (!r->text[0])
        info->err->format_message(info, r->text);
}

static void jpeg_fatal(j_common_ptr info)
{
    jpeg_reader *r = info->client_data;
    note(info);
    longjmp(r->escape, 1);
}

/* level -1 is a warning, 0 and above are traces. */
static void jpeg_message(j_common_ptr info, int level)
{
    if (level < 0)
        note(info);
}

static void jpeg_silent(j_common_ptr info)
{
    (void)info;
}

static stn_status jpeg_rows(jpeg_reader *r)
{
    struct jpeg_decompress_struct *info = &r->info;
    jpeg_read_header(info, TRUE);
    bool grey = info->num_components == 1;
    info->out_color_space = grey ? JCS_GRAYSCALE : JCS_RGB;
    STN_TRY(allocate(r->name, info->image_height, info->image_width,
                     grey ? 1 : 3, r->picture, r->err));
    jpeg_start_decompress(info);
    size_t stride = (size_t)r->picture->width * (size_t)r->picture->channels;
    while (info->output_scanline < info->output_height) {
        JSAMPROW row = r->picture->pixels + info->output_scanline * stride;
        jpeg_read_scanlines(info, &row, 1);
    }
    jpeg_finish_decompress(info);
    return STN_OK;
}

/* Returns false after a fatal error, whose text is in r->text. */
static bool jpeg_guarded(jpeg_reader *r, const uint8_t *bytes, size_t size,
                         stn_status *status)
{
    if (setjmp(r->escape))
        return false;
    jpeg_create_decompress(&r->info);
    jpeg_mem_src(&r->info, bytes, (unsigned long)size);
    *status = jpeg_rows(r);
    return true;
}

static stn_status decode_jpeg(const char *name, const uint8_t *bytes,
                              size_t size, stn_picture *picture, stn_error *err)
{
    jpeg_reader r = {.name = name, .picture = picture, .err = err};
    r.info.err = jpeg_std_error(&r.errors);
    r.errors.error_exit = jpeg_fatal;
    r.errors.emit_message = jpeg_message;
    r.errors.output_message = jpeg_silent;
    r.info.client_data = &r;
    stn_status status = STN_OK;
    bool finished = jpeg_guarded(&r, bytes, size, &status);
    jpeg_destroy_decompress(&r.info);
    if (status == STN_OK && (!finished || r.text[0]))
        return stn_fail(err, STN_E_FORMAT, "%s: damaged JPEG: %s", name,
                        r.text);
    return status;
}

stn_status stn_picture_decode(const char *name, const uint8_t *bytes,
                              size_t size, stn_picture *out, stn_error *err)
{
    static const uint8_t png[] = {0x89, 'P', 'N', 'G'};
    static const uint8_t jpeg[] = {0xff, 0xd8, 0xff};
    stn_picture picture = {0};
    stn_status status;
    if (size >= sizeof png && memcmp(bytes, png, sizeof png) == 0)
        status = decode_png(name, bytes, size, &picture, err);
    else if (size >= sizeof jpeg && memcmp(bytes, jpeg, sizeof jpeg) == 0)
        status = decode_jpeg(name, bytes, size, &picture, err);
    else
        status = stn_fail(err, STN_E_FORMAT,
                          "%s: neither PNG nor JPEG by its first bytes", name);
    if (status == STN_OK)
        *out = picture;
    else
        stn_free(picture.pixels);
    return status;
}

bool stn_picture_name(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && name[0] != '.' &&
           (strcasecmp(dot, ".png") == 0 || strcasecmp(dot, ".jpg") == 0 ||
            strcasecmp(dot, ".jpeg") == 0);
}

stn_status stn_image_read(const char *path, int height, int width, int channels,
                          uint8_t *pixels, stn_error *err)
{
    if (height < 1 || width < 1 || (channels != 1 && channels != 3))
        return stn_fail(err, STN_E_ARGUMENT,
                        "%s: cannot fit a picture to %d x %d x %d, expected 1 "
                        "or 3 channels",
                        path, height, width, channels);
    uint8_t *bytes;
    size_t size;
    stn_picture picture;
    STN_TRY(stn_file_read(path, &bytes, &size, err));
    stn_status status = stn_picture_decode(path, bytes, size, &picture, err);
    stn_free(bytes);
    if (status != STN_OK)
        return status;
    stn_picture_fit(&picture, height, width, channels, pixels);
    stn_free(picture.pixels);
    return STN_OK;
}
