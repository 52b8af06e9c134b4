/* SPDX-License-Identifier: Apache-2.0 */
#include "remote.h"

#include "agents.h"
#include "chat.h"
#include "cleanup.h"
#include "keys.h"
#include "login.h"
#include "print.h"
#include "runs.h"
#include "secrets.h"
#include "str.h"
#include "takeout.h"
#include "usage.h"
#include "users.h"
#include <getopt.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { WORDS_MAX = 2, LETTER_FIRST = 256 };

/* ---- options ---- */

enum option_bit {
    SERVER = 1 << 0,
    CA = 1 << 1,
    JSON = 1 << 2,
    NAME = 1 << 3,
    KEY_FILE = 1 << 4,
    FORCE = 1 << 5,
    INPUT = 1 << 6,
    QUIET = 1 << 7,
    DETACH = 1 << 8,
    AGENT = 1 << 9,
    STATUS = 1 << 10,
    LIMIT = 1 << 11,
    RETRY = 1 << 12,
    PLAIN_HTTP = 1 << 13,
    SCOPES = 1 << 14,
    MODELS = 1 << 15,
    BUDGET = 1 << 16,
    DAYS = 1 << 17,
    BY = 1 << 18,
    FROM = 1 << 19,
    TO = 1 << 20,
    ALL = 1 << 21,
    REASON = 1 << 22,
    EVERY = SERVER | CA | JSON
};

static const struct option_about {
    unsigned bit;
    const char *name, *value; /* value NULL: a switch; "a|b": one of these */
    size_t offset;            /* in struct options: a const char *, or a bool */
    const char *about;
    bool is_number;
} option_table[] = {
    { NAME, "name", "NAME", offsetof(struct options, name),
      "what to call the server; else its host" },
    { KEY_FILE, "key-file", "FILE", offsetof(struct options, key_file),
      "the API key is in FILE; - is stdin" },
    { PLAIN_HTTP, "plain-http", NULL, offsetof(struct options, plain_http),
      "send the key also where it can be read on the way" },
    { FORCE, "force", NULL, offsetof(struct options, force), "write over what is there" },
    { INPUT, "input", "FILE", offsetof(struct options, input), "it is in FILE; - is stdin" },
    { QUIET, "quiet", NULL, offsetof(struct options, quiet), "no trace" },
    { DETACH, "detach", NULL, offsetof(struct options, detach),
      "print the run's id, and leave it running" },
    { AGENT, "agent", "NAME|ID", offsetof(struct options, agent), "only runs of this agent" },
    { STATUS, "status", "running|completed|failed|stopped|lost", offsetof(struct options, status),
      "only such runs" },
    { LIMIT, "limit", "N", offsetof(struct options, limit), "at most so many; else 100", true },
    { RETRY, "retry", "SECONDS", offsetof(struct options, retry),
      "how long a lost connection is tried again; else 60", true },
    { SCOPES, "scopes", "SCOPE,...", offsetof(struct options, scopes),
      "what it may: models, agents, deployments, admin, use:NAME; else models" },
    { MODELS, "models", "MODEL,...", offsetof(struct options, models),
      "the models that it may ask, as openai/gpt-4o or anthropic/*; else all" },
    { BUDGET, "budget", "USD/PERIOD", offsetof(struct options, budget),
      "what it may spend, such as 5/month; or a day, week, total" },
    { DAYS, "days", "N", offsetof(struct options, days),
      "how long it lives; else as long as it may", true },
    { BY, "by", "day|model|agent|key|user", offsetof(struct options, by),
      "what its rows are; else day" },
    { FROM, "from", "DAY", offsetof(struct options, from),
      "since then, such as 2026-11-01; else 30 days before --to" },
    { TO, "to", "DAY", offsetof(struct options, to), "up to the end of it; else until now" },
    { REASON, "reason", "TEXT", offsetof(struct options, reason), "why; for other admins" },
    { ALL, "all", NULL, offsetof(struct options, all), "of all users, for site admins" },
    { SERVER, "server", "SERVER|URL", offsetof(struct options, server),
      "which server; else EINION_URL, else the last login's" },
    { CA, "cacert", "FILE", offsetof(struct options, ca),
      "trust these certificates (PEM) instead of the system's; else EINION_CA" },
    { JSON, "json", NULL, offsetof(struct options, json), "JSON, for scripts" },
};

