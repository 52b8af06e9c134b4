/* SPDX-License-Identifier: Apache-2.0 */
#include "completion_fixture.h"

#include "price.h"

#define NANO INT64_C(1000000000)

static struct fixture *current; /* the catalog's functions have no other way to it */

/* ---- the catalog ---- */

static struct model model_of(const char *provider, const char *id, double input, double output,
                             const char *json)
{
    struct model model = { .provider = provider,
                           .id = id,
                           .json = json_loads(json, 0, NULL),
                           .priced = true,
                           .context_window = 400000,
                           .max_output = 1000,
                           .time_percent = 100 };

    for (size_t i = 0; i < PRICE_KINDS; i++)
        model.price[i] = model.long_price[i] = -1;
    model.price[PRICE_INPUT] = (int64_t)(input * 1e9);
    model.price[PRICE_OUTPUT] = (int64_t)(output * 1e9);
    return model;
}

static void fill_catalog(struct fixture *fixture)
{
    fixture->catalog[0] =
        model_of("openai", "gpt-5.2", 1.75, 14,
                 "{\"price\": {\"input\": 1.75, \"output\": 14}, \"parameters\": {\"max_tokens\":"
                 " {\"type\": \"integer\", \"min\": 1, \"max\": 1000}}}");
    fixture->catalog[1] = model_of("anthropic", "claude", 3, 15, "{\"parameters\": {\"a\": {}}}");
    fixture->catalog[2] = model_of("ollama", "llama", 0, 0, "{\"parameters\": {}}");
    fixture->catalog[3] = model_of("nobody", "home", 1, 1, "{\"parameters\": {}}");
}

int catalog_find(struct catalog *catalog, const char *user_id, const char *model,
                 const json_t *visible, struct found *ret_found, struct ein_error *err)
{
    for (size_t i = 0; i < 4; i++) {
        char name[128];
        const struct model *one = &current->catalog[i];
        snprintf(name, sizeof(name), "%s/%s", one->provider, one->id);
        if (strcmp(name, model) != 0 && strcmp(one->id, model) != 0)
            continue;
        __atomic_add_fetch(&current->found, 1, __ATOMIC_RELAXED);
        *ret_found = (struct found){ (struct snapshot *)current, one };
        return 0;
    }
    return current->host->table.set_error(err, EIN_E_NOT_FOUND, "There is no model '%s'", model);
}

void found_drop(struct found *found)
{
    if (found->snapshot)
        __atomic_sub_fetch(&current->found, 1, __ATOMIC_RELAXED);
    found->snapshot = NULL;
}

int models_find(void *impl, const char *user_id, const char *model, const json_t *visible,
                json_t **ret_found, struct ein_error *err)
{
    (void)impl, (void)user_id, (void)model, (void)visible, (void)ret_found, (void)err;
    return EIN_E_UNSUPPORTED;
}

int models_catalog(void *impl, const char *user_id, const json_t *visible, json_t **ret_catalog,
                   struct ein_error *err)
{
    (void)impl, (void)user_id, (void)visible, (void)ret_catalog, (void)err;
    return EIN_E_UNSUPPORTED;
}

/* ---- providers ---- */

struct provider {
    struct fixture *fixture;
    const char *name;
};

static void remember(struct fixture *fixture, const char *provider, const struct ein_llm_call *call)
{
    char *parameters = json_dumps(call->parameters, JSON_COMPACT);

    snprintf(fixture->asked[fixture->next], sizeof(fixture->asked[0]), "%s/%s", provider,
             call->model);
    snprintf(fixture->key, sizeof(fixture->key), "%s", call->api_key ? call->api_key : "-");
    snprintf(fixture->parameters, sizeof(fixture->parameters), "%s", parameters ? parameters : "");
    fixture->first_byte_ms = call->first_byte_ms;
    fixture->idle_ms = call->idle_ms;
    fixture->total_ms = call->total_ms;
    free(parameters);
}

static int send_pieces(const struct step *step, ein_llm_sink *sink, void *data)
{
    for (size_t i = 0; i < 4 && step->pieces[i]; i++) {
        const struct ein_llm_piece piece = { .struct_size = sizeof(piece),
                                             .kind = EIN_LLM_TEXT,
                                             .text = step->pieces[i] };
        if (sink(&piece, data))
            return EIN_E_CANCELLED;
    }
    EIN_JSON json_t *cited = json_pack("{s:s}", "url", "https://example.org");
    const struct ein_llm_piece source = { .struct_size = sizeof(source),
                                          .kind = EIN_LLM_SOURCE,
                                          .data = cited };
    if (step->cites && sink(&source, data))
        return EIN_E_CANCELLED;
    if (!step->tool)
        return 0;
    EIN_JSON json_t *call = json_pack("{s:s, s:s, s:o}", "id", "1", "name", "f", "arguments",
                                      json_loads(step->tool, 0, NULL));
    const struct ein_llm_piece piece = { .struct_size = sizeof(piece),
                                         .kind = EIN_LLM_TOOL_CALL,
                                         .data = call };
    return sink(&piece, data) ? EIN_E_CANCELLED : 0;
}

