/* SPDX-License-Identifier: MIT
 *
 * Data sets on disk: tiny files of each format, whole and damaged in each
 * way, made with the libraries themselves. */
#include "test.h"

#include "base/file.h"
#include "base/memory.h"
#include "io/dataset.h"
#include "setun/data.h"
#include <jpeglib.h>
#include <png.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static char folder[] = "setun-test-io-XXXXXX";

/* Each test starts in an empty folder and leaves it again. */
static int enter(void **state)
{
    (void)state;
    strcpy(folder + sizeof folder - 7, "XXXXXX");
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int leave(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return chdir("..") == 0 ? system(command) : -1;
}

static void write_bytes(const char *path, const void *bytes, size_t size)
{
    stn_error err;
    assert_ok(stn_file_write_atomic(path, bytes, size, &err), err);
}

static void write_gz(const char *path, const void *bytes, size_t size)
{
    gzFile f = gzopen(path, "wb");
    assert_int_equal(gzwrite(f, bytes, (unsigned)size), (int)size);
    assert_int_equal(gzclose(f), Z_OK);
}

static void open_refused(const char *name, stn_status expected,
                         const char *part)
{
    stn_error err;
    stn_dataset *d;
    assert_refused(stn_dataset_open(name, &d, &err), err, expected, part);
}

/* IDX ------------------------------------------------------------------ */

enum { IDX_N = 5, IDX_H = 3, IDX_W = 2, IDX_AREA = IDX_H * IDX_W };

typedef struct idx_files {
    uint8_t images[16 + IDX_N * IDX_AREA];
    uint8_t labels[8 + IDX_N];
} idx_files;

static void put_word(uint8_t *at, uint32_t word)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(word >> (24 - 8 * i));
}

static idx_files make_idx(void)
{
    idx_files f;
    put_word(f.images, 0x803);
    put_word(f.images + 4, IDX_N);
    put_word(f.images + 8, IDX_H);
    put_word(f.images + 12, IDX_W);
    for (int i = 0; i < IDX_N * IDX_AREA; i++)
        f.images[16 + i] = (uint8_t)(7 * i);
    put_word(f.labels, 0x801);
    put_word(f.labels + 4, IDX_N);
    for (int i = 0; i < IDX_N; i++)
        f.labels[8 + i] = (uint8_t)(i % 4);
    return f;
}

/* Test files are gzip, training files plain: both kinds are read at once. */
static void write_idx(const idx_files *train, const idx_files *test)
{
    write_bytes("train-images-idx3-ubyte", train->images, sizeof train->images);
    write_bytes("train-labels-idx1-ubyte", train->labels, sizeof train->labels);
    write_gz("t10k-images-idx3-ubyte.gz", test->images, sizeof test->images);
    write_gz("t10k-labels-idx1-ubyte.gz", test->labels, sizeof test->labels);
}

static void idx_files_open_plain_and_compressed(void **state)
{
    (void)state;
    idx_files f = make_idx();
    write_idx(&f, &f);
    stn_error err;
    stn_dataset *d;
    assert_ok(stn_dataset_open(".", &d, &err), err);
    assert_int_equal(stn_dataset_classes(d), 4);
    assert_string_equal(stn_dataset_class_name(d, 3), "3");
    assert_string_equal(stn_dataset_class_name(d, 4), "unknown");
    assert_string_equal(stn_dataset_path(d), ".");
    for (int split = 0; split < 2; split++) {
        const stn_images *m = stn_dataset_images(d, (stn_split)split);
        assert_int_equal(m->n, IDX_N);
        assert_int_equal(m->height, IDX_H);
        assert_int_equal(m->width, IDX_W);
        assert_int_equal(m->channels, 1);
        assert_memory_equal(m->pixels, f.images + 16, IDX_N * IDX_AREA);
        assert_memory_equal(m->labels, f.labels + 8, IDX_N);
    }
    stn_dataset_close(d);
    stn_dataset_close(NULL);
}

