/* SPDX-License-Identifier: Apache-2.0 */
#include "state.h"
#include "base64url.h"
#include "cleanup.h"
#include "error.h"
#include "session.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <string.h>

#define KEYS_SET "auth_keys"
#define KEY_ID   "login"

enum { RANDOM_BYTES = 24, MAC_BYTES = 16, SHA256_BYTES = 32, MESSAGE_MAX = 256 };

struct state { /* as it goes round, before it is made text */
    unsigned char random[RANDOM_BYTES];
    unsigned char expires[4]; /* seconds since the epoch, big-endian */
    unsigned char mac[MAC_BYTES];
};

/* ---- the key ---- */

static int read_key(struct auth_session *self, struct ein_error *err)
{
    EIN_JSON json_t *doc = NULL;
    EIN_FREE unsigned char *key = NULL;
    const char *text;
    size_t len = 0;
    int r = self->host->store->get(self->ctx, KEYS_SET, KEY_ID, &doc, err);

    if (r < 0)
        return r;
    text = json_string_value(json_object_get(doc, "key"));
    key = text ? base64url_decode(text, strlen(text), &len) : NULL;
    if (!key || len != LOGIN_KEY_BYTES)
        return error_set(err, EIN_E_INTERNAL,
                         "the document '" KEY_ID "' of '" KEYS_SET "' holds no key");
    memcpy(self->login_key, key, LOGIN_KEY_BYTES);
    return 0;
}

static int make_key(struct auth_session *self, struct ein_error *err)
{
    char token[TOKEN_SIZE];
    EIN_JSON json_t *doc = NULL;
    int r = token_make(token);

    if (r < 0)
        return error_set(err, r, "no random numbers");
    doc = json_pack("{s:s}", "key", token);
    if (!doc)
        return error_no_memory(err);
    return self->host->store->put(self->ctx, KEYS_SET, KEY_ID, EIN_REV_NEW, doc, NULL, err);
}

int state_load_key(struct auth_session *self, struct ein_error *err)
{
    int r = read_key(self, err);

    if (r != EIN_E_NOT_FOUND)
        return r;
    r = make_key(self, err);
    return r < 0 && r != EIN_E_CONFLICT ? r : read_key(self, err);
}

/* ---- signing ---- */

/* HMAC-SHA-256 of "PURPOSE\0PROVIDER\0" and the data. */
static bool sign(const struct auth_session *self, const char *purpose, const char *provider,
                 const void *data, size_t len, unsigned char ret_mac[SHA256_BYTES])
{
    char message[MESSAGE_MAX];
    int head = snprintf(message, sizeof(message), "%s%c%s%c", purpose, 0, provider, 0);

    if ((size_t)head + len > sizeof(message))
        return false; /* no provider has so long a name */
    memcpy(message + head, data, len);
    return gnutls_hmac_fast(GNUTLS_MAC_SHA256, self->login_key, LOGIN_KEY_BYTES, message,
                            (size_t)head + len, ret_mac) == 0;
}

static bool derive(const struct auth_session *self, const char *purpose, const char *provider,
                   const char *state, char ret_text[TOKEN_SIZE])
{
    unsigned char mac[SHA256_BYTES];
    EIN_FREE char *text = NULL;

    if (!sign(self, purpose, provider, state, strlen(state), mac))
        return false;
    text = base64url_encode(mac, sizeof(mac));
    if (text)
        memcpy(ret_text, text, TOKEN_SIZE);
    return text != NULL;
}

static bool derive_both(const struct auth_session *self, const char *provider,
                        struct login_secrets *secrets)
{
    return derive(self, "verifier", provider, secrets->state, secrets->verifier) &&
           derive(self, "nonce", provider, secrets->state, secrets->nonce);
}

static bool mac_of(const struct auth_session *self, const char *provider, const struct state *state,
                   unsigned char ret_mac[SHA256_BYTES])
{
    return sign(self, "state", provider, state, offsetof(struct state, mac), ret_mac);
}

int state_make(const struct auth_session *self, const char *provider,
               struct login_secrets *ret_secrets)
{
    uint32_t expires = (uint32_t)(clock_wall_ms() / 1000 + LOGIN_S);
    unsigned char mac[SHA256_BYTES];
    struct state state;
    EIN_FREE char *text = NULL;

    if (gnutls_rnd(GNUTLS_RND_NONCE, state.random, sizeof(state.random)) < 0)
        return EIN_E_UNAVAILABLE;
    for (int i = 0; i < 4; i++)
        state.expires[i] = (unsigned char)(expires >> (24 - 8 * i));
    if (!mac_of(self, provider, &state, mac))
        return EIN_E_INTERNAL;
    memcpy(state.mac, mac, MAC_BYTES);
    text = base64url_encode(&state, sizeof(state));
    if (!text)
        return EIN_E_NO_MEMORY;
    (void)snprintf(ret_secrets->state, STATE_SIZE, "%s", text);
    return derive_both(self, provider, ret_secrets) ? 0 : EIN_E_NO_MEMORY;
}

static bool is_over(const struct state *state)
{
    uint32_t expires = 0;

    for (int i = 0; i < 4; i++)
        expires = expires << 8 | state->expires[i];
    return expires <= (uint32_t)(clock_wall_ms() / 1000);
}

bool state_check(const struct auth_session *self, const char *provider, const char *text,
                 struct login_secrets *ret_secrets)
{
    size_t len = strlen(text);
    EIN_FREE unsigned char *bytes = len < STATE_SIZE ? base64url_decode(text, len, &len) : NULL;
    unsigned char mac[SHA256_BYTES];
    struct state state;

    if (!bytes || len != sizeof(state))
        return false;
    memcpy(&state, bytes, sizeof(state));
    if (!mac_of(self, provider, &state, mac) || gnutls_memcmp(mac, state.mac, MAC_BYTES) ||
        is_over(&state))
        return false;
    (void)snprintf(ret_secrets->state, STATE_SIZE, "%s", text);
    return derive_both(self, provider, ret_secrets);
}

int state_use(const struct auth_session *self, const char *state, struct ein_error *err)
{
    char hash[TOKEN_HASH_SIZE];
    EIN_JSON json_t *doc =
        json_pack("{s:I}", "expiresAt", (json_int_t)(clock_wall_ms() + (int64_t)LOGIN_S * 1000));

    if (!doc)
        return error_no_memory(err);
    token_hash(state, hash);
    return self->host->store->put(self->ctx, STATES_SET, hash, EIN_REV_NEW, doc, NULL, err);
}
