/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "account.h"

/* The user as the API has it, with the latest usage and the masks of its keys. */
int user_show(const struct users *users, const struct account *account, json_t **ret_shown,
              struct ein_error *err);
/* 0, or the status that was replied to an If-Match of another revision. */
int user_check_match(const struct users *users, struct ein_req *req, const char *uid);
/* Replies with it. */
int user_reply(const struct users *users, struct ein_req *req, const struct account *account);
