/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "jwks.h"
#include "oauth.h"
#include "seen.h"
#include <pthread.h>

enum {
    OIDC_LEEWAY_S = 60, /* between the provider's clock and this one */
    OIDC_GROUPS_MAX = 1000
};

struct oidc;

/* What is special of Google and Microsoft. */
struct oidc_kind {
    const char *type;
    const char *title, *icon;
    const char *open_mode;   /* its name in the setting `mode` */
    const char *everybody;   /* the kind of the workspace that all share in this mode */
    const char *scope;       /* what is asked for */
    const char *group_scope; /* and to read groups, may be NULL */
    /* The issuer that the settings mean; INVALID: they are not enough. */
    int (*issuer)(const json_t *config, char **ret_issuer, struct ein_error *err);
    /* Is this person's account one that may log in at all?  DENIED: no.  May be NULL. */
    int (*check)(const struct oidc *oidc, const json_t *claims, struct ein_error *err);
    /* The workspace that all share in the open mode: what tells it from others, and its name. */
    void (*room)(const struct oidc *oidc, const char **ret_id, const char **ret_title);
    /* *ret_groups: array of {"id", "name"}; name may be absent. */
    int (*groups)(const struct oidc *oidc, const json_t *claims, const char *access_token,
                  json_t **ret_groups, struct ein_error *err);
};

struct oidc {
    struct oauth oauth;
    const struct oidc_kind *kind;
    const json_t *config; /* the settings */
    char *issuer;
    bool open, allow_http, ask_again;
    int64_t discovery_ms; /* how old the metadata may be */
    int64_t retry_ms;     /* between two tries to read them */
    struct seen *seen;    /* access tokens */
    pthread_mutex_t lock;
    json_t *metadata; /* guarded by lock, as is all below; itself constant */
    struct jwks *keys;
    bool reading;             /* somebody does; others go on with what there is */
    int64_t tried_ms;         /* the last time that they were read, or could not be */
    int64_t due_ms;           /* when to read them next */
    struct ein_error failure; /* of the last try */
};

extern const struct oidc_kind oidc_kind_any, oidc_kind_google, oidc_kind_microsoft;
extern const struct ein_auth_provider oidc_provider;

const char *oidc_text(const struct oidc *oidc, const char *setting);
int oidc_set_up(struct oidc *oidc, const json_t *config, struct ein_error *err);
void oidc_tear_down(struct oidc *oidc);

/* The provider's metadata (OpenID Connect Discovery), read at the first login, and again when they
 * are old; json_decref().  Where they cannot be read again, those that were known are good. */
int oidc_discover(struct oidc *oidc, json_t **ret_metadata, struct ein_error *err);
/* What they name does not work: they are read again, if that was not tried a moment ago. */
void oidc_doubt(struct oidc *oidc);
/* After oidc_discover(): where its keys are; for jwks_unref(). */
struct jwks *oidc_keys(struct oidc *oidc);
/* The same, once the metadata have been doubted; NULL: they are still at USELESS. */
struct jwks *oidc_other_keys(struct oidc *oidc, const struct jwks *useless);

/* Is the token this provider's, for `audience`, and of now?  For how long its key is good, and
 * errors, are those of jwt.h and jwks.h. */
int oidc_verify(struct oidc *oidc, const struct jwt *jwt, const char *audience,
                enum jwt_audience audience_is, int64_t *ret_good_s, struct ein_error *err);
/* The claims of an id_token that is this provider's, for this client, and of this login.  nonce
 * NULL: it is none of a login. */
int oidc_id_token(struct oidc *oidc, const char *token, const char *nonce, json_t **ret_claims,
                  struct ein_error *err);

/* What the host is told of whom `claims` of a token is about; groups are those of the claim where
 * there is no access_token to ask for them with.  DENIED: they may not log in here. */
int oidc_describe_person(const struct oidc *oidc, const json_t *claims, const char *access_token,
                         json_t **ret_claims, struct ein_error *err);
/* verify() of auth_provider/1: access tokens, where there is the setting `audience`. */
int oidc_verify_request(void *impl, struct ein_req *req, json_t **ret_claims,
                        struct ein_error *err);

/* Are groups of any consequence? */
bool oidc_wants_groups(const struct oidc *oidc);
/* The workspaces of whom `claims` is about; access_token as above. */
int oidc_workspaces(const struct oidc *oidc, const json_t *claims, const char *access_token,
                    json_t **ret_workspaces, struct ein_error *err);
/* The groups that the claim of the settings lists. */
int oidc_claimed_groups(const struct oidc *oidc, const json_t *claims, const char *access_token,
                        json_t **ret_groups, struct ein_error *err);
int oidc_add_group(json_t *groups, const char *id, const char *name, struct ein_error *err);
