/* SPDX-License-Identifier: MIT
 *
 * Speed of AlexeyAB's darknet on one thread for binary layers by binary inputs
 * (xnor=1), through its library's calls: chains of equal layers, each with
 * binarising, im2col, the product of bits and the scale, from floats to
 * floats. The time of a chain of one is taken off. Weights are as a network
 * without a file has them.
 *   darknet ROUNDS LEVEL */
#include "measure.h"
#include <darknet.h>

#define LONG 9 /* layers of the long chain */

typedef struct layer_of_bench {
    const char *name;
    int side, channels, window;
} layer_of_bench;

static const layer_of_bench layers[] = {
    {"3x3 256-256 @14", 14, 256, 3},
    {"1x1 512-512 @14", 14, 512, 1},
};

static network *make(const layer_of_bench *l, int n)
{
    char path[] = P_tmpdir "/darknet-XXXXXX";
    int fd = mkstemp(path);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (!file) {
        fprintf(stderr, "darknet: cannot write %s\n", path);
        exit(1);
    }
    fprintf(file, "[net]\nbatch=1\nwidth=%d\nheight=%d\nchannels=%d\n", l->side,
            l->side, l->channels);
    for (int i = 0; i < n; i++)
        fprintf(file,
                "[convolutional]\nxnor=1\nbatch_normalize=1\nfilters=%d\n"
                "size=%d\nstride=1\npad=1\nactivation=linear\n",
                l->channels, l->window);
    fclose(file);
    network *net = load_network_custom(path, NULL, 0, 1);
    remove(path);
    fuse_conv_batchnorm(*net);
    calculate_binary_weights(*net);
    return net;
}

typedef struct chain {
    network *net;
    float *x;
} chain;

static void run(void *context)
{
    const chain *c = context;
    network_predict_ptr(c->net, c->x);
}

static void report(const layer_of_bench *l, int rounds, const char *level)
{
    size_t size = (size_t)(l->side * l->side * l->channels);
    float *x = malloc(size * sizeof *x);
    chain one = {make(l, 1), x}, many = {make(l, LONG), x};
    double k = l->window;
    double operations =
        2.0 * l->side * l->side * l->channels * k * k * l->channels;
    for (size_t i = 0; x && i < size; i++)
        x[i] = (float)(i * 37 % 101) - 50;
    measure(&(row){l->name, "binary x 1 bit", "darknet", level,
                   (LONG - 1) * operations, rounds, run, &many, &one});
    free(x);
}

int main(int argc, char **argv)
{
    int rounds = read_rounds(argc, argv);
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++)
        report(&layers[i], rounds, argv[2]);
    return 0;
}