static void wrong_idx_headers_are_refused(void **state)
{
    (void)state;
    idx_files good = make_idx(), f = good;
    put_word(f.images, 0x801);
    write_idx(&f, &good);
    open_refused(".", STN_E_FORMAT,
                 "train-images-idx3-ubyte: byte 0: got magic 0x00000801, "
                 "expected 0x00000803");
    f = good;
    put_word(f.labels, 0x803);
    write_idx(&f, &good);
    open_refused(".", STN_E_FORMAT, "expected 0x00000801");
    f = good;
    put_word(f.images + 4, 0xffffffff);
    write_idx(&f, &good);
    open_refused(".", STN_E_FORMAT, "more than the file can hold");
    f = good;
    put_word(f.images + 8, 0xffffffff);
    put_word(f.images + 12, 0xffffffff);
    write_idx(&f, &good);
    open_refused(".", STN_E_FORMAT, "more than the file can hold");
    f = good;
    put_word(f.images + 8, 0);
    write_idx(&f, &good);
    open_refused(".", STN_E_FORMAT, "of 0 x 2");
    f = good;
    put_word(f.images + 4, IDX_N + 1);
    write_idx(&f, &good);
    open_refused(".", STN_E_FORMAT, "expected 36 bytes at byte 16, got 30");
    f = good;
    put_word(f.images + 4, IDX_N - 1);
    put_word(f.labels + 4, IDX_N - 1);
    write_idx(&f, &good);
    open_refused(".", STN_E_FORMAT, "goes on at byte 40");
    f = good;
    put_word(f.labels + 4, IDX_N - 1);
    write_idx(&f, &good);
    open_refused(".", STN_E_FORMAT, "got 4 labels, expected 5");
}

static void cut_and_mislabelled_idx_files_are_refused(void **state)
{
    (void)state;
    idx_files good = make_idx(), f = good;
    write_idx(&good, &good);
    for (size_t n = 0; n < sizeof good.images; n += 5) {
        write_bytes("train-images-idx3-ubyte", good.images, n);
        open_refused(".", STN_E_FORMAT, "train-images-idx3-ubyte: ends at");
    }
    write_idx(&good, &good);
    assert_int_equal(truncate("t10k-images-idx3-ubyte.gz", 30), 0);
    open_refused(".", STN_E_FORMAT, "the file is cut");
    f.labels[8 + 2] = 4; /* 0 to 3 in training */
    write_idx(&good, &f);
    open_refused(".", STN_E_FORMAT,
                 "t10k-labels-idx1-ubyte.gz: byte 10: got label 4, expected 0 "
                 "to 3");
    unlink("t10k-labels-idx1-ubyte.gz");
    open_refused(".", STN_E_NOT_FOUND, "lacks t10k-labels-idx1-ubyte");
}

static void changed_byte_in_a_compressed_file_is_noticed(void **state)
{
    (void)state;
    idx_files good = make_idx();
    write_idx(&good, &good);
    static const char name[] = "t10k-images-idx3-ubyte.gz";
    stn_error err;
    uint8_t *bytes;
    size_t size;
    assert_ok(stn_file_read(name, &bytes, &size, &err), err);
    bytes[size - 8] ^= 1; /* its checksum */
    write_bytes(name, bytes, size);
    stn_free(bytes);
    open_refused(".", STN_E_FORMAT, "damaged near byte");
}

static void splits_of_different_size_are_refused(void **state)
{
    (void)state;
    idx_files good = make_idx(), f = good;
    put_word(f.images + 8, IDX_W);
    put_word(f.images + 12, IDX_H);
    write_idx(&good, &f);
    open_refused(".", STN_E_FORMAT,
                 "test pictures are 2 x 3 x 1, expected 3 x 2 x 1");
}

