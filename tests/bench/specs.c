/* SPDX-License-Identifier: Apache-2.0 */
/* What a document costs to read, in CPU time, against jansson's json_loadb() of the same text, in
 * turns. specs FILE [ROUNDS]: prints {"bytes", "operations", "jansson_ms", "read_ms"}, medians. */
#include "read.h"

#include <stdio.h>
#include <time.h>

enum { ROUNDS_MAX = 101, FILE_BYTES_MAX = 64 << 20 };

static const struct spec_limits limits = { .text_bytes = FILE_BYTES_MAX,
                                           .nodes = 2000000,
                                           .depth = 64,
                                           .operations = 2000,
                                           .schema_bytes = 16384,
                                           .total_bytes = 16777216,
                                           .schema_depth = 32 };

static double now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double median(double *times, int count)
{
    qsort(times, (size_t)count, sizeof(*times), by_size);
    return times[count / 2];
}

/* free(); NULL: it cannot be read, or is longer. */
static char *read_file(const char *path, size_t *ret_len)
{
    FILE *file = fopen(path, "r");
    char *text = file ? malloc(FILE_BYTES_MAX) : NULL;

    *ret_len = text ? fread(text, 1, FILE_BYTES_MAX, file) : 0;
    if (file)
        (void)fclose(file);
    return text;
}

int main(int argc, char **argv)
{
    int rounds = argc > 2 ? atoi(argv[2]) : 11;
    double theirs[ROUNDS_MAX], ours[ROUNDS_MAX];
    struct ein_error err = { 0 };
    size_t len = 0, operations = 0;
    EIN_FREE char *text = argc > 1 ? read_file(argv[1], &len) : NULL;

    if (!text || rounds < 1 || rounds > ROUNDS_MAX) {
        (void)fprintf(stderr, "usage: specs FILE [ROUNDS]\n");
        return 2;
    }
    for (int i = 0; i < rounds; i++) {
        json_t *spec = NULL;
        double began = now_ms();

        json_decref(json_loadb(text, len, 0, NULL));
        theirs[i] = now_ms() - began;
        began = now_ms();
        if (spec_read(text, len, NULL, &limits, &spec, NULL, &err) < 0) {
            (void)fprintf(stderr, "%s\n", err.text);
            return 1;
        }
        ours[i] = now_ms() - began;
        operations = json_array_size(json_object_get(spec, "operations"));
        json_decref(spec);
    }
    (void)printf("{\"bytes\": %zu, \"operations\": %zu, \"jansson_ms\": %.1f, \"read_ms\": %.1f}\n",
                 len, operations, median(theirs, rounds), median(ours, rounds));
    return 0;
}
