/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"
#include "cleanup.h"
#include "clock.h"
#include "document.h"
#include "error.h"

#include <string.h>

#define DEFAULT_NAMESPACE "default"

static int session_open(void *impl, const char *user_id, struct ein_data_session **ret_session,
                        struct ein_error *err)
{
    size_t size = strlen(user_id) + 1;
    struct ein_data_session *session = calloc(1, sizeof(*session) + size);

    if (!session || touches_init(&session->touches) < 0) {
        free(session);
        return error_no_memory(err);
    }
    session->store = impl;
    memcpy(session->user, user_id, size);
    *ret_session = session;
    return 0;
}

static int session_call(struct ein_data_session *session, const char *agent, const char *op,
                        const json_t *args, json_t **ret_value, json_t **ret_entry,
                        struct ein_error *err)
{
    const json_t *given = json_object_get(args, "namespace");
    const char *ns = given ? json_string_value(given) : DEFAULT_NAMESPACE;
    char now[CLOCK_ISO_SIZE];

    if (!ns || (given && strlen(ns) != json_string_length(given)))
        return error_set(err, EIN_E_INVALID, "a namespace must be a string without U+0000");
    if (strlen(ns) > DOC_ID_MAX) /* likewise in the opsLog, and no record is in it */
        return error_set(err, EIN_E_INVALID, "a namespace has at most %d bytes", DOC_ID_MAX);
    clock_iso(now);
    EIN_JSON json_t *entry =
        json_pack("{s:s, s:s, s:s?, s:s}", "op", op, "namespace", ns, "agent", agent, "ts", now);
    if (!entry)
        return error_no_memory(err);

    struct op_call call = { .session = session,
                            .store = session->store,
                            .agent = agent,
                            .ns = ns,
                            .args = args,
                            .entry = entry,
                            .err = err };
    int r = op_run(&call, op, ret_value);
    if (r < 0)
        return r;
    *ret_entry = EIN_TAKE(entry);
    return 0;
}

static void session_close(struct ein_data_session *session)
{
    const struct data_store *store = session->store;
    struct ein_error err;

    if (touches_write(&session->touches, store, &err) < 0)
        store->host->log_msg(store->ctx, EIN_WARN, "access counts of a run were lost: %s",
                             err.text);
    touches_done(&session->touches);
    free(session);
}

const struct ein_data_store data_store_service = {
    .struct_size = sizeof(data_store_service),
    .open = session_open,
    .call = session_call,
    .close = session_close,
};
