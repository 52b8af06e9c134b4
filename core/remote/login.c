/* SPDX-License-Identifier: Apache-2.0 */
#include "login.h"

#include "cleanup.h"
#include "file.h"
#include "member.h"
#include "print.h"
#include "servers.h"
#include "str.h"
#include "typed.h"
#include <stdio.h>
#include <string.h>

/* ---- the key ---- */

static int ask_for_key(const char *url, char **ret_key)
{
    EIN_FREE char *prompt = str_print("API key of %s: ", url);
    char key[SESSION_KEY_MAX];
    int status;

    if (!prompt)
        return print_failure(REMOTE_FAILED, "no memory");
    status = typed_ask(prompt, key, sizeof(key));
    if (status == REMOTE_USAGE)
        return print_failure(status,
                             "%s wants an API key, and there is no terminal to ask "
                             "for it: --key-file FILE, or EINION_API_KEY",
                             url);
    if (status != REMOTE_OK)
        return print_failure(status, "no key was given");
    *ret_key = strdup(key);
    explicit_bzero(key, sizeof(key));
    return *ret_key ? REMOTE_OK : print_failure(REMOTE_FAILED, "no memory");
}

/* From --key-file, or the environment; NULL: neither. */
static int read_key(const struct options *options, char **ret_key)
{
    const char *environment = getenv("EINION_API_KEY");
    struct ein_error err;

    if (options->key_file) {
        if (file_read(options->key_file, SESSION_KEY_MAX, ret_key, NULL, &err) < 0)
            return print_failure(REMOTE_USAGE, "%s", err.text);
        typed_trim(*ret_key);
    } else if (environment && *environment) {
        *ret_key = strdup(environment);
    }
    return REMOTE_OK;
}

/* ---- who am I ---- */

static int ask_who(const struct session *session, struct call *call)
{
    *call = (struct call){ .method = "GET", .path = "/auth/me" };
    return session_send(session, call);
}

static int tell_who(const struct session *session, const json_t *me)
{
    const char *uid = text_of(me, "uid");

    if (session->options->json)
        print_json(stdout, me);
    else
        print_line("%s at %s", uid ? uid : "?", session->url);
    return REMOTE_OK;
}

int login_whoami(struct session *session, char **words)
{
    EIN_JSON json_t *me = NULL;
    int status = session_get(session, &me, "/auth/me");

    (void)words;
    return status == REMOTE_OK ? tell_who(session, me) : status;
}

/* ---- login, logout ---- */

static int check_way(const struct options *options, const char *url)
{
    if (options->plain_http || !session_is_open_to_all(url))
        return REMOTE_OK;
    return print_failure(REMOTE_USAGE,
                         "an API key sent over http can be read on the way: use https, or, where "
                         "all who can are trusted, --plain-http");
}

/* A server without a login wants no key: it is asked first. */
static int find_key(const struct options *options, const char *url, char **ret_key)
{
    struct session stranger = { 0 };
    struct call call;
    int status = read_key(options, ret_key);

    if (status == REMOTE_OK && *ret_key)
        status = check_way(options, url);
    if (status != REMOTE_OK || *ret_key)
        return status;
    status = session_open_url(options, url, NULL, &stranger);
    if (status != REMOTE_OK)
        return status;
    (void)ask_who(&stranger, &call);
    if (call.status == 401)
        status = check_way(options, url);
    else if (call.status != 200)
        status = session_fail(&stranger, &call);
    if (call.status == 401 && status == REMOTE_OK)
        status = ask_for_key(stranger.url, ret_key);
    json_decref(call.reply);
    session_close(&stranger);
    return status;
}

static const char *name_of(const struct session *session)
{
    const char *host = strstr(session->url, "://");

    return session->options->name ? session->options->name : host + 3;
}