static const struct step *next_step(const struct provider *provider,
                                    const struct ein_llm_call *call)
{
    struct fixture *fixture = provider->fixture;

    if (fixture->many)
        return &fixture->steps[0];
    assert_true(fixture->next < STEPS);
    remember(fixture, provider->name, call);
    return &fixture->steps[fixture->next++];
}

static int provider_complete(void *impl, const struct ein_llm_call *call, ein_llm_sink *sink,
                             void *data, struct ein_llm_outcome *outcome, struct ein_error *err)
{
    const struct provider *provider = impl;
    struct fixture *fixture = provider->fixture;

    const struct step *step = next_step(provider, call);
    outcome->fault = step->fault;
    outcome->vendor_status = step->status;
    outcome->retry_after_ms = step->retry_after_ms;
    outcome->input_tokens = step->input;
    outcome->cached_tokens = step->cached;
    outcome->output_tokens = step->output;
    outcome->reasoning_tokens = step->reasoning;
    outcome->vendor_cost = step->vendor_cost;
    if (step->meanwhile)
        step->meanwhile(fixture);
    int r = send_pieces(step, sink, data);
    if (r == 0)
        r = step->r;
    if (r < 0)
        return fixture->host->table.set_error(err, r, "%s",
                                              step->words ? step->words : "It failed");
    snprintf(outcome->stop_reason, sizeof(outcome->stop_reason), "stop");
    return r;
}

static const struct ein_llm_provider provider_service = {
    .struct_size = sizeof(provider_service),
    .complete = provider_complete,
};

static struct provider providers[] = { { NULL, "openai" },
                                       { NULL, "anthropic" },
                                       { NULL, "ollama" } };

/* ---- keys ---- */

static int key_get(void *impl, const char *user_id, const char *provider, char **ret_key,
                   const char **ret_source, struct ein_error *err)
{
    struct fixture *fixture = impl;
    EIN_LOCKED(&fixture->lock);

    if (fixture->key_result < 0)
        return fixture->host->table.set_error(err, fixture->key_result, "The vault is closed");
    if (!fixture->secret)
        return fixture->host->table.set_error(err, EIN_E_NOT_FOUND, "There is no key");
    *ret_key = strdup(fixture->secret);
    *ret_source = "user";
    fixture->keys_out++;
    return 0;
}

static void key_wipe(void *impl, char *take_key)
{
    struct fixture *fixture = impl;
    EIN_LOCKED(&fixture->lock);

    fixture->keys_out--;
    free(take_key);
}

static const struct ein_model_keys keys_service = { .struct_size = sizeof(keys_service),
                                                    .get = key_get,
                                                    .wipe = key_wipe };

/* ---- the ledger ---- */

static int ledger_reserve(void *impl, const char *user_id, int64_t bound, uint32_t lease_ms,
                          char ret_hold[EIN_HOLD_SIZE], struct ein_error *err)
{
    struct fixture *fixture = impl;
    EIN_LOCKED(&fixture->lock);

    assert_true(lease_ms > 0);
    if (fixture->reserve_result < 0)
        return fixture->host->table.set_error(err, fixture->reserve_result,
                                              "Insufficient spend allowance to complete request");
    fixture->bound = bound;
    fixture->holds++;
    snprintf(ret_hold, EIN_HOLD_SIZE, "hold-%d", ++fixture->reserved);
    return 0;
}

static int ledger_extend(void *impl, const char *hold, uint32_t lease_ms, struct ein_error *err)
{
    struct fixture *fixture = impl;
    EIN_LOCKED(&fixture->lock);

    (void)hold, (void)lease_ms, (void)err;
    fixture->extended++;
    return fixture->extend_result;
}

static void copy(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text ? text : "");
}

static void copy_json(char *to, size_t size, const json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);

    copy(to, size, text);
    free(text);
}

static int ledger_settle(void *impl, const char *hold, const struct ein_ledger_entry *entry,
                         struct ein_error *err)
{
    struct fixture *fixture = impl;
    EIN_LOCKED(&fixture->lock);

    if (fixture->settle_result < 0)
        return fixture->host->table.set_error(err, fixture->settle_result, "The disk is full");
    fixture->holds -= hold ? 1 : 0;
    fixture->sum += (uint64_t)entry->cost;
    if (fixture->many)
        return 0;
    assert_true(fixture->settled_count < SETTLED);
    struct settled *settled = &fixture->settled[fixture->settled_count++];
    settled->cost = entry->cost;
    copy(settled->hold, sizeof(settled->hold), hold);
    copy(settled->provider, sizeof(settled->provider), entry->provider);
    copy(settled->model, sizeof(settled->model), entry->model);
    copy(settled->key_id, sizeof(settled->key_id), entry->key_id);
    copy(settled->agent_id, sizeof(settled->agent_id), entry->agent_id);
    copy(settled->run_id, sizeof(settled->run_id), entry->run_id);
    copy(settled->request_id, sizeof(settled->request_id), entry->request_id);
    copy_json(settled->metadata, sizeof(settled->metadata), entry->metadata);
    copy_json(settled->price, sizeof(settled->price), entry->price);
    settled->input = entry->input_tokens;
    settled->cached = entry->cached_tokens;
    settled->cache_write = entry->cache_write_tokens;
    settled->output = entry->output_tokens;
    settled->reasoning = entry->reasoning_tokens;
    return 0;
}

