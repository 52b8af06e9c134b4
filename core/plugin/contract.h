/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct ein_error;

/* INVALID: `vtable` lacks what every caller of the interface counts on.  Interfaces that are not in
 * services.h are their plugins' own business. */
int contract_check(const char *iface, const char *name, const void *vtable, struct ein_error *err);
