/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PIPELINE_INSIDE_H
#define PIPELINE_INSIDE_H

#include "request.h"
#include "stats.h"
#include <pthread.h>
#include <stdbool.h>

/* What the files of this room ask of the pipeline. */
struct log;
struct pipeline;
struct services;
struct watch;
struct wrong_logins;

const struct settings *pipeline_settings(const struct pipeline *pipeline); /* at this moment */
struct log *pipeline_log(const struct pipeline *pipeline);
struct services *pipeline_services(const struct pipeline *pipeline);
struct watch *pipeline_watch(const struct pipeline *pipeline);
struct stats *pipeline_stats(struct pipeline *pipeline);
struct wrong_logins *pipeline_wrong_logins(struct pipeline *pipeline);

/* 32 hex digits that nobody else has, with no system call. */
void pipeline_make_id(struct pipeline *pipeline, char out[REQUEST_ID_SIZE]);

/* The handler, and with it what is due at its end. */
int pipeline_call(struct ein_req *req);

/* One more stream; false: there are as many as may be. */
bool pipeline_enter_stream(struct pipeline *pipeline, uint32_t max);
void pipeline_leave_stream(struct pipeline *pipeline);

#endif
