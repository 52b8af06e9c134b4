/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "buf.h"
#include "remote.h"
#include "sse.h"
#include "text_lines.h"
#include <einion/plugin.h>
#include <jansson.h>
#include <stdbool.h>

/* What the command line says; all lent by it. */
struct options {
    const char *server, *ca; /* NULL: what the environment or the login says */
    const char *name, *key_file;
    const char *input, *agent, *status, *limit, *retry;
    const char *scopes, *models, *budget, *days;
    const char *by, *from, *to, *reason;
    bool all, json, force, quiet, detach, plain_http, help;
};

/* One server, and who asks it. */
struct session {
    const struct options *options;
    char *url, *key, *ca; /* `url` has no '/' at its end; the others may be NULL */
    bool is_proxied;
    struct client *client;
    struct ein_cancel *cancel; /* fires on SIGINT, SIGTERM, SIGHUP; NULL: they end the process */
};

enum {
    SESSION_REPLY_MAX = 64 * 1024 * 1024,
    SESSION_EVENT_MAX = 16 * 1024 * 1024, /* of a stream; a result is one */
    SESSION_KEY_MAX = 4096,
    SESSION_PATH_MAX = 16 * 1024, /* with its query */
    SESSION_RUN_ID_SIZE = 64
};

/* Each returns an enum remote_status, and has said on stderr what is wrong. */

/* The server that the options, the environment (EINION_URL, EINION_API_KEY, EINION_CA) or the
 * default of the logins name. */
int session_open(const struct options *options, struct session *ret_session);
/* The server URL, with this key (NULL: none). */
int session_open_url(const struct options *options, const char *url, const char *key,
                     struct session *ret_session);
/* What is sent to URL can be read on the way: it goes over http to another machine. */
bool session_is_open_to_all(const char *url);
void session_close(struct session *session);

/* From now on a signal fires session->cancel, once; a second one ends the process. */
int session_catch_signals(struct session *session);
bool session_is_interrupted(const struct session *session);

struct call {
    const char *method, *path; /* `path` begins with '/', and may have a query; NULL: no memory */
    const json_t *body;        /* NULL: none */
    const char *if_match;      /* a revision; NULL: none */
    int64_t last_event;        /* number of the last event that was seen; 0: none */
    sse_fn *on_event;          /* asks for a stream; NULL: for JSON */
    text_lines_fn *on_line;    /* asks for lines of JSON */
    void *data;                /* of on_event, or on_line */
    bool even_if_interrupted;
    const char *absent; /* what 404 means; NULL: what the server says */

    /* what comes back */
    int status;          /* of HTTP; 0: no answer, or not to its end */
    bool vendor_refuses; /* with status 401: a key that the vendor of a model wants, not the
                            caller's */
    json_t *reply;       /* NULL: a stream, or nothing; json_decref() */
    char run_id[SESSION_RUN_ID_SIZE]; /* X-Einion-Run-Id; "" */
    struct ein_error err;             /* with status 0 */
};

/* Sends it; says nothing.  An answer, whatever its status, is REMOTE_OK; REMOTE_NOBODY: there was
 * none, and another one may come. */
int session_send(const struct session *session, struct call *call);
/* Likewise, and an error of the server's is said, and its status returned. */
int session_call(const struct session *session, struct call *call);
/* What CALL, which brought no good answer, means; says it. */
int session_fail(const struct session *session, const struct call *call);
int session_get(const struct session *session, json_t **ret_reply, const char *path);

/* "/SET/ID", with the id in one segment, and what follows; free().  NULL: no memory. */
char *session_path(const char *set, const char *id, const char *rest);
/* Appends NAME=VALUE to the query of PATH; VALUE NULL: nothing. */
void session_add_query(struct buf *path, const char *name, const char *value);
