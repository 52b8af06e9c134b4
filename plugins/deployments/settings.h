/* SPDX-License-Identifier: Apache-2.0 */
/* What may be set for the deployments of an agent. */
#pragma once

#include "scopes.h"

/* clang-format off */
#define SETTING(name, least, most, description) \
    "\"" name "\":{\"type\":[\"integer\",\"null\"],\"default\":null,\"minimum\":" #least \
    ",\"maximum\":" #most ",\"description\":\"" description "\"}"

/* Null: as the server has it.  Those after `scope` are limits of one run, and can only lower what
 * the runtime is configured with; see served_limits. */
#define SETTINGS_PROPERTIES \
    SETTING("concurrency", 1, 4096, "Runs at a time, on each server; more wait; null: no limit of its own") "," \
    SETTING("queue", 0, 65536, "Runs that wait for one of these; above it they are refused with 429") "," \
    "\"scope\":{\"type\":[\"string\",\"null\"],\"default\":null,\"pattern\":\"" SCOPE_PATTERN "\"," \
    "\"description\":\"What a key must carry besides deployments:run\"}," \
    SETTING("timeoutMs", 1, 7200000, "Wall time of a run") "," \
    SETTING("cpuSeconds", 1, 7200, "CPU time of one process") "," \
    SETTING("memoryMb", 64, 65536, "Resident memory of one process") "," \
    SETTING("addressSpaceMb", 128, 65536, "Address space of one process") "," \
    SETTING("threads", 2, 1024, "Threads of one process") "," \
    SETTING("openFiles", 16, 1024, "Descriptors of one process") "," \
    SETTING("outputEvents", 0, 100000, "Lines that a run prints and logs") "," \
    SETTING("traceKb", 1, 1048576, "All of the trace of a run") "," \
    SETTING("resultKb", 1, 16384, "What it returns, as JSON") "," \
    SETTING("calls", 1, 1000000, "Calls of a run to the server") "," \
    SETTING("httpCalls", 0, 100000, "HTTP requests of a run") "," \
    SETTING("llmCalls", 0, 100000, "Model calls of a run") "," \
    SETTING("mcpCalls", 0, 100000, "Calls of a run to MCP servers")
#define SETTINGS_SCHEMA \
    "{\"type\":\"object\",\"title\":\"DeploymentSettings\",\"properties\":{" SETTINGS_PROPERTIES "}}"
/* clang-format on */
