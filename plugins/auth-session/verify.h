/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Published as "session": the cookie. */
extern const struct ein_auth_provider session_provider;