static void names_are_found_through_the_environment(void **state)
{
    (void)state;
    idx_files f = make_idx();
    assert_int_equal(mkdir("here", 0777), 0);
    assert_int_equal(mkdir("here/mnist", 0777), 0);
    assert_int_equal(chdir("here/mnist"), 0);
    write_idx(&f, &f);
    assert_int_equal(chdir("../.."), 0);
    setenv("SETUN_DATA", "nowhere:here", 1);
    stn_error err;
    stn_dataset *d;
    assert_ok(stn_dataset_open("mnist", &d, &err), err);
    assert_string_equal(stn_dataset_path(d), "here/mnist");
    assert_string_equal(stn_dataset_name(d), "mnist");
    assert_int_equal(stn_dataset_classes(d), 10);
    stn_dataset_close(d);
    stn_dataset_entry entries[8];
    size_t n = stn_dataset_list(entries, 8);
    assert_in_range(n, 3, 8);
    assert_string_equal(entries[0].path, "here/mnist");
    open_refused("minst", STN_E_NOT_FOUND, "did you mean \"mnist\"");
    open_refused("imagenet", STN_E_NOT_FOUND, "nowhere, here, ");
    open_refused("here", STN_E_FORMAT, "holds no data set");
    unsetenv("SETUN_DATA");
}

/* CIFAR ---------------------------------------------------------------- */

enum { RECORD = 3073 };

static void make_cifar(uint8_t *bytes, int n)
{
    for (int i = 0; i < n; i++) {
        bytes[i * RECORD] = (uint8_t)(i % 10);
        for (int p = 0; p < 3072; p++)
            bytes[i * RECORD + 1 + p] = (uint8_t)(p / 1024 * 100 + p % 97 + i);
    }
}

static void cifar_records_become_interleaved_rgb(void **state)
{
    (void)state;
    static uint8_t bytes[3 * RECORD];
    make_cifar(bytes, 3);
    write_bytes("data_batch_1.bin", bytes, 2 * RECORD);
    write_bytes("data_batch_2.bin", bytes + 2 * RECORD, RECORD);
    write_bytes("test_batch.bin", bytes, RECORD);
    stn_error err;
    stn_dataset *d;
    assert_ok(stn_dataset_open(".", &d, &err), err);
    const stn_images *m = stn_dataset_images(d, STN_SPLIT_TRAIN);
    assert_int_equal(m->n, 3);
    assert_int_equal(m->channels, 3);
    assert_int_equal(stn_dataset_images(d, STN_SPLIT_TEST)->n, 1);
    for (int i = 0; i < 3; i++)
        for (int p = 0; p < 1024; p++)
            for (int c = 0; c < 3; c++)
                assert_int_equal(m->pixels[(i * 1024 + p) * 3 + c],
                                 bytes[i * RECORD + 1 + c * 1024 + p]);
    assert_int_equal(m->labels[2], 2);
    stn_dataset_close(d);
    write_bytes("batches.meta.txt", "a\nb\n", 4);
    open_refused(".", STN_E_FORMAT,
                 "data_batch_2.bin: byte 0: got label 2, expected 0 to 1");
}

static void damaged_cifar_files_are_refused(void **state)
{
    (void)state;
    static uint8_t bytes[2 * RECORD];
    make_cifar(bytes, 2);
    write_bytes("data_batch_1.bin", bytes, 2 * RECORD);
    open_refused(".", STN_E_NOT_FOUND, "test_batch.bin");
    write_bytes("test_batch.bin", bytes, 2 * RECORD - 1);
    open_refused(".", STN_E_FORMAT,
                 "test_batch.bin: ends at byte 6145 inside record 1");
    write_bytes("test_batch.bin", bytes, 0);
    open_refused(".", STN_E_FORMAT, "empty");
    bytes[RECORD] = 10;
    write_bytes("test_batch.bin", bytes, 2 * RECORD);
    open_refused(".", STN_E_FORMAT,
                 "test_batch.bin: byte 3073: got label 10, expected 0 to 9");
}

