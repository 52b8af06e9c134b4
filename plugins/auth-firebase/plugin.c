/* SPDX-License-Identifier: Apache-2.0 */
/* auth-firebase: whoever sends `Authorization: Bearer` and an ID token of Firebase.
 *
 * Publishes auth_provider/1 as "firebase"; the uid is the token's subject.  A token is verified
 * with Google's certificates, which are kept as long as their reply's Cache-Control says, and is
 * then known until it expires.  The rules are those of Firebase's own libraries, and where these
 * let one pass, of Firebase's documents: a token has to expire, and to have been made, and its
 * user logged in, before now.
 *
 * The tokens of Firebase's emulator are not signed.  They are taken only where the variable
 * FIREBASE_AUTH_EMULATOR_HOST is set, `emulator` is true, and the client is this machine; the
 * variable without the setting is refused at start, so that no server takes them by accident, and
 * so is the setting where other machines can reach the server.
 *
 * Whoever sends no token is refused here, so this plugin stands behind those that look elsewhere
 * (auth-session).  Keys of einion (eink_...) are left to auth-api-key.
 *
 * Settings
 *   project_id     the project (FIREBASE_PROJECT_ID, else GOOGLE_CLOUD_PROJECT, of the environment)
 *   certs_url      where the certificates are (Google's)
 *   timeout_ms     what fetching them may take (10000)
 *   leeway_s       what the clock of Google may be ahead of this one (10)
 *   cached_tokens  verified tokens that are known at once; 0: each is verified each time (10000)
 *   emulator       for development: take the emulator's unsigned tokens (false)
 *
 * Example
 *   env: firebase
 *   plugins:
 *     auth-firebase:
 *       project_id: my-project
 */
#include "firebase.h"
#include "init.h"
#include "member.h"
#include "schemas.h"
#include "str.h"

#include <stdlib.h>

/* clang-format off */
static const char config_schema[] = SCHEMA({
    "type": "object",
    "properties": {
        "project_id": {
            "type": "string", "pattern": "^[A-Za-z0-9:.-]{0,128}$", "default": "",
            "description": "The Firebase project. Empty: FIREBASE_PROJECT_ID, else GOOGLE_CLOUD_PROJECT, of the environment."
        },
        "certs_url": {
            "type": "string", "pattern": "^https?://",
            "default": "https://www.googleapis.com/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com",
            "description": "Where the certificates are that verify tokens."
        },
        "timeout_ms": {
            "type": "integer", "minimum": 100, "maximum": 60000, "default": 10000,
            "description": "What fetching them may take."
        },
        "leeway_s": {
            "type": "integer", "minimum": 0, "maximum": 60, "default": 10,
            "description": "Seconds that the clock of the token's maker may be ahead. What has expired has expired."
        },
        "cached_tokens": {
            "type": "integer", "minimum": 0, "maximum": 1000000, "default": 10000,
            "description": "Verified tokens that are known until they, or their keys, expire. 0: none is."
        },
        "emulator": {
            "type": "boolean", "default": false,
            "description": "For development: take the unsigned tokens of the emulator that FIREBASE_AUTH_EMULATOR_HOST names, from this machine."
        }
    }
});
/* clang-format on */

static void fini(void *self)
{
    struct firebase *firebase = self;

    jwks_unref(firebase->keys);
    seen_free(firebase->seen);
    free(firebase->issuer);
    free(firebase);
}

static const char *project_of(const struct ein_host *host, struct ein_ctx *ctx,
                              const json_t *config)
{
    static const char *const variables[] = { "FIREBASE_PROJECT_ID", "GOOGLE_CLOUD_PROJECT" };
    const char *project = text_of(config, "project_id");

    for (size_t i = 0; i < 2 && (!project || !*project); i++)
        project = host->secret(ctx, variables[i]);
    return project && *project ? project : NULL;
}

static int set_up(struct firebase *firebase, const json_t *config, struct ein_error *err)
{
    const char *project = project_of(firebase->host, firebase->ctx, config);
    size_t cached = (size_t)integer_of(config, "cached_tokens");
    int r;

    if (!project)
        return error_set(
            err, EIN_E_INVALID,
            "Which project? Set project_id, or FIREBASE_PROJECT_ID in the environment.");
    firebase->project = project;
    firebase->leeway_s = integer_of(config, "leeway_s");
    firebase->issuer = str_print("https://securetoken.google.com/%s", project);
    if (!firebase->issuer)
        return error_no_memory(err);
    r = emulator_allowed(json_is_true(json_object_get(config, "emulator")), &firebase->emulator,
                         err);
    if (r == 0)
        r = seen_new(cached, &firebase->seen, err);
    if (r == 0)
        r = jwks_new(firebase->host, firebase->ctx, text_of(config, "certs_url"),
                     setting_of(config, "timeout_ms"), &firebase->keys, err);
    return r;
}

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct firebase *firebase = calloc(1, sizeof(*firebase));
    int r;

    if (!firebase)
        return error_no_memory(err);
    firebase->host = host;
    firebase->ctx = ctx;
    r = set_up(firebase, config, err);
    if (r == 0)
        r = host->publish(ctx, EIN_AUTH_PROVIDER, "firebase", &firebase_provider, firebase, err);
    return init_done(r, firebase, fini, ret_self);
}

static int start(void *self, struct ein_error *err)
{
    const struct firebase *firebase = self;

    (void)err;
    if (firebase->emulator)
        firebase->host->log_msg(firebase->ctx, EIN_WARN,
                                "Unsigned tokens of the Firebase emulator are taken from this "
                                "machine: for development only.");
    return 0;
}

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .flags = EIN_PLUGIN_SINGLE,
    .name = "auth-firebase",
    .version = "0.1.0",
    .summary = "Who sends an ID token of Firebase",
    .config_schema = config_schema,
    .init = init,
    .start = start,
    .fini = fini,
};
EIN_PLUGIN_EXPORT(plugin)
