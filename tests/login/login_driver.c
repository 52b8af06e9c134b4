/* SPDX-License-Identifier: Apache-2.0 */
/* A login plugin in a process of its own, with the server's own HTTP client and a vault that
 * forgets: login_driver PLUGIN SETTINGS [no-vault].  One question a line, one answer a line, both
 * JSON:
 *
 *   {"op": "describe"}
 *   {"op": "login_url", "login": {"redirect_uri", "state", "nonce", "code_verifier"}}
 *   {"op": "exchange", "login": {the same, "code", "query"}}
 *   {"op": "refresh", "claims": {...}}
 *   {"op": "vault"}
 *
 * are answered {"value"} or {"error", "text"}. */
#include "client.h"
#include "fake_host.h"
#include "section.h"

#include <string.h>

struct ein_req;

static struct client *client;
static json_t *vault; /* {name: secret} */

static int fetch(struct ein_ctx *ctx, const struct ein_fetch *what, struct ein_fetched *ret,
                 struct ein_error *err)
{
    (void)ctx;
    return client_fetch(client, what, ret, err);
}

static const struct ein_client client_table = { .struct_size = sizeof(client_table),
                                                .fetch = fetch };

/* ---- the vault ---- */

static int vault_put(void *impl, const char *name, const char *secret, struct ein_error *err)
{
    (void)impl;
    (void)err;
    return json_object_set_new(vault, name, json_string(secret));
}

static int vault_get(void *impl, const char *name, char **ret_secret, struct ein_error *err)
{
    const char *secret = json_string_value(json_object_get(vault, name));

    (void)impl;
    (void)err;
    if (!secret)
        return EIN_E_NOT_FOUND;
    *ret_secret = strdup(secret);
    return 0;
}

static int vault_del(void *impl, const char *name, struct ein_error *err)
{
    (void)impl;
    (void)err;
    return json_object_del(vault, name) < 0 ? EIN_E_NOT_FOUND : 0;
}

static void vault_wipe(void *impl, char *take_secret)
{
    (void)impl;
    free(take_secret);
}

static const struct ein_vault vault_table = {
    .struct_size = sizeof(vault_table),
    .put = vault_put,
    .get = vault_get,
    .del = vault_del,
    .wipe = vault_wipe,
};

/* ---- questions ---- */

static const char *text(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static struct ein_login login_of(const json_t *question)
{
    const json_t *login = json_object_get(question, "login");

    return (struct ein_login){
        .struct_size = sizeof(struct ein_login),
        .redirect_uri = text(login, "redirect_uri"),
        .state = text(login, "state"),
        .nonce = text(login, "nonce"),
        .code_verifier = text(login, "code_verifier"),
        .code = text(login, "code"),
        .query = json_object_get(login, "query"),
    };
}

static int ask(const struct ein_service *service, const json_t *question, json_t **ret_value,
               struct ein_error *err)
{
    const struct ein_auth_provider *provider = service->vtable;
    struct ein_login login = login_of(question);
    const char *op = text(question, "op");
    char *url = NULL;
    int r;

    if (strcmp(op, "describe") == 0)
        return provider->describe(service->impl, ret_value, err);
    if (strcmp(op, "exchange") == 0)
        return provider->exchange(service->impl, &login, ret_value, err);
    if (strcmp(op, "refresh") == 0)
        return provider->refresh(service->impl, json_object_get(question, "claims"), ret_value,
                                 err);
    if (strcmp(op, "vault") == 0) {
        *ret_value = json_deep_copy(vault);
        return 0;
    }
    r = provider->login_url(service->impl, &login, &url, err);
    if (r == 0)
        *ret_value = json_string(url);
    free(url);
    return r;
}

static void answer(const struct ein_service *service, const char *line)
{
    json_t *question = json_loads(line, 0, NULL), *value = NULL, *said;
    struct ein_error err = { 0 };
    int r = ask(service, question, &value, &err);

    said = r < 0 ? json_pack("{s:i, s:s}", "error", r, "text", err.text)
                 : json_pack("{s:o}", "value", value);
    (void)json_dumpf(said, stdout, JSON_COMPACT);
    (void)printf("\n");
    (void)fflush(stdout);
    json_decref(said);
    json_decref(question);
}

static void answer_all(struct fake_host *host)
{
    const struct ein_service *service = fake_host_service(host, EIN_AUTH_PROVIDER);
    char *line = NULL;
    size_t size = 0;

    (void)printf("{\"value\":\"%s\"}\n", service->name);
    (void)fflush(stdout);
    while (getline(&line, &size, stdin) > 0)
        answer(service, line);
    free(line);
    if (host->log)
        (void)fprintf(stderr, "%s", host->log);
}

static int serve(const char *plugin_name, const char *settings, bool with_vault)
{
    struct fake_host *host = fake_host_new();
    json_t *egress = section_with("egress", NULL);
    struct fake_plugin *plugin = NULL;
    struct ein_error err = { 0 };
    int r = client_new(egress, NULL, 0, NULL, &client, &err);

    json_decref(egress);
    vault = json_object();
    host->table.client = &client_table;
    if (r == 0 && with_vault)
        r = host->table.publish(fake_host_ctx(host), EIN_VAULT, "vault", &vault_table, NULL, &err);
    if (r == 0)
        r = fake_plugin_open(host, plugin_name, json_loads(settings, 0, NULL), &plugin, &err);
    if (r == 0)
        r = fake_plugin_start(plugin, &err);
    if (r < 0)
        (void)printf("{\"error\":%d,\"text\":\"%s\"}\n", r, err.text);
    else
        answer_all(host);
    fake_plugin_close(plugin);
    fake_host_free(host);
    client_free(client);
    json_decref(vault);
    return 0;
}

int main(int count, char **arguments)
{
    if (count < 3)
        return 2;
    return serve(arguments[1], arguments[2], count == 3);
}
