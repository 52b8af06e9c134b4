/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <stdbool.h>

enum { SERVICES_MAX = 1024, SERVICES_IFACE_MAX = 127, SERVICES_NAME_MAX = 127 };

/* What plugins offer each other, by interface and name.  Any thread. */
struct services;
struct gate;

int services_new(struct services **ret_services);
void services_free(struct services *services);

/* The name that acquire(iface, NULL) means.  name NULL: the first published again. */
int services_set_default(struct services *services, const char *iface, const char *name);
/* Whether acquire() without a name means what the owner of `gate` offers, once its gate is open. */
bool services_is_default(struct services *services, const char *iface, const struct gate *gate);

/* `gate` is the owner's, and is what services_withdraw() knows it by.  CONFLICT if iface+name is
 * taken; INVALID if either is empty, too long, or iface does not end in "/NUMBER". */
int services_publish(struct services *services, struct gate *gate, const char *iface,
                     const char *name, const void *vtable, void *impl, struct ein_error *err);

/* Nothing of this owner is found from now on; what was acquired stays valid until it is released.
 */
void services_withdraw(struct services *services, const struct gate *gate);

/* After its gate has drained: frees what was withdrawn. */
void services_forget(struct services *services, const struct gate *gate);

/* With the owner's gate entered until services_release().  NOT_FOUND if nobody offers it, or the
 * owner has not started or is leaving. */
int services_acquire(struct services *services, const char *iface, const char *name,
                     const struct ein_service **ret_service);
/* NULL is fine.  False: it is released more often than acquired. */
bool services_release(const struct ein_service *service);

/* Visits in the order of publishing, under no lock, each with its owner's gate entered.  What
 * visit() returned if that was not 0. */
int services_each(struct services *services, const char *iface,
                  int (*visit)(const struct ein_service *service, void *data), void *data);
/* Does anybody offer it whose gate is open? */
bool services_has(struct services *services, const char *iface);

/* Tells which services of this owner are still acquired: "llm_provider/1 openai (2)", or "". */
void services_held(struct services *services, const struct gate *gate, char *out, size_t size);
