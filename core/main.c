/* SPDX-License-Identifier: Apache-2.0 */
#include "notify.h"
#include "print.h"
#include "remote.h"
#include "server.h"
#include "str.h"
#include <einion/plugin.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const char completion_bash[]; /* completion.bash */

enum { EXIT_USAGE = 2, SETS_MAX = 256, NAMES_MAX = 64 };

static const char usage[] =
    "Usage: einion [--config FILE] [--set KEY=VALUE]... [COMMAND]\n"
    "\n"
    "A server to build, run and share AI agents.  Without a command it serves.\n"
    "\n"
    "Commands:\n"
    "  serve               serve until SIGTERM or SIGINT; SIGHUP reads the configuration again\n"
    "  check               say whether the configuration is right; changes nothing\n"
    "  plugins             list the configured plugin instances\n"
    "  routes              list the routes they serve\n"
    "  plugin-info FILE.so show what a plugin file says of itself\n"
    "  backup FILE         copy the store into a new file, also while a server uses it\n"
    "  export FILE         write everything into a new file, also while a server uses the store\n"
    "  import SOURCE       bring in such a file, or the data of the original service: a folder of\n"
    "                      its CouchDB's files, or the URL of the CouchDB; writes over nothing\n"
    "  rotate-keys         seal all secrets with a new master key, also while a server runs\n"
    "  audit verify        say whether the audit log is as it was written\n"
    "  completion bash     write what bash completes the command line with\n"
    "\n"
    "%s"
    "\n"
    "Options:\n"
    "  -c, --config FILE   the configuration; without it a built-in default is used\n"
    "  -s, --set KEY=VALUE override a setting, such as listen.port=8080\n"
    "  -h, --help          show this\n"
    "  -V, --version       show the version\n"
    "\n"
    "einion(1), einion(8) and einion.yaml(5) tell more.\n";

struct command_line {
    struct server_setup setup;
    const char *sets[SETS_MAX + 1];
    const char *command, *argument;
};

static int fail_usage(const char *what, const char *which)
{
    (void)fprintf(stderr, "einion: %s%s\nTry 'einion --help'.\n", what, which);
    return EXIT_USAGE;
}

static int help(const struct command_line *line)
{
    (void)line;
    (void)printf(usage, remote_usage);
    return 0;
}

static int version(const struct command_line *line)
{
    (void)line;
    (void)puts("einion " EIN_VERSION);
    return 0;
}

static int serve(const struct command_line *line);

static int check(const struct command_line *line)
{
    return server_check(&line->setup);
}

static int plugins(const struct command_line *line)
{
    return server_list_plugins(&line->setup, stdout);
}

static int routes(const struct command_line *line)
{
    return server_list_routes(&line->setup, stdout);
}

static int plugin_info(const struct command_line *line)
{
    return server_plugin_info(line->argument, stdout);
}

static int backup(const struct command_line *line)
{
    return server_backup(&line->setup, line->argument);
}

static int export(const struct command_line *line)
{
    return server_transfer(&line->setup, line->argument, false);
}

static int import(const struct command_line *line)
{
    return server_transfer(&line->setup, line->argument, true);
}

static int rotate_keys(const struct command_line *line)
{
    return server_rotate_keys(&line->setup);
}

static int completion(const struct command_line *line);

/* "audit verify": there is nothing else to do with it here; GET /admin/audit reads it. */
static int audit(const struct command_line *line)
{
    if (strcmp(line->argument, "verify") != 0)
        return fail_usage("audit knows no such command: ", line->argument);
    return server_audit_verify(&line->setup);
}

static const struct command {
    const char *name;
    const char *argument; /* what it is called in messages; NULL: the command takes none */
    int (*run)(const struct command_line *line);
} commands[] = {
    { "serve", NULL, serve },
    { "check", NULL, check },
    { "plugins", NULL, plugins },
    { "routes", NULL, routes },
    { "plugin-info", "FILE.so", plugin_info },
    { "backup", "FILE", backup },
    { "export", "FILE", export },
    { "import", "SOURCE", import },
    { "rotate-keys", NULL, rotate_keys },
    { "audit", "verify", audit },
    { "completion", "bash", completion },
    { "help", NULL, help },
    { "version", NULL, version },
};

static const struct option options[] = {
    { "config", required_argument, NULL, 'c' },
    { "set", required_argument, NULL, 's' },
    { "help", no_argument, NULL, 'h' },
    { "version", no_argument, NULL, 'V' },
    { NULL, 0, NULL, 0 },
};

/* As remote_list() has it. */
static void list(const char *command, const char *argument)
{
    (void)printf("    [\"einion%s%s\"]=\"%s", *command ? " " : "", command, argument);
    for (const struct option *option = options; option->name; option++)
        (void)printf(" --%s%s", option->name,
                     option->val == 'c' ? "=FILE"
                     : option->has_arg  ? "=KEY=VALUE"
                                        : "");
    (void)puts("\"");
}