enum { OPTION_COUNT = sizeof(option_table) / sizeof(option_table[0]) };

/* ---- commands ---- */

typedef int session_command(struct session *session, char **words);
typedef int file_command(const struct options *options, char **words);

static const struct command {
    const char *name, *sub; /* sub "": `name` alone; NULL: it has none */
    const char *words;
    int least, most; /* words */
    unsigned options;
    session_command *run;
    file_command *run_on_file; /* instead of it, where no session is wanted */
    const char *about;
} commands[] = {
    { "login", NULL, "URL", 1, 1, (EVERY & ~SERVER) | NAME | KEY_FILE | PLAIN_HTTP, NULL, login_in,
      "remember a server, and the API key for it" },
    { "logout", NULL, "[SERVER]", 0, 1, SERVER, NULL, login_out, "forget it" },
    { "servers", NULL, "", 0, 0, JSON, NULL, login_list, "list the servers that are remembered" },
    { "whoami", NULL, "", 0, 0, EVERY, login_whoami, NULL, "say who the server takes one for" },
    { "agents", "", "", 0, 0, EVERY, agents_list, NULL, "list the agents" },
    { "agents", "pull", "NAME|ID [DIR]", 1, 2, EVERY | FORCE, agents_pull, NULL,
      "write an agent into DIR/agent.py and DIR/agent.json" },
    { "agents", "push", "[DIR]", 0, 1, EVERY | FORCE, agents_push, NULL,
      "make or change the agent that DIR holds" },
    { "agents", "deploy", "NAME|ID", 1, 1, EVERY, agents_deploy, NULL, "serve it by its name" },
    { "agents", "undeploy", "NAME|ID", 1, 1, EVERY, agents_undeploy, NULL, "serve it no more" },
    { "agents", "delete", "NAME|ID", 1, 1, EVERY, agents_delete, NULL, "delete it" },
    { "run", NULL, "NAME|./DIR [JSON|-]", 1, 2, EVERY | INPUT | QUIET | DETACH, runs_run, NULL,
      "run what is deployed as NAME, or the code in DIR" },
    { "runs", "", "", 0, 0, EVERY | AGENT | STATUS | LIMIT, runs_list, NULL,
      "list runs, the newest first" },
    { "runs", "show", "ID", 1, 1, EVERY, runs_show, NULL, "all that is known of a run" },
    { "runs", "follow", "ID", 1, 1, EVERY | QUIET | RETRY, runs_follow, NULL,
      "its trace from the beginning, then as it happens" },
    { "runs", "cancel", "ID", 1, 1, EVERY, runs_cancel, NULL, "stop it" },
    { "secrets", "", "NAME|ID", 1, 1, EVERY, secrets_list, NULL,
      "list the names of an agent's secrets" },
    { "secrets", "set", "NAME|ID SECRET", 2, 2, EVERY | INPUT, secrets_set, NULL,
      "give it one: what stdin says, or what is typed unseen" },
    { "secrets", "delete", "NAME|ID SECRET", 2, 2, EVERY, secrets_delete, NULL, "take it away" },
    { "usage", NULL, "", 0, 0, EVERY | BY | FROM | TO | ALL, usage_show, NULL,
      "what calls have cost" },
    { "takeout", NULL, "FILE", 1, 1, EVERY, takeout_mine, NULL,
      "write all that the server keeps of one into a new FILE" },
    { "keys", "", "", 0, 0, EVERY, keys_list, NULL, "list one's API keys" },
    { "keys", "create", "NAME", 1, 1, EVERY | SCOPES | MODELS | BUDGET | DAYS, keys_create, NULL,
      "make one, and print it, this once" },
    { "keys", "revoke", "ID", 1, 1, EVERY, keys_revoke, NULL,
      "revoke it, and those that it has made" },
    { "users", "", "", 0, 0, EVERY, users_list, NULL,
      "list all users, and what they may spend; for site admins" },
    { "users", "revoke", "ID", 1, 1, EVERY, users_revoke, NULL,
      "end the logins of a user, and revoke their keys" },
    { "users", "block", "ID|EMAIL", 1, 1, EVERY | REASON | FORCE, users_block, NULL,
      "keep somebody out, whatever they log in with; --force: who has not been here yet" },
    { "users", "unblock", "ID|EMAIL", 1, 1, EVERY, users_unblock, NULL, "let them in again" },
    { "users", "erase", "ID", 1, 1, EVERY, users_erase, NULL,
      "delete what is theirs alone, and their name, for good" },
    { "users", "takeout", "ID|EMAIL FILE", 2, 2, EVERY, users_takeout, NULL,
      "write all that the server keeps of a user into a new FILE" },
    { "chat", NULL, "MODEL [TEXT]", 1, 2, EVERY, chat_ask, NULL,
      "ask a model; without TEXT what stdin says" },
    { "models", NULL, "", 0, 0, EVERY, chat_models, NULL, "list the models that one may ask" },
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

const char remote_usage[] =
    "Commands for users of a server (each has --help):\n"
    "  login URL, logout   remember a server, and the API key for it; forget it\n"
    "  servers             list those that are remembered\n"
    "  whoami              say who the server takes one for\n"
    "  agents              list the agents; agents pull, push, deploy, undeploy, delete\n"
    "  run NAME [JSON]     run what is deployed under a name, and show its trace\n"
    "  runs                list runs; runs show, follow, cancel\n"
    "  secrets AGENT       list the secrets of an agent; secrets set, delete\n"
    "  usage               what calls have cost, by day, model, agent, key or user\n"
    "  takeout FILE        all that the server keeps of one, as lines of JSON\n"
    "  keys                list one's API keys; keys create, revoke\n"
    "  users               list all users, for site admins; users block, revoke, erase, takeout\n"
    "  chat MODEL [TEXT]   ask a model\n"
    "  models              list the models\n";

size_t remote_names(const char **ret_names, size_t max)
{
    size_t count = 0;

    for (; count < COMMAND_COUNT && count < max; count++)
        ret_names[count] = commands[count].name;
    return count;
}

/* The command that argv begins with; NULL: there is none. */
static const struct command *find(int argc, char **argv, int *ret_words)
{
    const struct command *alone = NULL;

    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const struct command *command = &commands[i];

        if (!str_eq(command->name, argv[0]))
            continue;
        *ret_words = 1;
        if (!command->sub)
            return command;
        if (!*command->sub)
            alone = command;
        if (argc > 1 && str_eq(command->sub, argv[1])) {
            *ret_words = 2;
            return command;
        }
    }
    return argc > 1 && argv[1][0] != '-' && alone && alone->most == 0 ? NULL : alone;
}

