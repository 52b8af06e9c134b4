/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "data_store.h"
#include "touches.h"
#include <einion/services.h>
#include <jansson.h>

struct ein_data_session {
    const struct data_store *store;
    struct touches touches;
    char user[];
};

extern const struct ein_data_store data_store_service;

/* One operation of an agent, and what it says of itself. */
struct op_call {
    struct ein_data_session *session;
    const struct data_store *store;
    const char *agent, *ns; /* agent may be NULL */
    const json_t *args;
    size_t gathered; /* bytes of the values for the answer */
    size_t memory;   /* that they take */
    json_t *entry;   /* the line of the opsLog: operations add their members */
    struct ein_error *err;
};

/* Does `op`; its value in *ret_value.  EIN_E_INVALID for one that is unknown. */
int op_run(struct op_call *call, const char *op, json_t **ret_value);
