/* SPDX-License-Identifier: Apache-2.0 */
/* Mentions every public type, so that its debug information describes the whole ABI. */
#include <einion/services.h>

EIN_PUBLIC const struct ein_error *probe_ein_error;
EIN_PUBLIC const struct ein_route *probe_ein_route;
EIN_PUBLIC const struct ein_identity *probe_ein_identity;
EIN_PUBLIC const struct ein_http *probe_ein_http;
EIN_PUBLIC const struct ein_cancels *probe_ein_cancels;
EIN_PUBLIC const struct ein_fetch *probe_ein_fetch;
EIN_PUBLIC const struct ein_fetched *probe_ein_fetched;
EIN_PUBLIC const struct ein_client *probe_ein_client;
EIN_PUBLIC const struct ein_doc_op *probe_ein_doc_op;
EIN_PUBLIC const struct ein_query *probe_ein_query;
EIN_PUBLIC const struct ein_store *probe_ein_store;
EIN_PUBLIC const struct ein_service *probe_ein_service;
EIN_PUBLIC const struct ein_host *probe_ein_host;
EIN_PUBLIC const struct ein_plugin *probe_ein_plugin;
EIN_PUBLIC const struct ein_server *probe_ein_server;
EIN_PUBLIC const struct ein_storage_backend *probe_ein_storage_backend;
EIN_PUBLIC const struct ein_login *probe_ein_login;
EIN_PUBLIC const struct ein_auth_provider *probe_ein_auth_provider;
EIN_PUBLIC const struct ein_ledger_entry *probe_ein_ledger_entry;
EIN_PUBLIC const struct ein_ledger *probe_ein_ledger;
EIN_PUBLIC const struct ein_vault *probe_ein_vault;
EIN_PUBLIC const struct ein_model_keys *probe_ein_model_keys;
EIN_PUBLIC const struct ein_audit *probe_ein_audit;
EIN_PUBLIC const struct ein_error_shape *probe_ein_error_shape;
EIN_PUBLIC const struct ein_llm_call *probe_ein_llm_call;
EIN_PUBLIC const struct ein_llm_piece *probe_ein_llm_piece;
EIN_PUBLIC const struct ein_llm_outcome *probe_ein_llm_outcome;
EIN_PUBLIC const struct ein_llm_provider *probe_ein_llm_provider;
EIN_PUBLIC const struct ein_completion_call *probe_ein_completion_call;
EIN_PUBLIC const struct ein_rate *probe_ein_rate;
EIN_PUBLIC const struct ein_completion_outcome *probe_ein_completion_outcome;
EIN_PUBLIC const struct ein_completion *probe_ein_completion;
EIN_PUBLIC const struct ein_mcp_call *probe_ein_mcp_call;
EIN_PUBLIC const struct ein_mcp_client *probe_ein_mcp_client;
EIN_PUBLIC const struct ein_data_store *probe_ein_data_store;
EIN_PUBLIC const struct ein_agent_run *probe_ein_agent_run;
EIN_PUBLIC const struct ein_agent_runtime *probe_ein_agent_runtime;
EIN_PUBLIC enum ein_err probe_ein_err;
EIN_PUBLIC enum ein_level probe_ein_level;
EIN_PUBLIC enum ein_auth probe_ein_auth;
EIN_PUBLIC enum ein_egress probe_ein_egress;
EIN_PUBLIC enum ein_doc_kind probe_ein_doc_kind;
EIN_PUBLIC enum ein_llm_kind probe_ein_llm_kind;
EIN_PUBLIC enum ein_llm_fault probe_ein_llm_fault;