/* Pictures ------------------------------------------------------------- */

static void write_png(const char *path, int side, int channels,
                      const uint8_t *pixels)
{
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)side,
                       .height = (png_uint_32)side,
                       .format =
                           channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY};
    assert_true(png_image_write_to_file(&image, path, 0, pixels, 0, NULL));
}

static void write_jpeg(const char *path, int side, int channels,
                       const uint8_t *pixels)
{
    struct jpeg_compress_struct info;
    struct jpeg_error_mgr errors;
    info.err = jpeg_std_error(&errors);
    jpeg_create_compress(&info);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    jpeg_stdio_dest(&info, f);
    info.image_width = info.image_height = (unsigned)side;
    info.input_components = channels;
    info.in_color_space = channels == 3 ? JCS_RGB : JCS_GRAYSCALE;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, 100, TRUE);
    jpeg_start_compress(&info, TRUE);
    for (int y = 0; y < side; y++) {
        uint8_t row[3 * 64];
        memcpy(row, pixels + y * side * channels, (size_t)(side * channels));
        JSAMPROW rows = row;
        jpeg_write_scanlines(&info, &rows, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    fclose(f);
}

/* A flat colour: JPEG keeps it to within a rounding step. */
static void fill(uint8_t *pixels, int n, int r, int g, int b)
{
    for (int i = 0; i < n; i++) {
        pixels[3 * i] = (uint8_t)r;
        pixels[3 * i + 1] = (uint8_t)g;
        pixels[3 * i + 2] = (uint8_t)b;
    }
}

static void png_and_jpeg_are_read_in_rgb_order(void **state)
{
    (void)state;
    uint8_t pixels[3 * 64], out[3 * 64];
    fill(pixels, 64, 200, 100, 30);
    write_png("a.png", 8, 3, pixels);
    write_jpeg("a.jpg", 8, 3, pixels);
    stn_error err;
    assert_ok(stn_image_read("a.png", 8, 8, 3, out, &err), err);
    assert_memory_equal(out, pixels, sizeof out);
    assert_ok(stn_image_read("a.jpg", 8, 8, 3, out, &err), err);
    for (int i = 0; i < 3 * 64; i++)
        assert_in_range(out[i] + 3 - pixels[i], 0, 6);
    assert_ok(stn_image_read("a.png", 8, 8, 1, out, &err), err);
    assert_int_equal(out[5], 122); /* 0.299 200 + 0.587 100 + 0.114 30 */
    assert_refused(stn_image_read("a.png", 8, 8, 2, out, &err), err,
                   STN_E_ARGUMENT, "1 or 3 channels");
}

static void resampling_keeps_flat_and_linear_pictures(void **state)
{
    (void)state;
    uint8_t pixels[64], out[3 * 256];
    for (int i = 0; i < 64; i++)
        pixels[i] = (uint8_t)(16 * (i % 8) + 40);
    write_png("ramp.png", 8, 1, pixels);
    stn_error err;
    assert_ok(stn_image_read("ramp.png", 4, 4, 1, out, &err), err);
    for (int y = 0; y < 4; y++) /* inner columns: the mean of two */
        for (int x = 1; x < 3; x++)
            assert_int_equal(out[4 * y + x], 40 + 32 * x + 8);
    assert_ok(stn_image_read("ramp.png", 16, 16, 1, out, &err), err);
    for (int x = 1; x < 15; x++)
        assert_int_equal(out[x], 36 + 8 * x);
    assert_ok(stn_image_read("ramp.png", 8, 8, 3, out, &err), err);
    assert_int_equal(out[3], 56);
    assert_int_equal(out[5], 56);
}

static void damaged_pictures_are_refused(void **state)
{
    (void)state;
    uint8_t pixels[3 * 1024], out[3 * 1024];
    for (int i = 0; i < 3 * 1024; i++)
        pixels[i] = (uint8_t)((i * 7919) >> 3);
    write_png("a.png", 32, 3, pixels);
    write_jpeg("a.jpg", 32, 3, pixels);
    static const char *const names[] = {"a.png", "a.jpg"};
    for (int k = 0; k < 2; k++) {
        stn_error err;
        uint8_t *bytes;
        size_t size;
        assert_ok(stn_file_read(names[k], &bytes, &size, &err), err);
        for (size_t n = 4; n + 32 < size; n += size / 23) {
            write_bytes("cut", bytes, n);
            assert_refused(stn_image_read("cut", 32, 32, 3, out, &err), err,
                           STN_E_FORMAT, "cut: damaged");
        }
        stn_free(bytes);
    }
    stn_error err;
    write_bytes("text", "hello", 5);
    assert_refused(stn_image_read("text", 8, 8, 3, out, &err), err,
                   STN_E_FORMAT, "neither PNG nor JPEG");
    assert_refused(stn_image_read("absent", 8, 8, 3, out, &err), err,
                   STN_E_NOT_FOUND, "absent");
}

static void make_tree(void)
{
    static const char *const folders[] = {
        "d", "d/train", "d/test", "d/train/dog", "d/train/cat", "d/test/cat"};
    for (int i = 0; i < 6; i++)
        assert_int_equal(mkdir(folders[i], 0777), 0);
    uint8_t pixels[3 * 1024];
    fill(pixels, 1024, 10, 0, 0);
    write_png("d/train/cat/b.png", 32, 3, pixels);
    fill(pixels, 1024, 20, 0, 0);
    write_png("d/train/cat/a.PNG", 32, 3, pixels);
    fill(pixels, 1024, 30, 0, 0);
    write_png("d/train/cat/c.png", 32, 3, pixels);
    fill(pixels, 1024, 40, 40, 40);
    write_jpeg("d/train/dog/x.jpeg", 32, 1, pixels); /* grey */
    fill(pixels, 1024, 50, 0, 0);
    write_png("d/test/cat/z.png", 32, 3, pixels);
    write_bytes("d/train/cat/notes.txt", "x", 1);
    write_bytes("d/train/cat/.hidden.png", "x", 1);
}

static void check_tree(const stn_dataset *d)
{
    static const uint8_t red[] = {20, 40, 10, 30}, label[] = {0, 1, 0, 0};
    const stn_images *m = stn_dataset_images(d, STN_SPLIT_TRAIN);
    assert_int_equal(m->n, 4);
    assert_int_equal(m->channels, 3);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(m->pixels[i * 3072], red[i]);
        assert_int_equal(m->labels[i], label[i]);
    }
    assert_int_equal(m->pixels[3072 + 2], 40); /* grey on every channel */
    const stn_images *t = stn_dataset_images(d, STN_SPLIT_TEST);
    assert_int_equal(t->n, 1);
    assert_int_equal(t->pixels[0], 50);
    assert_int_equal(stn_dataset_classes(d), 2);
    assert_string_equal(stn_dataset_class_name(d, 0), "cat");
    assert_string_equal(stn_dataset_class_name(d, 1), "dog");
}