static int completion(const struct command_line *line)
{
    if (strcmp(line->argument, "bash") != 0)
        return fail_usage("there is a completion for bash only, not for ", line->argument);
    (void)puts("# bash completion for einion");
    (void)puts("declare -gA _einion_commands=(");
    list("", "");
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        list(commands[i].name, commands[i].argument ? commands[i].argument : "");
    remote_list(stdout);
    (void)printf(")\n\n%s", completion_bash);
    return 0;
}

static void block_signals(sigset_t *ret_set)
{
    (void)sigemptyset(ret_set);
    (void)sigaddset(ret_set, SIGTERM);
    (void)sigaddset(ret_set, SIGINT);
    (void)sigaddset(ret_set, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, ret_set, NULL); /* every later thread inherits it */
    (void)signal(SIGPIPE, SIG_IGN);
}

/* A second SIGTERM or SIGINT ends the wait for what still runs. */
static void *hurry_on_signal(void *data)
{
    sigset_t set;
    int signal_number;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    if (sigwait(&set, &signal_number) == 0)
        __atomic_store_n((bool *)data, true, __ATOMIC_RELAXED);
    return NULL;
}

static int stop(struct server *server)
{
    bool hurry = false;
    pthread_t watcher;
    bool watched = pthread_create(&watcher, NULL, hurry_on_signal, &hurry) == 0;
    int r;

    notify("STOPPING=1");
    r = server_stop(server, &hurry);
    if (watched) {
        (void)pthread_kill(watcher, SIGTERM);
        (void)pthread_join(watcher, NULL);
    }
    return r;
}

static int serve(const struct command_line *line)
{
    struct server *server;
    sigset_t set;
    int signal_number, r;

    block_signals(&set);
    r = server_start(&line->setup, &server);
    if (r < 0)
        return r;
    notify("READY=1");

    while (sigwait(&set, &signal_number) == 0 && signal_number == SIGHUP) {
        notify("RELOADING=1");
        (void)server_reload(server);
        notify("READY=1");
    }
    return stop(server);
}

/* The option that getopt_long() has just stumbled over, as it was written. */
static int fail_option(const char *what, char **argv)
{
    char letter[] = { '-', (char)optopt, '\0' };

    return fail_usage(what, optopt == 0 || str_starts(argv[optind - 1], "--") ? argv[optind - 1]
                                                                              : letter);
}

static int fail_command(const char *typed)
{
    const char *names[NAMES_MAX + 1] = { NULL }, *meant;
    size_t count = 0;

    for (; count < sizeof(commands) / sizeof(commands[0]); count++)
        names[count] = commands[count].name;
    (void)remote_names(names + count, NAMES_MAX - count);
    meant = str_nearest(typed, names);
    (void)fprintf(stderr, "einion: unknown command: %s%s%s%s\nTry 'einion --help'.\n", typed,
                  meant ? "; did you mean '" : "", meant ? meant : "", meant ? "'?" : "");
    return EXIT_USAGE;
}

/* 0, or the exit status + 1 that ends the program here. */
static int parse(int argc, char **argv, struct command_line *line)
{
    size_t set_count = 0;
    int option;

    line->setup.sets = line->sets;
    while ((option = getopt_long(argc, argv, ":c:s:hV", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            line->setup.config = optarg;
            break;
        case 's':
            if (set_count == SETS_MAX)
                return fail_usage("too many --set", "") + 1;
            if (!strchr(optarg, '='))
                return fail_usage("--set needs KEY=VALUE, not ", optarg) + 1;
            line->sets[set_count++] = optarg;
            break;
        case 'h':
            return help(line) + 1;
        case 'V':
            return version(line) + 1;
        case ':':
            return fail_option("this option needs a value: ", argv) + 1;
        default:
            return fail_option("there is no such option: ", argv) + 1;
        }
    }
    line->command = optind < argc ? argv[optind++] : "serve";
    line->argument = optind < argc ? argv[optind++] : NULL;
    return optind < argc ? fail_usage("unexpected argument: ", argv[optind]) + 1 : 0;
}

/* What the shell has closed is nothing that a socket, or a log, may become. */
static void fill_standard_files(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO);
    (void)close(fd);
}

int main(int argc, char **argv)
{
    struct command_line line = { 0 };
    const struct command *command = NULL;
    int status, r;

    fill_standard_files();
    if (remote_is_meant(argc - 1, argv + 1))
        return remote_run(argc - 1, argv + 1);
    status = parse(argc, argv, &line);
    if (status > 0)
        return print_end(status - 1);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(commands[i].name, line.command) == 0)
            command = &commands[i];
    if (!command)
        return fail_command(line.command);
    if (command->argument && !line.argument)
        return fail_usage("this command needs an argument: ", command->argument);
    if (!command->argument && line.argument)
        return fail_usage("this command takes no argument: ", line.argument);
    r = command->run(&line); /* above 0: EXIT_USAGE */
    status = print_end(r < 0 ? EXIT_FAILURE : r);
    if (r == EIN_E_TIMEOUT)
        _exit(status); /* what exit() would take apart is still in use */
    return status;
}