static int ledger_release(void *impl, const char *hold, struct ein_error *err)
{
    struct fixture *fixture = impl;
    EIN_LOCKED(&fixture->lock);

    (void)hold, (void)err;
    fixture->released++;
    fixture->holds--;
    return 0;
}

static const struct ein_ledger ledger_service = { .struct_size = sizeof(ledger_service),
                                                  .reserve = ledger_reserve,
                                                  .extend = ledger_extend,
                                                  .settle = ledger_settle,
                                                  .release = ledger_release };

/* ---- the fixture ---- */

static const char defaults[] =
    "{\"parameters\": \"drop\", \"pass_parameters\": [], \"pass_tools\": [\"web_search\"], "
    "\"connect_ms\": 10000,"
    " \"first_byte_ms\": 60000, \"idle_ms\": 50000, \"total_ms\": 600000, \"token_us\": 20000,"
    " \"retries\": 2, \"retry_base_ms\": 1, \"retry_max_ms\": 2, \"retry_after_max_ms\": 60000,"
    " \"fallbacks\": {}, \"limits\": {}, \"image_tokens\": 1000, \"output_tokens\": 500,"
    " \"fallback_on\": [\"no_credit\", \"rate_limit\", \"overloaded\", \"unreachable\"],"
    " \"hold_lease_ms\": 1000, \"max_notes\": 64}";

void set(struct fixture *fixture, const char *name, json_t *take_value)
{
    completion_done(&fixture->models);
    json_object_set_new(fixture->config, name, take_value);
    assert_int_equal(completion_init(&fixture->models, fixture->config, NULL), 0);
}

static void publish(struct fixture *fixture, const char *iface, const char *name,
                    const void *vtable, void *impl)
{
    struct fake_host *host = fixture->host;

    assert_int_equal(host->table.publish(fake_host_ctx(host), iface, name, vtable, impl, NULL), 0);
}

int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    current = fixture;
    (void)pthread_mutex_init(&fixture->lock, NULL);
    fixture->host = fake_host_new();
    fixture->models.host = &fixture->host->table;
    fixture->models.ctx = fake_host_ctx(fixture->host);
    fixture->config = json_loads(defaults, 0, NULL);
    fill_catalog(fixture);
    assert_int_equal(completion_init(&fixture->models, fixture->config, NULL), 0);
    assert_int_equal(completion_start(&fixture->models), 0);
    publish(fixture, EIN_LEDGER, "users", &ledger_service, fixture);
    publish(fixture, EIN_MODEL_KEYS, "users", &keys_service, fixture);
    for (size_t i = 0; i < 3; i++) {
        providers[i].fixture = fixture;
        publish(fixture, EIN_LLM_PROVIDER, providers[i].name, &provider_service, &providers[i]);
    }
    fixture->cancel = fake_cancels.make(fixture->models.ctx, NULL);
    *state = fixture;
    return 0;
}

/* Whatever happened: no hold is open, no key lies about, no snapshot is kept. */
int teardown(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(fixture->holds, fixture->settle_result < 0 ? fixture->reserved : 0);
    assert_int_equal(fixture->keys_out, 0);
    assert_int_equal(fixture->found, 0);
    for (size_t i = 0; i < 4; i++)
        json_decref(fixture->catalog[i].json);
    fake_cancels.drop(fixture->cancel);
    completion_done(&fixture->models);
    fake_host_free(fixture->host);
    json_decref(fixture->config);
    (void)pthread_mutex_destroy(&fixture->lock);
    free(fixture);
    return 0;
}

/* ---- asking ---- */

struct listener {
    struct result *result;
    int left;
};

static int listen(const struct ein_llm_piece *piece, void *data)
{
    struct listener *listener = data;
    struct result *result = listener->result;
    size_t len = strlen(result->text);

    snprintf(result->text + len, sizeof(result->text) - len, "%s", piece->text ? piece->text : "*");
    result->pieces++;
    return listener->left > 0 && --listener->left == 0;
}

struct result ask_with(struct fixture *fixture, struct ein_completion_call call, int stop_after)
{
    EIN_JSON json_t *messages = json_pack("[{s:s, s:s}]", "role", "user", "content",
                                          "0123456789012345678901234567890123456789");
    struct result result = { .outcome = { .struct_size = sizeof(result.outcome) } };
    struct listener listener = { &result, stop_after };

    call.struct_size = sizeof(call);
    call.user_id = "alice";
    call.cancel = fixture->cancel;
    if (!call.messages)
        call.messages = messages;
    result.r = completion_complete(&fixture->models, &call, listen, &listener, &result.outcome,
                                   &result.err);
    copy_json(result.notes, sizeof(result.notes), result.outcome.notes);
    json_decref(result.outcome.notes);
    result.outcome.notes = NULL;
    return result;
}

struct result ask(struct fixture *fixture, const char *model)
{
    return ask_with(fixture, (struct ein_completion_call){ .model = model }, 0);
}