static int keep(const struct session *session)
{
    EIN_FREE char *ca = session->ca ? realpath(session->ca, NULL) : NULL;
    EIN_JSON json_t *file = NULL;
    json_t *server = json_pack("{s:s}", "url", session->url), *servers;
    const char *name = name_of(session);
    struct ein_error err;

    if (servers_read(&file, &err) < 0) {
        json_decref(server);
        return print_failure(REMOTE_FAILED, "%s", err.text);
    }
    if (session->key)
        (void)json_object_set_new(server, "key", json_string(session->key));
    if (ca)
        (void)json_object_set_new(server, "ca", json_string(ca));
    if (session->options->plain_http)
        (void)json_object_set_new(server, "plainHttp", json_true());
    servers = json_object_get(file, "servers");
    if (!json_is_object(servers)) {
        servers = json_object();
        (void)json_object_set_new(file, "servers", servers);
    }
    if (json_object_set_new(servers, name, server) < 0 ||
        json_object_set_new(file, "default", json_string(name)) < 0)
        return print_failure(REMOTE_USAGE, "'%s' cannot be the name of a server", name);
    return servers_write(file, &err) < 0 ? print_failure(REMOTE_FAILED, "%s", err.text) : REMOTE_OK;
}

int login_in(const struct options *options, char **words)
{
    EIN_SECRET char *key = NULL;
    struct session session = { 0 };
    struct call call;
    int status = find_key(options, words[0], &key);

    if (status == REMOTE_OK)
        status = session_open_url(options, words[0], key, &session);
    if (status != REMOTE_OK)
        return status;
    (void)ask_who(&session, &call);
    if (call.status != 200 || !json_is_string(json_object_get(call.reply, "uid")))
        status = session_fail(&session, &call);
    if (status == REMOTE_OK)
        status = keep(&session);
    if (status == REMOTE_OK)
        status = tell_who(&session, call.reply);
    json_decref(call.reply);
    session_close(&session);
    return status;
}

/* Those that are known, without their keys. */
int login_list(const struct options *options, char **words)
{
    static const struct print_column columns[] = {
        { "NAME", "name" }, { "URL", "url" }, { "DEFAULT", "default" }, { 0 }
    };
    EIN_JSON json_t *file = NULL;
    EIN_JSON json_t *rows = json_array();
    struct ein_error err;
    const char *name;
    json_t *server;

    (void)words;
    if (servers_read(&file, &err) < 0)
        return print_failure(REMOTE_FAILED, "%s", err.text);
    json_object_foreach(json_object_get(file, "servers"), name, server)
    {
        const char *first = text_of(file, "default");

        (void)json_array_append_new(rows, json_pack("{s:s, s:O?, s:b}", "name", name, "url",
                                                    json_object_get(server, "url"), "default",
                                                    str_eq(name, first)));
    }
    print_list(stdout, options->json, rows, columns);
    return REMOTE_OK;
}

static const char *any_name(const json_t *servers)
{
    void *first = json_object_iter((json_t *)servers);

    return first ? json_object_iter_key(first) : NULL;
}

int login_out(const struct options *options, char **words)
{
    const char *wanted = words[0] ? words[0] : options->server, *name, *other;
    EIN_JSON json_t *file = NULL;
    struct ein_error err;
    json_t *servers;

    if (servers_read(&file, &err) < 0)
        return print_failure(REMOTE_FAILED, "%s", err.text);
    if (!servers_find(file, wanted, &name))
        return print_failure(REMOTE_FAILED, "you are not logged in%s%s", wanted ? " to " : "",
                             wanted ? wanted : "");
    print_line("logged out of %s", name);
    servers = json_object_get(file, "servers");
    (void)json_object_del(servers, name);
    other = any_name(servers);
    if (!servers_find(file, NULL, &name) && other)
        (void)json_object_set_new(file, "default", json_string(other));
    else if (!other)
        (void)json_object_del(file, "default");
    return servers_write(file, &err) < 0 ? print_failure(REMOTE_FAILED, "%s", err.text) : REMOTE_OK;
}