static void class_folders_are_sorted_and_interleaved(void **state)
{
    (void)state;
    make_tree();
    stn_error err;
    stn_dataset *d;
    assert_ok(stn_dataset_open("d", &d, &err), err);
    check_tree(d);
    stn_dataset_close(d);
}

static void odd_class_folders_are_refused(void **state)
{
    (void)state;
    make_tree();
    uint8_t pixels[3 * 1024] = {0};
    write_png("d/train/dog/small.png", 16, 3, pixels);
    /* Which of the two sizes comes first is up to the file system. */
    open_refused("d", STN_E_FORMAT, "make all of one size");
    unlink("d/train/dog/small.png");
    write_bytes("d/train/dog/bad.jpg", "no picture", 10);
    open_refused("d", STN_E_FORMAT, "d/train/dog/bad.jpg: neither");
    unlink("d/train/dog/bad.jpg");
    assert_int_equal(mkdir("d/test/mouse", 0777), 0);
    write_png("d/test/mouse/m.png", 32, 3, pixels);
    open_refused("d", STN_E_FORMAT, "class mouse is in test/");
    unlink("d/test/mouse/m.png");
    unlink("d/test/cat/z.png");
    open_refused("d", STN_E_FORMAT, "0 in test/CLASS/");
}

static void count_calls(void *context, size_t done)
{
    *(size_t *)context = done;
}

