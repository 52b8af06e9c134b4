/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup.h"
#include "cleanup.h"
#include "error.h"
#include "settings.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define FOLDER "einion-" /* of one server's agents: einion-PID */
#define SERVER "einion-server"

enum { CGROUP2_MAGIC = 0x63677270, TEXT_MAX = 4096, CLOSE_TRIES = 3000, CLOSE_PAUSE_US = 10000 };

struct cgroup {
    int base;   /* the folder that is ours to use */
    int folder; /* in it, ours alone; holds a group for each child */
    char name[32];
    bool memory, pids;
    uint64_t memory_max;
    uint32_t pids_max;
    uint32_t last;  /* group */
    bool left_over; /* the last cgroup_remove() could not */
};

/* ---- files of the tree ---- */

static int write_at(int dir, const char *name, const char *text)
{
    EIN_CLOSE int fd = openat(dir, name, O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return -1;
    return write(fd, text, strlen(text)) < 0 ? -1 : 0;
}

static bool read_at(int dir, const char *name, char *text, size_t size)
{
    EIN_CLOSE int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

    text[0] = '\0';
    if (fd < 0)
        return false;
    ssize_t len = read(fd, text, size - 1);
    text[len > 0 ? len : 0] = '\0';
    return len >= 0;
}

static bool has_word(const char *text, const char *word)
{
    size_t len = strlen(word);

    for (const char *at = text; (at = strstr(at, word)); at += len)
        if ((at == text || at[-1] == ' ') && strchr(" \n", at[len]))
            return true;
    return false;
}

/* ---- finding the place ---- */

/* Where the version 2 tree is mounted. */
static bool find_mount(char *path, size_t size)
{
    char line[TEXT_MAX], point[TEXT_MAX];
    FILE *file = fopen("/proc/self/mountinfo", "re");
    bool found = false;

    while (file && !found && fgets(line, sizeof(line), file))
        if (strstr(line, " - cgroup2 ") && sscanf(line, "%*s %*s %*s %*s %4095s", point) == 1)
            found = (size_t)snprintf(path, size, "%s", point) < size;
    if (file)
        fclose(file);
    return found;
}

/* The server's group; without the leaf that it may have gone into before. */
static bool find_own(char *path, size_t size)
{
    char line[TEXT_MAX], mount[TEXT_MAX / 2];
    bool found = false;

    if (!find_mount(mount, sizeof(mount)))
        return false;
    FILE *file = fopen("/proc/self/cgroup", "re");
    while (file && !found && fgets(line, sizeof(line), file)) {
        const char *own = line + strlen("0::");
        line[strcspn(line, "\n")] = '\0';
        found =
            strncmp(line, "0::/", 4) == 0 &&
            (size_t)snprintf(path, size, "%s%s", mount, strcmp(own, "/") == 0 ? "" : own) < size;
    }
    if (file)
        fclose(file);
    char *leaf = found ? strstr(path, "/" SERVER) : NULL;
    if (leaf && leaf[sizeof("/" SERVER) - 1] == '\0')
        *leaf = '\0';
    return found;
}

/* Root may write everywhere, which does not make it root's to use: systemd marks what is. */
static bool is_delegated(const char *path)
{
    char value[4] = "", mount[TEXT_MAX];

    if (geteuid() != 0)
        return true;
    if (find_mount(mount, sizeof(mount)) && strcmp(path, mount) == 0)
        return true;
    return getxattr(path, "user.delegate", value, sizeof(value) - 1) == 1 && value[0] == '1';
}

/* ---- making it ---- */

/* A group that distributes may hold no processes: the server goes into a leaf. */
static bool step_aside(int base)
{
    return (mkdirat(base, SERVER, 0755) == 0 || errno == EEXIST) &&
           write_at(base, SERVER "/cgroup.procs", "0") == 0;
}

static bool pass_on(int dir, const char *controller, bool may_step_aside)
{
    char text[TEXT_MAX], order[32];

    if (!read_at(dir, "cgroup.controllers", text, sizeof(text)) || !has_word(text, controller))
        return false;
    if (read_at(dir, "cgroup.subtree_control", text, sizeof(text)) && has_word(text, controller))
        return true;
    snprintf(order, sizeof(order), "+%s", controller);
    if (write_at(dir, "cgroup.subtree_control", order) == 0)
        return true;
    return errno == EBUSY && may_step_aside && step_aside(dir) &&
           write_at(dir, "cgroup.subtree_control", order) == 0;
}

static bool pass_on_twice(const struct cgroup *cgroup, const char *controller, bool own)
{
    return pass_on(cgroup->base, controller, own) && pass_on(cgroup->folder, controller, false);
}

static int make_folder(struct cgroup *cgroup, const char *path, struct ein_error *err)
{
    struct statfs is;

    cgroup->base = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (cgroup->base < 0)
        return error_set(err, EIN_E_UNAVAILABLE, "cgroup %s: %s", path, strerror(errno));
    if (fstatfs(cgroup->base, &is) < 0 || (uint64_t)is.f_type != CGROUP2_MAGIC)
        return error_set(err, EIN_E_UNAVAILABLE, "cgroup %s: not in a cgroup v2 tree", path);
    snprintf(cgroup->name, sizeof(cgroup->name), FOLDER "%d", (int)getpid());
    if (mkdirat(cgroup->base, cgroup->name, 0755) < 0 && errno != EEXIST)
        return error_set(err, EIN_E_UNAVAILABLE, "cgroup %s: %s", path, strerror(errno));
    cgroup->folder = openat(cgroup->base, cgroup->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (cgroup->folder < 0)
        return error_set(err, EIN_E_UNAVAILABLE, "cgroup %s: %s", path, strerror(errno));
    return 0;
}

static int make(const char *path, bool own, const struct limits *limits, struct cgroup **ret_cgroup,
                struct ein_error *err)
{
    struct cgroup *cgroup = calloc(1, sizeof(*cgroup));

    if (!cgroup)
        return error_no_memory(err);
    cgroup->base = cgroup->folder = -1;
    /* What it writes to /tmp is in its memory, too. */
    cgroup->memory_max = ((uint64_t)limits->memory_mb + limits->tmp_mb) << 20;
    cgroup->pids_max = limits->threads;
    int r = make_folder(cgroup, path, err);
    if (r < 0) {
        cgroup_close(cgroup);
        return r;
    }
    cgroup->memory = pass_on_twice(cgroup, "memory", own);
    cgroup->pids = pass_on_twice(cgroup, "pids", own);
    cgroup->left_over = true; /* of those before us */
    cgroup_sweep(cgroup);
    *ret_cgroup = cgroup;
    return 0;
}

static void open_own(const struct limits *limits, struct cgroup **ret_cgroup, char *why,
                     size_t why_size)
{
    struct ein_error err = { 0 };
    char path[TEXT_MAX];

    if (!find_own(path, sizeof(path))) {
        snprintf(why, why_size, "no cgroup v2 tree is mounted");
    } else if (!is_delegated(path)) {
        snprintf(why, why_size, "%.100s was not delegated to this server", path);
    } else if (make(path, true, limits, ret_cgroup, &err) < 0) {
        snprintf(why, why_size, "%s", err.text);
    } else if (!(*ret_cgroup)->memory || !(*ret_cgroup)->pids) {
        snprintf(why, why_size, "%.100s does not have the controllers memory and pids", path);
        cgroup_close(*ret_cgroup);
        *ret_cgroup = NULL;
    }
}

int cgroup_open(const char *setting, const struct limits *limits, struct cgroup **ret_cgroup,
                char *why, size_t why_size, struct ein_error *err)
{
    *ret_cgroup = NULL;
    snprintf(why, why_size, "%s", strcmp(setting, "off") == 0 ? "switched off" : "");
    if (strcmp(setting, "off") == 0)
        return 0;
    if (strcmp(setting, "auto") != 0)
        return make(setting, false, limits, ret_cgroup, err);
    open_own(limits, ret_cgroup, why, why_size);
    return 0;
}

/* ---- the end ---- */

static DIR *list_of(int dir)
{
    EIN_CLOSE int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = copy < 0 ? NULL : fdopendir(copy);

    if (list)
        copy = -1;
    return list;
}

static bool remove_all(int dir)
{
    DIR *list = list_of(dir);
    const struct dirent *entry;
    bool all = true;

    if (!list)
        return false;
    while ((entry = readdir(list)))
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.' &&
            unlinkat(dir, entry->d_name, AT_REMOVEDIR) < 0 && errno == EBUSY)
            all = false;
    closedir(list);
    return all;
}

/* Folders of servers that are gone. */
static void remove_strangers(int base)
{
    DIR *list = list_of(base);
    const struct dirent *entry;

    if (!list)
        return;
    while ((entry = readdir(list))) {
        long pid = strncmp(entry->d_name, FOLDER, sizeof(FOLDER) - 1) == 0
                       ? strtol(entry->d_name + sizeof(FOLDER) - 1, NULL, 10)
                       : 0;
        if (pid <= 0 || kill((pid_t)pid, 0) == 0 || errno != ESRCH)
            continue;
        EIN_CLOSE int dir = openat(base, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir >= 0 && remove_all(dir))
            (void)unlinkat(base, entry->d_name, AT_REMOVEDIR);
    }
    closedir(list);
}

void cgroup_sweep(struct cgroup *cgroup)
{
    if (!cgroup || !cgroup->left_over)
        return;
    remove_strangers(cgroup->base);
    cgroup->left_over = !remove_all(cgroup->folder);
}

void cgroup_close(struct cgroup *cgroup)
{
    if (!cgroup)
        return;
    if (cgroup->folder >= 0) {
        (void)write_at(cgroup->folder, "cgroup.kill", "1");
        for (int i = 0; i < CLOSE_TRIES && !remove_all(cgroup->folder); i++)
            usleep(CLOSE_PAUSE_US);
        close(cgroup->folder);
        (void)unlinkat(cgroup->base, cgroup->name, AT_REMOVEDIR);
    }
    if (cgroup->base >= 0)
        close(cgroup->base);
    free(cgroup);
}

/* ---- children ---- */

static void name_of(uint32_t group, const char *file, char *text, size_t size)
{
    snprintf(text, size, "%u%s%s", group, *file ? "/" : "", file);
}

static int write_limit(const struct cgroup *cgroup, uint32_t group, const char *file,
                       uint64_t value)
{
    char name[64], text[32];

    name_of(group, file, name, sizeof(name));
    snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    return write_at(cgroup->folder, name, text);
}

static int limit(const struct cgroup *cgroup, uint32_t group)
{
    if (cgroup->pids && write_limit(cgroup, group, "pids.max", cgroup->pids_max) < 0)
        return -1;
    if (!cgroup->memory)
        return 0;
    /* Without swap in the kernel there is no limit on it. */
    if (write_limit(cgroup, group, "memory.swap.max", 0) < 0 && errno != ENOENT)
        return -1;
    if (write_limit(cgroup, group, "memory.oom.group", 1) < 0)
        return -1;
    return write_limit(cgroup, group, "memory.max", cgroup->memory_max);
}

int cgroup_add(struct cgroup *cgroup, pid_t pid, uint32_t *ret_group, struct ein_error *err)
{
    uint32_t group = ++cgroup->last;
    char name[32];

    name_of(group, "", name, sizeof(name));
    if (mkdirat(cgroup->folder, name, 0755) < 0)
        return error_set(err, EIN_E_BUSY, "a control group could not be made: %s", strerror(errno));
    if (limit(cgroup, group) < 0 || pid <= 0 ||
        write_limit(cgroup, group, "cgroup.procs", (uint64_t)pid) < 0) {
        int cause = errno;
        cgroup_remove(cgroup, group);
        return error_set(err, EIN_E_BUSY, "a control group could not be filled: %s",
                         strerror(cause));
    }
    *ret_group = group;
    return 0;
}

void cgroup_kill(const struct cgroup *cgroup, uint32_t group)
{
    if (group)
        (void)write_limit(cgroup, group, "cgroup.kill", 1);
}

bool cgroup_ran_out(const struct cgroup *cgroup, uint32_t group)
{
    char name[64], text[TEXT_MAX];
    unsigned long kills = 0;

    if (!group || !cgroup->memory)
        return false;
    name_of(group, "memory.events", name, sizeof(name));
    if (!read_at(cgroup->folder, name, text, sizeof(text)))
        return false;
    const char *line = strstr(text, "\noom_kill ");
    if (line)
        kills = strtoul(line + sizeof("\noom_kill"), NULL, 10);
    return kills > 0;
}

void cgroup_remove(struct cgroup *cgroup, uint32_t group)
{
    char name[32];

    if (!group)
        return;
    name_of(group, "", name, sizeof(name));
    if (unlinkat(cgroup->folder, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        cgroup->left_over = true;
}

bool cgroup_has_memory(const struct cgroup *cgroup)
{
    return cgroup && cgroup->memory;
}

bool cgroup_has_pids(const struct cgroup *cgroup)
{
    return cgroup && cgroup->pids;
}
