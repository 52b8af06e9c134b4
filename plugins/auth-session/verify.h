/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VERIFY_H
#define VERIFY_H

/* Published as "session": the cookie. */
extern const struct ein_auth_provider session_provider;

#endif