static void folder_converts_to_cifar_binary(void **state)
{
    (void)state;
    make_tree();
    stn_error err;
    stn_dataset *d;
    size_t done = 0;
    assert_ok(stn_dataset_convert("d", "deep/out", count_calls, &done, &err),
              err);
    assert_int_equal(done, 5);
    assert_true(stn_file_exists("deep/out/source.txt"));
    assert_ok(stn_dataset_open("deep/out", &d, &err), err);
    check_tree(d);
    stn_dataset_close(d);
    assert_int_equal(mkdir("taken", 0777), 0);
    write_bytes("taken/x", "x", 1);
    assert_refused(stn_dataset_convert("d", "taken", NULL, NULL, &err), err,
                   STN_E_IO, "taken: cannot become");
    char rest[64];
    snprintf(rest, sizeof rest, "taken.tmp-%ld", (long)getpid());
    assert_false(stn_directory_exists(rest));
}

static void other_sizes_do_not_convert(void **state)
{
    (void)state;
    make_tree();
    stn_error err;
    assert_int_equal(system("rm d/train/*/* d/test/*/*"), 0);
    uint8_t pixels[3 * 256] = {0};
    write_png("d/train/cat/a.png", 16, 3, pixels);
    write_png("d/test/cat/a.png", 16, 3, pixels);
    assert_refused(stn_dataset_convert("d", "out", NULL, NULL, &err), err,
                   STN_E_UNSUPPORTED, "16 x 16 x 3");
}

/* Archives ------------------------------------------------------------- */

static bool have_tar(void)
{
    if (system("tar --version >/dev/null 2>&1") == 0)
        return true;
    print_message("skipped, needs the command tar\n");
    return false;
}

static void archives_of_each_kind_convert_alike(void **state)
{
    (void)state;
    if (!have_tar())
        skip();
    make_tree();
    /* A long folder name forces GNU's L, pax's x and ustar's prefix. */
    char part[61], command[600];
    memset(part, 'p', 60);
    part[60] = '\0';
    snprintf(command, sizeof command, "mkdir -p %s/%s && cp -r d/* %s/%s", part,
             part, part, part);
    assert_int_equal(system(command), 0);
    static const char *const formats[] = {"gnu", "pax", "ustar"};
    for (int i = 0; i < 3; i++) {
        stn_error err;
        stn_dataset *d;
        snprintf(command, sizeof command,
                 "tar --format=%s -czf a.tar.gz %s && rm -rf out", formats[i],
                 part);
        assert_int_equal(system(command), 0);
        assert_ok(stn_dataset_convert("a.tar.gz", "out", NULL, NULL, &err),
                  err);
        assert_ok(stn_dataset_open("out", &d, &err), err);
        check_tree(d);
        stn_dataset_close(d);
    }
}

static void known_archive_is_converted_at_first_use(void **state)
{
    (void)state;
    if (!have_tar())
        skip();
    make_tree();
    assert_int_equal(system("mkdir -p data/cifar10 && tar -C d -czf "
                            "data/cifar10/cifar10-jpeg.tar.gz train test"),
                     0);
    setenv("SETUN_DATA", "data", 1);
    stn_error err;
    for (int time = 0; time < 2; time++) {
        stn_dataset *d;
        assert_ok(stn_dataset_open("cifar10", &d, &err), err);
        assert_string_equal(stn_dataset_path(d), "runs/data/cifar10");
        check_tree(d);
        stn_dataset_close(d);
        /* The second time it must not be needed. */
        unlink("data/cifar10/cifar10-jpeg.tar.gz");
    }
    unsetenv("SETUN_DATA");
}

