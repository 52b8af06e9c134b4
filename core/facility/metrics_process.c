/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics_process.h"

#include "buf.h"
#include "str.h"
#include <dirent.h>
#include <einion/services.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Each returns a negative number where the system does not tell. */

static double cpu_seconds(void)
{
    struct rusage used;

    if (getrusage(RUSAGE_SELF, &used) != 0)
        return -1;
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static double open_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    double count = -3; /* ".", ".." and the directory itself */

    if (!dir)
        return -1;
    while (readdir(dir))
        count++;
    (void)closedir(dir);
    return count;
}

static double max_fds(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (double)limit.rlim_cur : -1;
}

/* Field `number` of /proc/self/stat as proc(5) counts them, from the third on. */
static double stat_field(int number)
{
    char line[1024];
    FILE *file = fopen("/proc/self/stat", "re");
    size_t len = file ? fread(line, 1, sizeof(line) - 1, file) : 0;
    const char *at;
    double value;

    if (file)
        (void)fclose(file);
    line[len] = '\0';
    /* The second field, the command's name, may hold spaces: the last ')' ends it. */
    at = strrchr(line, ')');
    for (int field = 2; at && field < number; field++) {
        at = strchr(at, ' ');
        at = at ? at + 1 : NULL;
    }
    return at && sscanf(at, "%lf", &value) == 1 ? value : -1;
}

static double threads(void)
{
    return stat_field(20);
}

static double virtual_bytes(void)
{
    return stat_field(23);
}

static double resident_bytes(void)
{
    double pages = stat_field(24);

    return pages < 0 ? -1 : pages * (double)sysconf(_SC_PAGESIZE);
}

/* The kernel gives ticks since boot. */
static double start_time_seconds(void)
{
    char line[256];
    double ticks = stat_field(22), boot = -1;
    FILE *file = fopen("/proc/stat", "re");

    while (file && boot < 0 && fgets(line, sizeof(line), file)) {
        if (str_starts(line, "btime "))
            (void)sscanf(line, "btime %lf", &boot);
    }
    if (file)
        (void)fclose(file);
    return ticks < 0 || boot < 0 ? -1 : boot + ticks / (double)sysconf(_SC_CLK_TCK);
}

static const struct {
    const char *name, *type, *help;
    double (*value)(void);
} table[] = {
    { "process_cpu_seconds_total", "counter", "User and system CPU time", cpu_seconds },
    { "process_open_fds", "gauge", "Open file descriptors", open_fds },
    { "process_max_fds", "gauge", "Limit of open file descriptors", max_fds },
    { "process_threads", "gauge", "Threads", threads },
    { "process_virtual_memory_bytes", "gauge", "Virtual memory", virtual_bytes },
    { "process_resident_memory_bytes", "gauge", "Resident memory", resident_bytes },
    { "process_start_time_seconds", "gauge", "Start of the process since the epoch",
      start_time_seconds },
};

bool metrics_process_has(const char *name)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (str_eq(table[i].name, name))
            return true;
    }
    return false;
}

void metrics_process_text(struct buf *out)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        double value = table[i].value();

        if (value >= 0)
            (void)buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %.17g\n", table[i].name,
                             table[i].help, table[i].name, table[i].type, table[i].name, value);
    }
}

int metrics_process_each(int (*visit)(const struct ein_metric *metric, void *data), void *data)
{
    static const char *const none[] = { NULL };
    int r = 0;

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]) && r == 0; i++) {
        const struct ein_metric metric = { .struct_size = sizeof(metric),
                                           .kind = str_eq(table[i].type, "counter")
                                                       ? EIN_METRIC_COUNTER
                                                       : EIN_METRIC_GAUGE,
                                           .name = table[i].name,
                                           .help = table[i].help,
                                           .labels = none,
                                           .value = table[i].value() };

        if (metric.value >= 0)
            r = visit(&metric, data);
    }
    return r;
}
