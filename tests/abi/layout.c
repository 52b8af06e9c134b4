/* SPDX-License-Identifier: Apache-2.0 */
/* The binary layout of ABI 1 on 64-bit Linux: what a plugin compiled years ago relies on.
 * Lines are added, never changed: a line that no longer compiles is a broken ABI. */
#include <einion/services.h>

#ifndef __LP64__
#error "these offsets are those of LP64; write a list for this machine"
#endif

#define AT(type, member, offset)                                                                   \
    _Static_assert(offsetof(struct type, member) == (offset), #type "." #member " moved")
/* Without tail padding whatever is appended makes the struct longer, so struct_size tells. */
#define ENDS(type, member)                                                                         \
    _Static_assert(offsetof(struct type, member) + sizeof(((struct type *)0)->member) ==           \
                       sizeof(struct type),                                                        \
                   #type " has padding after " #member)
#define VALUE(name, value) _Static_assert((name) == (value), #name " was renumbered")
#define TEXT(name, value)                                                                          \
    _Static_assert(__builtin_strcmp(name, value) == 0, #name " is another word now")

_Static_assert(sizeof(struct ein_error) == 256, "ein_error is 256 bytes for ever");

AT(ein_error, code, 0);
AT(ein_error, text, 4);
ENDS(ein_error, text);

AT(ein_route, flags, 0);
AT(ein_route, auth, 4);
AT(ein_route, method, 8);
AT(ein_route, path, 16);
AT(ein_route, operation_id, 24);
AT(ein_route, summary, 32);
AT(ein_route, query_schema, 40);
AT(ein_route, body_schema, 48);
AT(ein_route, reply_schema, 56);
AT(ein_route, reply_type, 64);
AT(ein_route, scope, 72);
AT(ein_route, body_max, 80);
AT(ein_route, status, 84);
AT(ein_route, handle, 88);
AT(ein_route, error_schema, 96);
ENDS(ein_route, error_schema);

AT(ein_identity, struct_size, 0);
AT(ein_identity, flags, 4);
AT(ein_identity, uid, 8);
AT(ein_identity, email, 16);
AT(ein_identity, name, 24);
AT(ein_identity, provider, 32);
AT(ein_identity, proof, 40);
AT(ein_identity, roles, 48);
AT(ein_identity, scopes, 56);
AT(ein_identity, workspaces, 64);
AT(ein_identity, claims, 72);
ENDS(ein_identity, claims);

AT(ein_http, struct_size, 0);
AT(ein_http, reserved, 4);
AT(ein_http, add_routes, 8);
AT(ein_http, method, 16);
AT(ein_http, path, 24);
AT(ein_http, path_param, 32);
AT(ein_http, header, 40);
AT(ein_http, cookie, 48);
AT(ein_http, query, 56);
AT(ein_http, body, 64);
AT(ein_http, raw_body, 72);
AT(ein_http, identity, 80);
AT(ein_http, client_addr, 88);
AT(ein_http, request_id, 96);
AT(ein_http, trace_id, 104);
AT(ein_http, alloc, 112);
AT(ein_http, left_ms, 120);
AT(ein_http, cancel, 128);
AT(ein_http, log_msg, 136);
AT(ein_http, reply, 144);
AT(ein_http, reply_bytes, 152);
AT(ein_http, redirect, 160);
AT(ein_http, fail, 168);
AT(ein_http, fail_json, 176);
AT(ein_http, fail_error, 184);
AT(ein_http, set_header, 192);
AT(ein_http, set_cookie, 200);
AT(ein_http, send_event, 208);
AT(ein_http, send_bytes, 216);
AT(ein_http, origin, 224);
AT(ein_http, may, 232);
AT(ein_http, visible, 240);
AT(ein_http, navigates, 248);
AT(ein_http, reply_header, 256);
AT(ein_http, beat_early, 264);
ENDS(ein_http, beat_early);

AT(ein_cancels, struct_size, 0);
AT(ein_cancels, reserved, 4);
AT(ein_cancels, make, 8);
AT(ein_cancels, fire, 16);
AT(ein_cancels, fired, 24);
AT(ein_cancels, wait_fd, 32);
AT(ein_cancels, drop, 40);
ENDS(ein_cancels, drop);

AT(ein_fetch, struct_size, 0);
AT(ein_fetch, egress, 4);
AT(ein_fetch, connect_ms, 8);
AT(ein_fetch, first_byte_ms, 12);
AT(ein_fetch, idle_ms, 16);
AT(ein_fetch, total_ms, 20);
AT(ein_fetch, max_redirects, 24);
AT(ein_fetch, reserved, 28);
AT(ein_fetch, max_bytes, 32);
AT(ein_fetch, method, 40);
AT(ein_fetch, url, 48);
AT(ein_fetch, headers, 56);
AT(ein_fetch, body, 64);
AT(ein_fetch, body_len, 72);
AT(ein_fetch, on_send, 80);
AT(ein_fetch, on_head, 88);
AT(ein_fetch, on_data, 96);
AT(ein_fetch, data, 104);
AT(ein_fetch, cancel, 112);
AT(ein_fetch, piece_bytes, 120);
AT(ein_fetch, reserved_too, 124);
ENDS(ein_fetch, reserved_too);

AT(ein_fetched, struct_size, 0);
AT(ein_fetched, status, 4);
AT(ein_fetched, headers, 8);
AT(ein_fetched, body, 16);
AT(ein_fetched, body_len, 24);
ENDS(ein_fetched, body_len);

AT(ein_client, struct_size, 0);
AT(ein_client, reserved, 4);
AT(ein_client, fetch, 8);
ENDS(ein_client, fetch);

AT(ein_doc_op, kind, 0);
AT(ein_doc_op, reserved, 4);
AT(ein_doc_op, set, 8);
AT(ein_doc_op, id, 16);
AT(ein_doc_op, expect, 24);
AT(ein_doc_op, doc, 32);
AT(ein_doc_op, add_field, 40);
AT(ein_doc_op, add_by, 48);
AT(ein_doc_op, add_min, 56);
AT(ein_doc_op, ret_rev, 64);
AT(ein_doc_op, text, 104);
ENDS(ein_doc_op, text);

AT(ein_query, struct_size, 0);
AT(ein_query, limit, 4);
AT(ein_query, where, 8);
AT(ein_query, order, 16);
AT(ein_query, cursor, 24);
AT(ein_query, fields, 32);
ENDS(ein_query, fields);

AT(ein_store, struct_size, 0);
AT(ein_store, reserved, 4);
AT(ein_store, get, 8);
AT(ein_store, put, 16);
AT(ein_store, del, 24);
AT(ein_store, batch, 32);
AT(ein_store, find, 40);
AT(ein_store, tally, 48);
AT(ein_store, index, 56);
AT(ein_store, claim, 64);
AT(ein_store, sets, 72);
AT(ein_store, weigh, 80);
ENDS(ein_store, weigh);

AT(ein_span_told, struct_size, 0);
AT(ein_span_told, kind, 4);
AT(ein_span_told, trace_id, 8);
AT(ein_span_told, span_id, 16);
AT(ein_span_told, parent_id, 24);
AT(ein_span_told, name, 32);
AT(ein_span_told, began_ns, 40);
AT(ein_span_told, ended_ns, 48);
AT(ein_span_told, error, 56);
AT(ein_span_told, attributes, 64);
ENDS(ein_span_told, attributes);

AT(ein_tracing, struct_size, 0);
AT(ein_tracing, reserved, 4);
AT(ein_tracing, begin, 8);
AT(ein_tracing, end, 16);
AT(ein_tracing, where, 24);
AT(ein_tracing, enter, 32);
AT(ein_tracing, watch, 40);
ENDS(ein_tracing, watch);

AT(ein_service, iface, 0);
AT(ein_service, name, 8);
AT(ein_service, vtable, 16);
AT(ein_service, impl, 24);
ENDS(ein_service, impl);

AT(ein_host, struct_size, 0);
AT(ein_host, abi_major, 4);
AT(ein_host, abi_minor, 6);
AT(ein_host, version, 8);
AT(ein_host, http, 16);
AT(ein_host, cancel, 24);
AT(ein_host, client, 32);
AT(ein_host, store, 40);
AT(ein_host, log_msg, 48);
AT(ein_host, set_error, 56);
AT(ein_host, text_dup, 64);
AT(ein_host, mem_free, 72);
AT(ein_host, redact, 80);
AT(ein_host, secret, 88);
AT(ein_host, unready, 96);
AT(ein_host, publish, 104);
AT(ein_host, acquire, 112);
AT(ein_host, release, 120);
AT(ein_host, each_service, 128);
AT(ein_host, subscribe, 136);
AT(ein_host, emit, 144);
AT(ein_host, count, 152);
AT(ein_host, observe, 160);
AT(ein_host, gauge, 168);
AT(ein_host, submit, 176);
AT(ein_host, every, 184);
AT(ein_host, json_text, 192);
AT(ein_host, tracing, 200);
ENDS(ein_host, tracing);

AT(ein_plugin, magic, 0);
AT(ein_plugin, abi_major, 4);
AT(ein_plugin, abi_minor, 6);
AT(ein_plugin, struct_size, 8);
AT(ein_plugin, flags, 12);
AT(ein_plugin, min_host_minor, 16);
AT(ein_plugin, reserved, 20);
AT(ein_plugin, name, 24);
AT(ein_plugin, version, 32);
AT(ein_plugin, summary, 40);
AT(ein_plugin, config_schema, 48);
AT(ein_plugin, needs, 56);
AT(ein_plugin, init, 64);
AT(ein_plugin, start, 72);
AT(ein_plugin, stop, 80);
AT(ein_plugin, fini, 88);
AT(ein_plugin, check, 96);
ENDS(ein_plugin, check);

AT(ein_metric, struct_size, 0);
AT(ein_metric, kind, 4);
AT(ein_metric, name, 8);
AT(ein_metric, help, 16);
AT(ein_metric, labels, 24);
AT(ein_metric, value, 32);
AT(ein_metric, bounds, 40);
AT(ein_metric, counts, 48);
AT(ein_metric, bound_count, 56);
ENDS(ein_metric, bound_count);

AT(ein_server, struct_size, 0);
AT(ein_server, reserved, 4);
AT(ein_server, status, 8);
AT(ein_server, openapi, 16);
AT(ein_server, metrics, 24);
AT(ein_server, openapi_for, 32);
AT(ein_server, each_metric, 40);
ENDS(ein_server, each_metric);

AT(ein_openapi_source, struct_size, 0);
AT(ein_openapi_source, reserved, 4);
AT(ein_openapi_source, paths, 8);
ENDS(ein_openapi_source, paths);

AT(ein_storage_backend, struct_size, 0);
AT(ein_storage_backend, reserved, 4);
AT(ein_storage_backend, get, 8);
AT(ein_storage_backend, batch, 16);
AT(ein_storage_backend, find, 24);
AT(ein_storage_backend, tally, 32);
AT(ein_storage_backend, index, 40);
AT(ein_storage_backend, claim, 48);
AT(ein_storage_backend, backup, 56);
AT(ein_storage_backend, sets, 64);
AT(ein_storage_backend, takes_text, 72);
AT(ein_storage_backend, stand_still, 80);
AT(ein_storage_backend, weigh, 88);
ENDS(ein_storage_backend, weigh);

AT(ein_transfer, struct_size, 0);
AT(ein_transfer, reserved, 4);
AT(ein_transfer, export_to, 8);
AT(ein_transfer, import_from, 16);
ENDS(ein_transfer, import_from);

AT(ein_login, struct_size, 0);
AT(ein_login, reserved, 4);
AT(ein_login, redirect_uri, 8);
AT(ein_login, state, 16);
AT(ein_login, nonce, 24);
AT(ein_login, code_verifier, 32);
AT(ein_login, code, 40);
AT(ein_login, query, 48);
ENDS(ein_login, query);

AT(ein_auth_provider, struct_size, 0);
AT(ein_auth_provider, reserved, 4);
AT(ein_auth_provider, verify, 8);
AT(ein_auth_provider, login_url, 16);
AT(ein_auth_provider, exchange, 24);
AT(ein_auth_provider, describe, 32);
AT(ein_auth_provider, refresh, 40);
AT(ein_auth_provider, no_login, 48);
AT(ein_auth_provider, reserved_too, 52);
AT(ein_auth_provider, still, 56);
ENDS(ein_auth_provider, still);

AT(ein_blocks, struct_size, 0);
AT(ein_blocks, reserved, 4);
AT(ein_blocks, check, 8);
ENDS(ein_blocks, check);

AT(ein_ledger_entry, struct_size, 0);
AT(ein_ledger_entry, reserved, 4);
AT(ein_ledger_entry, cost, 8);
AT(ein_ledger_entry, user_id, 16);
AT(ein_ledger_entry, key_id, 24);
AT(ein_ledger_entry, agent_id, 32);
AT(ein_ledger_entry, run_id, 40);
AT(ein_ledger_entry, provider, 48);
AT(ein_ledger_entry, model, 56);
AT(ein_ledger_entry, request_id, 64);
AT(ein_ledger_entry, input_tokens, 72);
AT(ein_ledger_entry, cached_tokens, 80);
AT(ein_ledger_entry, cache_write_tokens, 88);
AT(ein_ledger_entry, output_tokens, 96);
AT(ein_ledger_entry, reasoning_tokens, 104);
AT(ein_ledger_entry, price, 112);
AT(ein_ledger_entry, metadata, 120);
ENDS(ein_ledger_entry, metadata);

AT(ein_payer, struct_size, 0);
AT(ein_payer, reserved, 4);
AT(ein_payer, user_id, 8);
AT(ein_payer, key_id, 16);
AT(ein_payer, period, 24);
AT(ein_payer, limit, 32);
ENDS(ein_payer, limit);

AT(ein_ledger, struct_size, 0);
AT(ein_ledger, reserved, 4);
AT(ein_ledger, reserve, 8);
AT(ein_ledger, extend, 16);
AT(ein_ledger, settle, 24);
AT(ein_ledger, release, 32);
AT(ein_ledger, reserve_key, 40);
AT(ein_ledger, key_left, 48);
ENDS(ein_ledger, key_left);

AT(ein_api_keys, struct_size, 0);
AT(ein_api_keys, reserved, 4);
AT(ein_api_keys, limits, 8);
ENDS(ein_api_keys, limits);

AT(ein_keeps, struct_size, 0);
AT(ein_keeps, reserved, 4);
AT(ein_keeps, sets, 8);
ENDS(ein_keeps, sets);

AT(ein_disk_quota, struct_size, 0);
AT(ein_disk_quota, reserved, 4);
AT(ein_disk_quota, take, 8);
ENDS(ein_disk_quota, take);

AT(ein_vault, struct_size, 0);
AT(ein_vault, reserved, 4);
AT(ein_vault, put, 8);
AT(ein_vault, get, 16);
AT(ein_vault, del, 24);
AT(ein_vault, wipe, 32);
AT(ein_vault, rotate, 40);
ENDS(ein_vault, rotate);

AT(ein_model_keys, struct_size, 0);
AT(ein_model_keys, reserved, 4);
AT(ein_model_keys, get, 8);
AT(ein_model_keys, wipe, 16);
AT(ein_model_keys, sources, 24);
ENDS(ein_model_keys, sources);

AT(ein_erasure, struct_size, 0);
AT(ein_erasure, reserved, 4);
AT(ein_erasure, erase, 8);
ENDS(ein_erasure, erase);

AT(ein_audit, struct_size, 0);
AT(ein_audit, reserved, 4);
AT(ein_audit, append, 8);
AT(ein_audit, verify, 16);
ENDS(ein_audit, verify);

AT(ein_error_shape, struct_size, 0);
AT(ein_error_shape, reserved, 4);
AT(ein_error_shape, path, 8);
AT(ein_error_shape, shape, 16);
ENDS(ein_error_shape, shape);

AT(ein_llm_call, struct_size, 0);
AT(ein_llm_call, flags, 4);
AT(ein_llm_call, connect_ms, 8);
AT(ein_llm_call, first_byte_ms, 12);
AT(ein_llm_call, idle_ms, 16);
AT(ein_llm_call, total_ms, 20);
AT(ein_llm_call, model, 24);
AT(ein_llm_call, api_key, 32);
AT(ein_llm_call, messages, 40);
AT(ein_llm_call, tools, 48);
AT(ein_llm_call, built_in_tools, 56);
AT(ein_llm_call, reply_schema, 64);
AT(ein_llm_call, parameters, 72);
AT(ein_llm_call, settings, 80);
AT(ein_llm_call, cancel, 88);
AT(ein_llm_call, tool_choice, 96);
AT(ein_llm_call, user_id, 104);
AT(ein_llm_call, visible, 112);
AT(ein_llm_call, scopes, 120);
AT(ein_llm_call, inputs, 128);
AT(ein_llm_call, key_id, 136);
ENDS(ein_llm_call, key_id);

AT(ein_llm_piece, struct_size, 0);
AT(ein_llm_piece, kind, 4);
AT(ein_llm_piece, text, 8);
AT(ein_llm_piece, data, 16);
AT(ein_llm_piece, vector, 24);
AT(ein_llm_piece, dimensions, 32);
AT(ein_llm_piece, index, 36);
ENDS(ein_llm_piece, index);

AT(ein_llm_outcome, struct_size, 0);
AT(ein_llm_outcome, fault, 4);
AT(ein_llm_outcome, vendor_status, 8);
AT(ein_llm_outcome, retry_after_ms, 12);
AT(ein_llm_outcome, input_tokens, 16);
AT(ein_llm_outcome, cached_tokens, 24);
AT(ein_llm_outcome, cache_write_tokens, 32);
AT(ein_llm_outcome, output_tokens, 40);
AT(ein_llm_outcome, reasoning_tokens, 48);
AT(ein_llm_outcome, stop_reason, 56);
AT(ein_llm_outcome, vendor_request_id, 88);
AT(ein_llm_outcome, vendor_cost, 216);
AT(ein_llm_outcome, model, 224);
AT(ein_llm_outcome, stop_sequence, 352);
AT(ein_llm_outcome, cache_hour_tokens, 416);
AT(ein_llm_outcome, searches, 424);
ENDS(ein_llm_outcome, searches);

AT(ein_llm_provider, struct_size, 0);
AT(ein_llm_provider, reserved, 4);
AT(ein_llm_provider, models, 8);
AT(ein_llm_provider, complete, 16);
AT(ein_llm_provider, models_of, 24);
AT(ein_llm_provider, embed, 32);
ENDS(ein_llm_provider, embed);

AT(ein_completion_call, struct_size, 0);
AT(ein_completion_call, flags, 4);
AT(ein_completion_call, total_ms, 8);
AT(ein_completion_call, reserved, 12);
AT(ein_completion_call, user_id, 16);
AT(ein_completion_call, key_id, 24);
AT(ein_completion_call, agent_id, 32);
AT(ein_completion_call, run_id, 40);
AT(ein_completion_call, request_id, 48);
AT(ein_completion_call, model, 56);
AT(ein_completion_call, messages, 64);
AT(ein_completion_call, tools, 72);
AT(ein_completion_call, built_in_tools, 80);
AT(ein_completion_call, reply_schema, 88);
AT(ein_completion_call, parameters, 96);
AT(ein_completion_call, tool_choice, 104);
AT(ein_completion_call, visible, 112);
AT(ein_completion_call, scopes, 120);
AT(ein_completion_call, cancel, 128);
AT(ein_completion_call, inputs, 136);
ENDS(ein_completion_call, inputs);

AT(ein_rate, limit, 0);
AT(ein_rate, remaining, 8);
AT(ein_rate, reset_ms, 16);
AT(ein_rate, reserved, 20);
ENDS(ein_rate, reserved);

AT(ein_completion_outcome, struct_size, 0);
AT(ein_completion_outcome, fault, 4);
AT(ein_completion_outcome, status, 8);
AT(ein_completion_outcome, retry_after_ms, 12);
AT(ein_completion_outcome, attempts, 16);
AT(ein_completion_outcome, reserved, 20);
AT(ein_completion_outcome, provider, 24);
AT(ein_completion_outcome, model, 88);
AT(ein_completion_outcome, requests, 280);
AT(ein_completion_outcome, tokens, 304);
AT(ein_completion_outcome, cost, 328);
AT(ein_completion_outcome, input_tokens, 336);
AT(ein_completion_outcome, cached_tokens, 344);
AT(ein_completion_outcome, cache_write_tokens, 352);
AT(ein_completion_outcome, output_tokens, 360);
AT(ein_completion_outcome, reasoning_tokens, 368);
AT(ein_completion_outcome, vendor_us, 376);
AT(ein_completion_outcome, overhead_us, 384);
AT(ein_completion_outcome, stop_reason, 392);
AT(ein_completion_outcome, stop_sequence, 424);
AT(ein_completion_outcome, vendor_request_id, 488);
AT(ein_completion_outcome, notes, 616);
AT(ein_completion_outcome, searches, 624);
ENDS(ein_completion_outcome, searches);

AT(ein_completion, struct_size, 0);
AT(ein_completion, reserved, 4);
AT(ein_completion, complete, 8);
AT(ein_completion, find, 16);
AT(ein_completion, catalog, 24);
AT(ein_completion, embed, 32);
ENDS(ein_completion, embed);

AT(ein_mcp_call, struct_size, 0);
AT(ein_mcp_call, total_ms, 4);
AT(ein_mcp_call, url, 8);
AT(ein_mcp_call, token, 16);
AT(ein_mcp_call, user_id, 24);
AT(ein_mcp_call, egress, 32);
AT(ein_mcp_call, reserved, 36);
AT(ein_mcp_call, cancel, 40);
AT(ein_mcp_call, on_progress, 48);
AT(ein_mcp_call, progress_data, 56);
ENDS(ein_mcp_call, progress_data);

AT(ein_mcp_client, struct_size, 0);
AT(ein_mcp_client, reserved, 4);
AT(ein_mcp_client, list_tools, 8);
AT(ein_mcp_client, call_tool, 16);
ENDS(ein_mcp_client, call_tool);

AT(ein_specs, struct_size, 0);
AT(ein_specs, reserved, 4);
AT(ein_specs, read, 8);
ENDS(ein_specs, read);

AT(ein_data_store, struct_size, 0);
AT(ein_data_store, reserved, 4);
AT(ein_data_store, open, 8);
AT(ein_data_store, call, 16);
AT(ein_data_store, close, 24);
ENDS(ein_data_store, close);

AT(ein_agent_run, struct_size, 0);
AT(ein_agent_run, timeout_ms, 4);
AT(ein_agent_run, run_id, 8);
AT(ein_agent_run, user_id, 16);
AT(ein_agent_run, agent_id, 24);
AT(ein_agent_run, agent_name, 32);
AT(ein_agent_run, code, 40);
AT(ein_agent_run, input, 48);
AT(ein_agent_run, tools, 56);
AT(ein_agent_run, imports, 64);
AT(ein_agent_run, agents, 72);
AT(ein_agent_run, llm_settings, 80);
AT(ein_agent_run, limits, 88);
AT(ein_agent_run, secrets, 96);
AT(ein_agent_run, cancel, 104);
AT(ein_agent_run, trace, 112);
AT(ein_agent_run, trace_data, 120);
AT(ein_agent_run, agent, 128);
AT(ein_agent_run, key_id, 136);
AT(ein_agent_run, request_id, 144);
AT(ein_agent_run, visible, 152);
AT(ein_agent_run, scopes, 160);
AT(ein_agent_run, stand_in, 168);
AT(ein_agent_run, stand_in_data, 176);
AT(ein_agent_run, lane, 184);
AT(ein_agent_run, lane_running, 192);
AT(ein_agent_run, lane_queue, 196);
ENDS(ein_agent_run, lane_queue);

AT(ein_agent_runtime, struct_size, 0);
AT(ein_agent_runtime, reserved, 4);
AT(ein_agent_runtime, run, 8);
AT(ein_agent_runtime, status, 16);
ENDS(ein_agent_runtime, status);

AT(ein_run_about, struct_size, 0);
AT(ein_run_about, flags, 4);
AT(ein_run_about, kind, 8);
AT(ein_run_about, user_id, 16);
AT(ein_run_about, workspace_id, 24);
AT(ein_run_about, agent_id, 32);
AT(ein_run_about, agent_name, 40);
AT(ein_run_about, request_id, 48);
AT(ein_run_about, key_id, 56);
AT(ein_run_about, version, 64);
AT(ein_run_about, code, 72);
AT(ein_run_about, input, 80);
AT(ein_run_about, parent, 88);
AT(ein_run_about, declared, 96);
AT(ein_run_about, repeats, 104);
ENDS(ein_run_about, repeats);

AT(ein_runs, struct_size, 0);
AT(ein_runs, reserved, 4);
AT(ein_runs, begin, 8);
AT(ein_runs, id, 16);
AT(ein_runs, cancel, 24);
AT(ein_runs, event, 32);
AT(ein_runs, end, 40);
AT(ein_runs, stop, 48);
AT(ein_runs, get, 56);
ENDS(ein_runs, get);

VALUE(EIN_E_INVALID, -1);
VALUE(EIN_E_NOT_FOUND, -2);
VALUE(EIN_E_CONFLICT, -3);
VALUE(EIN_E_DENIED, -4);
VALUE(EIN_E_UNAVAILABLE, -5);
VALUE(EIN_E_TIMEOUT, -6);
VALUE(EIN_E_CANCELLED, -7);
VALUE(EIN_E_NO_MEMORY, -8);
VALUE(EIN_E_UNSUPPORTED, -9);
VALUE(EIN_E_INTERNAL, -10);
VALUE(EIN_E_TOO_LARGE, -11);
VALUE(EIN_E_BUSY, -12);
VALUE(EIN_E_FULL, -13);
VALUE(EIN_DEBUG, 100);
VALUE(EIN_INFO, 200);
VALUE(EIN_WARN, 300);
VALUE(EIN_ERROR, 400);
VALUE(EIN_AUTH_NONE, 0);
VALUE(EIN_AUTH_OPTIONAL, 100);
VALUE(EIN_AUTH_USER, 200);
VALUE(EIN_AUTH_ADMIN, 300);
VALUE(EIN_ROUTE_RAW_BODY, 1);
VALUE(EIN_ROUTE_EVENTS, 2);
VALUE(EIN_ROUTE_PAGE, 65536);
VALUE(EIN_ROUTE_LAST, 131072);
VALUE(EIN_ROUTE_ONCE, 262144);
VALUE(EIN_ROUTE_ONCE_500, 524288);
VALUE(EIN_ROUTE_ONCE_OWN, 1048576);
VALUE(EIN_ROUTE_ETAG, 2097152);
VALUE(EIN_ROUTE_ONCE_SECRET, 4194304);
VALUE(EIN_IDENTITY_ADMIN, 1);
VALUE(EIN_COOKIE_HTTP_ONLY, 1);
VALUE(EIN_COOKIE_SECURE, 2);
VALUE(EIN_COOKIE_STRICT, 4);
VALUE(EIN_EGRESS_PUBLIC, 0);
VALUE(EIN_EGRESS_OPERATOR, 100);
VALUE(EIN_DOC_PUT, 100);
VALUE(EIN_DOC_UPDATE, 200);
VALUE(EIN_DOC_DELETE, 300);
VALUE(EIN_DOC_CHECK, 400);
VALUE(EIN_SPAN_INTERNAL, 100);
VALUE(EIN_SPAN_SERVER, 200);
VALUE(EIN_SPAN_CLIENT, 300);
VALUE(EIN_PLUGIN_SINGLE, 1);
VALUE(EIN_METRIC_COUNTER, 100);
VALUE(EIN_METRIC_GAUGE, 200);
VALUE(EIN_METRIC_HISTOGRAM, 300);
VALUE(EIN_LLM_TEXT, 100);
VALUE(EIN_LLM_THOUGHT, 200);
VALUE(EIN_LLM_TOOL_CALL, 300);
VALUE(EIN_LLM_SOURCE, 400);
VALUE(EIN_LLM_VECTOR, 500);
VALUE(EIN_LLM_SEARCH, 600);
VALUE(EIN_LLM_FAULT_NONE, 0);
VALUE(EIN_LLM_FAULT_BAD_KEY, 100);
VALUE(EIN_LLM_FAULT_NO_CREDIT, 200);
VALUE(EIN_LLM_FAULT_RATE_LIMIT, 300);
VALUE(EIN_LLM_FAULT_CONTEXT_TOO_LONG, 400);
VALUE(EIN_LLM_FAULT_REFUSED, 500);
VALUE(EIN_LLM_FAULT_OVERLOADED, 600);
VALUE(EIN_LLM_FAULT_BAD_REQUEST, 700);
VALUE(EIN_LLM_FAULT_UNREACHABLE, 800);
VALUE(EIN_COMPLETION_DROP, 1);
VALUE(EIN_COMPLETION_REFUSE, 2);
VALUE(EIN_RUN_DETACHED, 1);
VALUE(EIN_ABI_MAGIC, 1313424673u);
VALUE(EIN_ABI_MAJOR, 1);
VALUE(EIN_FETCH_ENOUGH, 100);
VALUE(EIN_FETCH_MAY_END, 101);
TEXT(EIN_REV_NEW, "");
VALUE(EIN_REV_SIZE, 40);
VALUE(EIN_TRACEPARENT_SIZE, 56);
TEXT(EIN_SERVER, "server/1");
TEXT(EIN_OPENAPI_SOURCE, "openapi_source/1");
TEXT(EIN_STORAGE_BACKEND, "storage_backend/1");
TEXT(EIN_TRANSFER, "transfer/1");
TEXT(EIN_AUTH_PROVIDER, "auth_provider/1");
VALUE(EIN_AUTH_DEFER, 1);
TEXT(EIN_BLOCKS, "blocks/1");
TEXT(EIN_LEDGER, "ledger/1");
VALUE(EIN_HOLD_SIZE, 40);
TEXT(EIN_API_KEYS, "api_keys/1");
TEXT(EIN_KEEPS, "keeps/1");
TEXT(EIN_DISK_QUOTA, "disk_quota/1");
TEXT(EIN_VAULT, "vault/1");
TEXT(EIN_MODEL_KEYS, "model_keys/1");
TEXT(EIN_ERASURE, "erasure/1");
TEXT(EIN_AUDIT, "audit/1");
TEXT(EIN_ERROR_SHAPE, "error_shape/1");
TEXT(EIN_LLM_PROVIDER, "llm_provider/1");
TEXT(EIN_COMPLETION, "completion/1");
TEXT(EIN_MCP_CLIENT, "mcp_client/1");
TEXT(EIN_SPECS, "specs/1");
TEXT(EIN_DATA_STORE, "data_store/1");
TEXT(EIN_AGENT_RUNTIME, "agent_runtime/1");
TEXT(EIN_RUNS, "runs/1");
