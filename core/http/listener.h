/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Connections in, replies out.  One address, IPv4 or IPv6 ("::" takes both). */
struct listener;
struct http;

/* listen: {"address": "127.0.0.1", "port": 8000}; port 0 takes a free one.  Accepts from now on. */
int listener_start(struct http *http, const json_t *listen, struct listener **ret_listener,
                   struct ein_error *err);
uint16_t listener_port(const struct listener *listener);

/* No new connections; those that are open are closed after their next answer. */
void listener_quiesce(struct listener *listener);
/* Requests whose answer has not been sent. */
uint32_t listener_answering(const struct listener *listener);
/* Waits until there are none; false: the time is up. */
bool listener_drain(struct listener *listener, uint32_t timeout_ms);
/* Cancels what is still inside, closes every connection, waits for their threads; frees.  false:
 * a call has not come back within the time, and the listener and all it uses must stay. */
bool listener_stop(struct listener *listener, uint32_t timeout_ms);
