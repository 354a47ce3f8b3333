/* SPDX-License-Identifier: MIT
 *
 * Speed of ncnn on one thread for layers of bench_kernels, through its C API:
 * chains of equal layers, whose weights it reads as zeros and lays out itself.
 * The time of a chain of one is taken off, and with it the first
 * quantisation; what is left includes requantising to 8 bits and relu.
 *   ncnn ROUNDS LEVEL */
#include "measure.h"
#include <ncnn/c_api.h>
#include <string.h>

#define LONG 9 /* layers of the long chain */

typedef struct layer {
    const char *name;
    int side, channels, window, groups; /* window 0: linear */
} layer;

/* clang-format off */
static const layer layers[] = {
    {"3x3 256-256 @14",        14,  256, 3, 1},
    {"3x3 64-64 @56",          56,   64, 3, 1},
    {"1x1 512-512 @14",        14,  512, 1, 1},
    {"linear 4096-4096",        1, 4096, 0, 1},
    {"depthwise 3x3 256 @14",  14,  256, 3, 256},
    {"depthwise 3x3 64 @112", 112,   64, 3, 64},
    {"depthwise 3x3 16 @32",   32,   16, 3, 16},
};
/* clang-format on */

typedef struct chain {
    ncnn_net_t net;
    ncnn_mat_t input;
    int n; /* layers */
} chain;

static size_t read_zeros(ncnn_datareader_t reader, void *buf, size_t size)
{
    (void)reader;
    memset(buf, 0, size);
    return size;
}

/* The text of a network of n equal layers. Convolution: outputs, window, pad,
 * bias, weights, groups, quantisation (102: to 8 bits after), relu. */
static void describe(const layer *l, int n, int is_int8, char *text)
{
    const char *last = "data";
    char names[2][16];
    text +=
        sprintf(text, "7767517\n%d %d\nInput data 0 1 data\n", n + 1, n + 1);
    for (int i = 0; i < n; i++) {
        char *name = names[i % 2];
        int k = l->window, c = l->channels;
        sprintf(name, "y%d", i);
        if (k == 0)
            text += sprintf(text,
                            "InnerProduct %s 1 1 %s %s 0=%d 1=0 2=%d "
                            "8=%d 9=1\n",
                            name, last, name, c, c * c, is_int8 ? 2 : 0);
        else
            text += sprintf(
                text,
                "%s %s 1 1 %s %s 0=%d 1=%d 4=%d 5=0 6=%d 7=%d "
                "8=%d 9=1\n",
                l->groups > 1 ? "ConvolutionDepthWise" : "Convolution", name,
                last, name, c, k, k / 2, k * k * c * c / l->groups, l->groups,
                is_int8 ? 102 : 0);
        last = name;
    }
}

static chain make(const layer *l, int n, int is_int8)
{
    static char text[4096];
    chain c = {ncnn_net_create(), NULL, n};
    ncnn_option_t option = ncnn_option_create();
    ncnn_datareader_t zeros = ncnn_datareader_create();
    zeros->read = read_zeros;
    ncnn_option_set_num_threads(option, 1);
    ncnn_net_set_option(c.net, option);
    describe(l, n, is_int8, text);
    if (ncnn_net_load_param_memory(c.net, text) ||
        ncnn_net_load_model_datareader(c.net, zeros)) {
        fprintf(stderr, "ncnn: %s: the network does not load\n", l->name);
        exit(1);
    }
    c.input = l->window
                  ? ncnn_mat_create_3d(l->side, l->side, l->channels, NULL)
                  : ncnn_mat_create_1d(l->channels, NULL);
    ncnn_mat_fill_float(c.input, 1.0f);
    ncnn_datareader_destroy(zeros);
    ncnn_option_destroy(option);
    return c;
}

static void run(void *context)
{
    const chain *c = context;
    char name[16];
    ncnn_extractor_t extractor = ncnn_extractor_create(c->net);
    ncnn_mat_t out = NULL;
    sprintf(name, "y%d", c->n - 1);
    ncnn_extractor_input(extractor, "data", c->input);
    if (ncnn_extractor_extract(extractor, name, &out)) {
        fprintf(stderr, "ncnn: %s cannot be computed\n", name);
        exit(1);
    }
    ncnn_mat_destroy(out);
    ncnn_extractor_destroy(extractor);
}

static void report(const layer *l, int is_int8, int rounds, const char *level)
{
    chain one = make(l, 1, is_int8), many = make(l, LONG, is_int8);
    double k = l->window ? l->window : 1;
    double operations =
        2.0 * l->side * l->side * l->channels * k * k * l->channels / l->groups;
    measure(&(row){l->name, is_int8 ? "int8 x 8 bits" : "float", "ncnn", level,
                   (LONG - 1) * operations, rounds, run, &many, &one});
    ncnn_mat_destroy(one.input);
    ncnn_mat_destroy(many.input);
    ncnn_net_destroy(one.net);
    ncnn_net_destroy(many.net);
}

int main(int argc, char **argv)
{
    int rounds = read_rounds(argc, argv);
    printf("{\"version\": \"ncnn\", \"is\": \"%s\"}\n", ncnn_version());
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++)
        for (int is_int8 = 0; is_int8 < 2; is_int8++)
            report(&layers[i], is_int8, rounds, argv[2]);
    return 0;
}
