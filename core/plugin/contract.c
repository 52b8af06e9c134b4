/* SPDX-License-Identifier: Apache-2.0 */
#include "contract.h"
#include "error.h"
#include "str.h"
#include <einion/services.h>
#include <string.h>

/* The members that are called without asking: nobody would say whose fault the crash is. */
static const struct {
    const char *iface, *member;
    size_t at;
} members[] = {
#define MEMBER(iface, type, member)                                                                \
    {                                                                                              \
        iface, #member, offsetof(struct type, member)                                              \
    }
    MEMBER(EIN_STORAGE_BACKEND, ein_storage_backend, get),
    MEMBER(EIN_STORAGE_BACKEND, ein_storage_backend, batch),
    MEMBER(EIN_STORAGE_BACKEND, ein_storage_backend, find),
    MEMBER(EIN_LLM_PROVIDER, ein_llm_provider, complete),
    MEMBER(EIN_AGENT_RUNTIME, ein_agent_runtime, run),
    MEMBER(EIN_COMPLETION, ein_completion, complete),
    MEMBER(EIN_COMPLETION, ein_completion, find),
    MEMBER(EIN_COMPLETION, ein_completion, catalog),
    MEMBER(EIN_LEDGER, ein_ledger, reserve),
    MEMBER(EIN_LEDGER, ein_ledger, extend),
    MEMBER(EIN_LEDGER, ein_ledger, settle),
    MEMBER(EIN_LEDGER, ein_ledger, release),
    MEMBER(EIN_API_KEYS, ein_api_keys, limits),
    MEMBER(EIN_KEEPS, ein_keeps, sets),
    MEMBER(EIN_DISK_QUOTA, ein_disk_quota, take),
    MEMBER(EIN_BLOCKS, ein_blocks, check),
    MEMBER(EIN_ERASURE, ein_erasure, erase),
    MEMBER(EIN_VAULT, ein_vault, put),
    MEMBER(EIN_VAULT, ein_vault, get),
    MEMBER(EIN_VAULT, ein_vault, del),
    MEMBER(EIN_VAULT, ein_vault, wipe),
    MEMBER(EIN_MODEL_KEYS, ein_model_keys, get),
    MEMBER(EIN_MODEL_KEYS, ein_model_keys, wipe),
    MEMBER(EIN_AUDIT, ein_audit, append),
    MEMBER(EIN_ERROR_SHAPE, ein_error_shape, path),
    MEMBER(EIN_ERROR_SHAPE, ein_error_shape, shape),
    MEMBER(EIN_OPENAPI_SOURCE, ein_openapi_source, paths),
    MEMBER(EIN_MCP_CLIENT, ein_mcp_client, list_tools),
    MEMBER(EIN_MCP_CLIENT, ein_mcp_client, call_tool),
    MEMBER(EIN_SPECS, ein_specs, read),
    MEMBER(EIN_DATA_STORE, ein_data_store, open),
    MEMBER(EIN_DATA_STORE, ein_data_store, call),
    MEMBER(EIN_DATA_STORE, ein_data_store, close),
    MEMBER(EIN_RUNS, ein_runs, begin),
    MEMBER(EIN_RUNS, ein_runs, id),
    MEMBER(EIN_RUNS, ein_runs, cancel),
    MEMBER(EIN_RUNS, ein_runs, event),
    MEMBER(EIN_RUNS, ein_runs, end),
#undef MEMBER
};

/* Who counts what somebody keeps asks for all sets at once, and for each at every write. */
static int check_sets(const char *name, const char *const *sets, struct ein_error *err)
{
#define LETTERS "abcdefghijklmnopqrstuvwxyz_0123456789"
    for (size_t i = 0; sets[i]; i += 2) {
        if (!str_only(sets[i], LETTERS))
            return error_set(err, EIN_E_INVALID, EIN_KEEPS " '%s': '%s' is not the name of a set",
                             name, sets[i]);
        if (!sets[i + 1] || !str_only(sets[i + 1], LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ."))
            return error_set(err, EIN_E_INVALID,
                             EIN_KEEPS
                             " '%s': after the set '%s' comes no field that names its owner",
                             name, sets[i]);
    }
    return 0;
#undef LETTERS
}

int contract_check(const char *iface, const char *name, const void *vtable, struct ein_error *err)
{
    uint32_t size;

    for (size_t i = 0; vtable && i < sizeof(members) / sizeof(members[0]); i++) {
        const void *member;

        if (!str_eq(iface, members[i].iface))
            continue;
        memcpy(&size, vtable, sizeof(size));
        if (size < members[i].at + sizeof(member))
            return error_set(err, EIN_E_INVALID,
                             "%s '%s': its struct_size, %u, does not reach as far as %s", iface,
                             name, size, members[i].member);
        memcpy(&member, (const char *)vtable + members[i].at, sizeof(member));
        if (!member)
            return error_set(err, EIN_E_INVALID, "%s '%s' has no %s", iface, name,
                             members[i].member);
    }
    if (vtable && str_eq(iface, EIN_KEEPS))
        return check_sets(name, ((const struct ein_keeps *)vtable)->sets, err);
    return 0;
}