/* The option that WORD is, with its value or without; NULL: none. */
static const struct option_about *option_of(const char *word)
{
    size_t len = strcspn(word, "=");

    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (len > 2 && strncmp(word, "--", 2) == 0 && strlen(option_table[i].name) == len - 2 &&
            strncmp(option_table[i].name, word + 2, len - 2) == 0)
            return &option_table[i];
    return NULL;
}

bool remote_is_meant(int argc, char **argv)
{
    const struct option_about *option;
    int before = 0, words = 0;

    while (before < argc && (option = option_of(argv[before])))
        before += option->value && !strchr(argv[before], '=') ? 2 : 1;
    if (before >= argc)
        return false;
    (void)find(argc - before, argv + before, &words);
    for (int i = 0; i < words; i++) {
        char *word = argv[before + i];

        memmove(argv + i + 1, argv + i, (size_t)before * sizeof(*argv));
        argv[i] = word;
    }
    return words > 0;
}

/* ---- help ---- */

static void write_usage(FILE *out, const struct command *command)
{
    bool has_sub = command->sub && *command->sub;

    (void)fprintf(out, "einion %s%s%s%s%s", command->name, has_sub ? " " : "",
                  has_sub ? command->sub : "", *command->words ? " " : "", command->words);
}

static int help(const struct command *command)
{
    (void)printf("Usage: ");
    write_usage(stdout, command);
    (void)printf(" [OPTION]...\n\n%s.\n\nOptions:\n", command->about);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option_about *option = &option_table[i];
        const char *value = option->value ? option->value : "";

        if (command->options & option->bit)
            (void)printf("  --%-10s %-10s%s %s\n", option->name, value,
                         strlen(value) > 10 ? "\n                         " : "", option->about);
    }
    if (command->sub && !*command->sub)
        (void)printf("\nCommands:\n");
    for (size_t i = 0; command->sub && !*command->sub && i < COMMAND_COUNT; i++) {
        if (str_eq(commands[i].name, command->name) && *commands[i].sub) {
            (void)printf("  ");
            write_usage(stdout, &commands[i]);
            (void)printf(": %s\n", commands[i].about);
        }
    }
    (void)printf("\neinion(1) tells more.\n");
    return REMOTE_OK;
}

