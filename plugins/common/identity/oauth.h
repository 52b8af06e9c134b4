/* SPDX-License-Identifier: Apache-2.0 */
/* What plugins share that log people in at an identity provider: OAuth 2.0 (RFC 6749) with PKCE
 * (RFC 7636), calls that are bounded and answered in JSON, and the claims that come out.
 *
 * Errors have one sentence for whoever logs in.  It says which of the provider's addresses failed
 * and how, and nothing that was sent there. */
#pragma once

#include <einion/services.h>
#include <gnutls/gnutls.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    OAUTH_REPLY_MAX = 1024 * 1024, /* bytes of one answer */
    OAUTH_DEPTH_MAX = 32,          /* of its JSON */
    OAUTH_PAGES_MAX = 20,          /* of one list */
    OAUTH_SUBJECT_MAX = 255, /* bytes of who somebody is at the provider (OpenID Connect, 2) */
    OAUTH_NAME_MAX = 200,    /* bytes of a name; the rest is cut off */
    OAUTH_EMAIL_MAX = 320,   /* bytes; a longer address is none */
    OAUTH_WORKSPACES_MAX = 1000
};

static inline void cleanup_secret(char **p)
{
    if (*p)
        gnutls_memset(*p, 0, strlen(*p));
    free(*p);
}

/* Text that is overwritten before it is freed. */
#define EIN_SECRET __attribute__((cleanup(cleanup_secret)))

/* The provider as this server sees it. */
struct oauth {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    const char *name;                      /* what it is published as, and what a uid begins with */
    const char *title;                     /* "GitHub", for people */
    const char *client_id, *client_secret; /* "": none */
    uint32_t timeout_ms;                   /* of one call */
};

struct oauth_param {
    const char *name, *value; /* value NULL: left out */
};

/* BASE?NAME=VALUE&...; without a base, the body of a form.  free(); NULL: no memory. */
char *oauth_query(const char *base, const struct oauth_param *params, size_t count);
#define OAUTH_QUERY(base, params) oauth_query(base, params, sizeof(params) / sizeof((params)[0]))
/* The S256 challenge of a code verifier; free(). */
char *oauth_challenge(const char *verifier);

/* 0 if `url` is https, or http to this machine; else INVALID, unless allow_http.  `what` names
 * the setting. */
int oauth_check_url(const char *url, const char *what, bool allow_http, struct ein_error *err);

struct oauth_call {
    const char *what; /* "list of groups", for errors */
    const char *url;
    const char *form;   /* POSTed; NULL: GET */
    const char *header; /* one more, may be NULL; such as "Authorization: Bearer ..." */
};

struct oauth_answer {
    int status;
    json_t *json; /* NULL: it sent something else */
    char *next;   /* the `rel="next"` of its Link header (RFC 8288), or NULL */
};

/* 0 whatever the status; UNAVAILABLE: no answer.  Redirects are not followed. */
int oauth_call(const struct oauth *oauth, const struct oauth_call *call,
               struct oauth_answer *ret_answer, struct ein_error *err);
void oauth_answer_done(struct oauth_answer *answer);
#define EIN_ANSWER __attribute__((cleanup(oauth_answer_done)))
/* An error about an answer that is not what was asked for. */
int oauth_unexpected(const struct oauth *oauth, const struct oauth_call *call,
                     const struct oauth_answer *answer, struct ein_error *err);
/* GET with a bearer token: the answer is 200 and JSON, or it is an error.  NOT_FOUND: 401, the
 * token is not known there any more. */
int oauth_get(const struct oauth *oauth, const char *what, const char *url, const char *token,
              struct oauth_answer *ret_answer, struct ein_error *err);

enum oauth_client_auth { OAUTH_POST, OAUTH_BASIC }; /* how the client's secret is sent */

/* Asks the token endpoint: an object with at least `access_token`.  DENIED: the provider refuses
 * what was asked. */
int oauth_tokens(const struct oauth *oauth, const char *url, enum oauth_client_auth auth,
                 const struct oauth_param *params, size_t count, json_t **ret_tokens,
                 struct ein_error *err);
/* The code of `login` for tokens.  INVALID: the provider refuses the code. */
int oauth_code(const struct oauth *oauth, const char *url, enum oauth_client_auth auth,
               const struct ein_login *login, json_t **ret_tokens, struct ein_error *err);

/* What the provider said on the way back.  INVALID: it is an error, or `iss` (RFC 9207) is not
 * `issuer`, or there is none although `iss_required`.  issuer NULL: it sends none. */
int oauth_check_callback(const struct oauth *oauth, const struct ein_login *login,
                         const char *issuer, bool iss_required, struct ein_error *err);

/* {"uid": "NAME:ID", "name", "email", "provider", "workspaces"}; name and email may be NULL.
 * Takes the workspaces, on failure too. */
int oauth_claims(const struct oauth *oauth, const char *id, const char *name, const char *email,
                 json_t *take_workspaces, json_t **ret_claims, struct ein_error *err);
/* The ID in the uid of claims that oauth_claims() made; NULL: they are another provider's. */
const char *oauth_id_of(const struct oauth *oauth, const json_t *claims);
/* Adds {"id": "NAME:KIND:ID", "role", "name", "source": "NAME_KIND"}.  NO_MEMORY, or TOO_LARGE. */
int oauth_add_workspace(const struct oauth *oauth, json_t *workspaces, const char *kind,
                        const char *id, const char *title, bool admin, struct ein_error *err);

/* Is `text` in the array?  Case does not matter. */
bool oauth_lists(const json_t *array, const char *text);

/* *ret_about for describe(). */
int oauth_about(const char *title, const char *icon, json_t **ret_about, struct ein_error *err);

/* ---- what lets the provider be asked again; kept in vault/1 ---- */

/* Is there a vault? */
bool oauth_grants_kept(const struct oauth *oauth);
/* Keeps TOKEN for the person ID; without a vault, or if it fails, the log is told. */
void oauth_grant_keep(const struct oauth *oauth, const char *id, const char *token);
/* For EIN_SECRET.  UNSUPPORTED: none is kept. */
int oauth_grant_get(const struct oauth *oauth, const char *id, char **ret_token,
                    struct ein_error *err);
/* NOT_FOUND: none is kept. */
int oauth_grant_drop(const struct oauth *oauth, const char *id, struct ein_error *err);
/* Drops that of somebody who is erased.  Its impl is the struct oauth. */
extern const struct ein_erasure oauth_erasure;