static void damaged_archives_are_refused(void **state)
{
    (void)state;
    if (!have_tar())
        skip();
    make_tree();
    assert_int_equal(system("tar -C d -cf a.tar train test"), 0);
    stn_error err;
    uint8_t *bytes;
    size_t size;
    assert_ok(stn_file_read("a.tar", &bytes, &size, &err), err);
    for (size_t n = 1; n < size - 10240; n += 700) {
        write_bytes("cut.tar", bytes, n);
        assert_refused(stn_dataset_convert("cut.tar", "out", NULL, NULL, &err),
                       err, STN_E_FORMAT, "cut.tar");
    }
    bytes[0] ^= 1;
    write_bytes("bad.tar", bytes, size);
    assert_refused(stn_dataset_convert("bad.tar", "out", NULL, NULL, &err), err,
                   STN_E_FORMAT, "wrong checksum");
    stn_free(bytes);
    assert_false(stn_directory_exists("out"));
    assert_refused(stn_dataset_convert("absent", "out", NULL, NULL, &err), err,
                   STN_E_NOT_FOUND, "absent");
}

/* Installed data ------------------------------------------------------- */

static void fashion_mnist_has_its_known_content(void **state)
{
    (void)state;
    if (!stn_idx_is_here("/usr/share/datasets/fashion-mnist")) {
        print_message("skipped, needs the package dataset-fashion-mnist\n");
        skip();
    }
    stn_error err;
    stn_dataset *d;
    assert_ok(stn_dataset_open("/usr/share/datasets/fashion-mnist", &d, &err),
              err);
    const stn_images *m = stn_dataset_images(d, STN_SPLIT_TRAIN);
    static const uint8_t first[] = {9, 0, 0, 3, 0, 2, 7, 2, 5, 5};
    assert_int_equal(m->n, 60000);
    assert_int_equal(stn_dataset_images(d, STN_SPLIT_TEST)->n, 10000);
    assert_memory_equal(m->labels, first, sizeof first);
    uint64_t sum = 0;
    for (size_t i = 0; i < 60000 * 784u; i++)
        sum += m->pixels[i];
    assert_int_equal(sum, 3431114169);
    stn_dataset_close(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_FOLDER(name) cmocka_unit_test_setup_teardown(name, enter, leave)
        IN_FOLDER(idx_files_open_plain_and_compressed),
        IN_FOLDER(wrong_idx_headers_are_refused),
        IN_FOLDER(cut_and_mislabelled_idx_files_are_refused),
        IN_FOLDER(changed_byte_in_a_compressed_file_is_noticed),
        IN_FOLDER(splits_of_different_size_are_refused),
        IN_FOLDER(names_are_found_through_the_environment),
        IN_FOLDER(cifar_records_become_interleaved_rgb),
        IN_FOLDER(damaged_cifar_files_are_refused),
        IN_FOLDER(png_and_jpeg_are_read_in_rgb_order),
        IN_FOLDER(resampling_keeps_flat_and_linear_pictures),
        IN_FOLDER(damaged_pictures_are_refused),
        IN_FOLDER(class_folders_are_sorted_and_interleaved),
        IN_FOLDER(odd_class_folders_are_refused),
        IN_FOLDER(folder_converts_to_cifar_binary),
        IN_FOLDER(other_sizes_do_not_convert),
        IN_FOLDER(archives_of_each_kind_convert_alike),
        IN_FOLDER(known_archive_is_converted_at_first_use),
        IN_FOLDER(damaged_archives_are_refused),
        cmocka_unit_test(fashion_mnist_has_its_known_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