/* As bash has it in an array: ["einion agents pull"]="NAME|ID [DIR] --force ...". */
static void list(FILE *out, const struct command *command)
{
    bool has_sub = command->sub && *command->sub;

    (void)fprintf(out, "    [\"einion %s%s%s\"]=\"%s", command->name, has_sub ? " " : "",
                  has_sub ? command->sub : "", command->words);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option_about *option = &option_table[i];

        if (command->options & option->bit)
            (void)fprintf(out, " --%s%s%s", option->name, option->value ? "=" : "",
                          option->value ? option->value : "");
    }
    (void)fputs(" --help\"\n", out);
}

void remote_list(FILE *out)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        list(out, &commands[i]);
}

static int wrong_use(const struct command *command, const char *what, const char *which)
{
    (void)print_failure(REMOTE_USAGE, "%s%s", what, which);
    (void)fprintf(stderr, "Usage: ");
    write_usage(stderr, command);
    (void)fputc('\n', stderr);
    return REMOTE_USAGE;
}

/* There are `count` words, and the next one is not. */
static int miss(const struct command *command, int count)
{
    const char *at = command->words;

    for (; count > 0; count--)
        at += strcspn(at, " ") + 1;
    EIN_FREE char *word = strndup(at, strcspn(at, " "));

    return wrong_use(command, "missing argument: ", word ? word : "");
}

/* ---- the command line ---- */

static int take_option(struct options *options, const struct option_about *about, const char *value)
{
    char *field = (char *)options + about->offset;
    uint64_t number;

    if (about->is_number && !str_to_u64(value, &number))
        return print_failure(REMOTE_USAGE, "--%s wants a number, not '%s'", about->name, value);
    if (about->value)
        memcpy(field, &value, sizeof(value));
    else
        *(bool *)field = true;
    return REMOTE_OK;
}

static void make_options(const struct command *command, struct option *ret_options)
{
    size_t count = 0;

    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (command->options & option_table[i].bit)
            ret_options[count++] = (struct option){
                option_table[i].name,
                option_table[i].value ? required_argument : no_argument,
                NULL,
                LETTER_FIRST + (int)i,
            };
    ret_options[count++] = (struct option){ "help", no_argument, NULL, 'h' };
    ret_options[count] = (struct option){ 0 };
}

static int parse(const struct command *command, int argc, char **argv, struct options *options,
                 char **words)
{
    struct option known[OPTION_COUNT + 2];
    int option, count = 0;

    make_options(command, known);
    optind = 1;
    while ((option = getopt_long(argc, argv, ":h", known, NULL)) != -1) {
        if (option == 'h')
            options->help = true;
        else if (option == ':')
            return wrong_use(command, "this option needs a value: ", argv[optind - 1]);
        else if (option < LETTER_FIRST)
            return wrong_use(command, "there is no such option: ", argv[optind - 1]);
        else if (take_option(options, &option_table[option - LETTER_FIRST], optarg) != REMOTE_OK)
            return REMOTE_USAGE;
    }
    if (options->help)
        return REMOTE_OK;
    for (; optind < argc; optind++) {
        if (count == command->most)
            return wrong_use(command, "unexpected argument: ", argv[optind]);
        words[count++] = argv[optind];
    }
    return count < command->least ? miss(command, count) : REMOTE_OK;
}

static int run(const struct command *command, const struct options *options, char **words)
{
    struct session session;
    int status;

    if (command->run_on_file)
        return command->run_on_file(options, words);
    status = session_open(options, &session);
    if (status != REMOTE_OK)
        return status;
    status = command->run(&session, words);
    session_close(&session);
    return status;
}

int remote_run(int argc, char **argv)
{
    char *words[WORDS_MAX + 1] = { NULL };
    struct options options = { 0 };
    int used = 0, status;
    const struct command *command = find(argc, argv, &used);

    if (!command)
        return print_failure(REMOTE_USAGE, "'%s' knows no such command: %s", argv[0], argv[1]);
    (void)signal(SIGPIPE, SIG_IGN);
    status = parse(command, argc - used + 1, argv + used - 1, &options, words);
    if (status != REMOTE_OK)
        return status;
    return print_end(options.help ? help(command) : run(command, &options, words));
}
