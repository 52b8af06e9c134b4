/* SPDX-License-Identifier: Apache-2.0 */
#include "services.h"

#include "buf.h"
#include "cleanup.h"
#include "error.h"
#include "gate.h"
#include "list.h"
#include "rwlock.h"
#include "str.h"
#include <ctype.h>
#include <string.h>

enum { BUCKETS = 64 };

struct iface { /* made once, kept until the end */
    struct iface *next;
    char *name;
    char *default_name;  /* NULL: the first published */
    struct list entries; /* struct entry, as published */
};

struct entry {
    struct list link; /* in its iface, or withdrawn */
    struct ein_service service;
    struct gate *gate; /* the owner's; NULL: never leaves */
    uint64_t number;   /* grows along the list */
    uint32_t users;    /* atomic: acquired and not yet released */
    char names[];      /* iface NUL name NUL */
};

struct services {
    pthread_rwlock_t lock;
    struct iface *buckets[BUCKETS]; /* guarded by lock, with all below */
    struct list withdrawn;          /* struct entry */
    size_t count;                   /* entries and ifaces */
    uint64_t last_number;           /* of an entry */
};

static void unlock(pthread_rwlock_t **lock)
{
    (void)pthread_rwlock_unlock(*lock);
}

#define READING(services)                                                                          \
    __attribute__((cleanup(unlock), unused)) pthread_rwlock_t *held_ = &(services)->lock;          \
    (void)pthread_rwlock_rdlock(held_)
#define WRITING(services)                                                                          \
    __attribute__((cleanup(unlock), unused)) pthread_rwlock_t *held_ = &(services)->lock;          \
    (void)pthread_rwlock_wrlock(held_)

int services_new(struct services **ret_services)
{
    struct services *services = calloc(1, sizeof(*services));

    if (!services)
        return EIN_E_NO_MEMORY;
    rwlock_init(&services->lock);
    list_init(&services->withdrawn);
    *ret_services = services;
    return 0;
}

static void free_entries(struct list *entries)
{
    list_each(it, entries)
    {
        list_remove(it);
        free(list_entry(it, struct entry, link));
    }
}

void services_free(struct services *services)
{
    if (!services)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        while (services->buckets[i]) {
            struct iface *iface = services->buckets[i];

            services->buckets[i] = iface->next;
            free_entries(&iface->entries);
            free(iface->default_name);
            free(iface->name);
            free(iface);
        }
    }
    free_entries(&services->withdrawn);
    (void)pthread_rwlock_destroy(&services->lock);
    free(services);
}

static struct iface *iface_find(struct services *services, const char *name)
{
    struct iface *iface = services->buckets[str_hash(name) % BUCKETS];

    while (iface && !str_eq(iface->name, name))
        iface = iface->next;
    return iface;
}

static struct iface *iface_make(struct services *services, const char *name)
{
    struct iface **bucket = &services->buckets[str_hash(name) % BUCKETS];
    struct iface *iface = iface_find(services, name);

    if (iface || services->count >= SERVICES_MAX)
        return iface;
    iface = calloc(1, sizeof(*iface));
    if (!iface)
        return NULL;
    iface->name = strdup(name);
    if (!iface->name) {
        free(iface);
        return NULL;
    }
    list_init(&iface->entries);
    iface->next = *bucket;
    *bucket = iface;
    services->count++;
    return iface;
}

static struct entry *entry_find(const struct iface *iface, const char *name)
{
    list_each(it, &iface->entries)
    {
        struct entry *entry = list_entry(it, struct entry, link);

        if (str_eq(entry->service.name, name))
            return entry;
    }
    return NULL;
}

int services_set_default(struct services *services, const char *iface_name, const char *name)
{
    char *copy = name ? strdup(name) : NULL;
    struct iface *iface;
    WRITING(services);

    iface = iface_make(services, iface_name);
    if (!iface || (name && !copy)) {
        free(copy);
        return EIN_E_NO_MEMORY;
    }
    free(iface->default_name);
    iface->default_name = copy;
    return 0;
}

/* "name/NUMBER" */
static bool iface_is_valid(const char *iface)
{
    const char *slash = iface ? strrchr(iface, '/') : NULL;
    uint64_t version;

    return slash && slash > iface && isdigit((unsigned char)slash[1]) &&
           str_to_u64(slash + 1, &version) && version > 0 && strlen(iface) <= SERVICES_IFACE_MAX;
}

static bool name_is_valid(const char *name)
{
    size_t len = name ? strlen(name) : 0;

    return len > 0 && len <= SERVICES_NAME_MAX && str_is_utf8(name, len) && !str_has_control(name);
}

static struct entry *entry_new(struct gate *gate, const char *iface, const char *name,
                               const void *vtable, void *impl)
{
    size_t iface_size = strlen(iface) + 1, name_size = strlen(name) + 1;
    struct entry *entry = calloc(1, sizeof(*entry) + iface_size + name_size);

    if (!entry)
        return NULL;
    entry->gate = gate;
    entry->service =
        (struct ein_service){ .iface = memcpy(entry->names, iface, iface_size),
                              .name = memcpy(entry->names + iface_size, name, name_size),
                              .vtable = vtable,
                              .impl = impl };
    return entry;
}

int services_publish(struct services *services, struct gate *gate, const char *iface_name,
                     const char *name, const void *vtable, void *impl, struct ein_error *err)
{
    struct iface *iface;
    struct entry *entry;
    WRITING(services);

    if (!iface_is_valid(iface_name))
        return error_set(err, EIN_E_INVALID, "'%s' is not an interface name like \"storage/1\"",
                         iface_name ? iface_name : "");
    if (!name_is_valid(name))
        return error_set(err, EIN_E_INVALID, "%s needs a name of 1 to %d bytes of printable UTF-8",
                         iface_name, SERVICES_NAME_MAX);
    if (!vtable)
        return error_set(err, EIN_E_INVALID, "%s '%s' has no methods", iface_name, name);
    if (services->count >= SERVICES_MAX)
        return error_set(err, EIN_E_BUSY, "more than %d services", SERVICES_MAX);
    iface = iface_make(services, iface_name);
    entry = iface ? entry_find(iface, name) : NULL;
    if (entry)
        return error_set(err, EIN_E_CONFLICT, "%s '%s' is published already, by %s", iface_name,
                         name,
                         entry->gate && entry->gate->owner ? entry->gate->owner : "the server");
    entry = iface ? entry_new(gate, iface_name, name, vtable, impl) : NULL;
    if (!entry)
        return error_no_memory(err);
    entry->number = ++services->last_number;
    list_append(&iface->entries, &entry->link);
    services->count++;
    return 0;
}

void services_withdraw(struct services *services, const struct gate *gate)
{
    WRITING(services);

    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct iface *iface = services->buckets[i]; iface; iface = iface->next) {
            list_each(it, &iface->entries)
            {
                if (list_entry(it, struct entry, link)->gate != gate)
                    continue;
                list_remove(it);
                list_append(&services->withdrawn, it);
            }
        }
    }
}

void services_forget(struct services *services, const struct gate *gate)
{
    WRITING(services);

    list_each(it, &services->withdrawn)
    {
        struct entry *entry = list_entry(it, struct entry, link);

        if (entry->gate != gate)
            continue;
        list_remove(it);
        free(entry);
        services->count--;
    }
}

static bool entry_enter(struct entry *entry)
{
    if (entry->gate && !gate_enter(entry->gate))
        return false;
    (void)__atomic_add_fetch(&entry->users, 1, __ATOMIC_RELAXED);
    return true;
}

int services_acquire(struct services *services, const char *iface_name, const char *name,
                     const struct ein_service **ret_service)
{
    const struct iface *iface;
    READING(services);

    if (!ret_service)
        return EIN_E_INVALID;
    iface = iface_name ? iface_find(services, iface_name) : NULL;
    if (!iface)
        return EIN_E_NOT_FOUND;
    if (!name)
        name = iface->default_name;
    list_each(it, &iface->entries)
    {
        struct entry *entry = list_entry(it, struct entry, link);

        if ((!name || str_eq(entry->service.name, name)) && entry_enter(entry)) {
            *ret_service = &entry->service;
            return 0;
        }
    }
    return EIN_E_NOT_FOUND;
}

bool services_is_default(struct services *services, const char *iface_name, const struct gate *gate)
{
    const struct iface *iface;
    READING(services);

    iface = iface_find(services, iface_name);
    if (!iface)
        return false;
    list_each(it, &iface->entries)
    {
        const struct entry *entry = list_entry(it, struct entry, link);

        if (!iface->default_name || str_eq(entry->service.name, iface->default_name))
            return entry->gate == gate;
    }
    return false;
}

bool services_release(const struct ein_service *service)
{
    struct entry *entry;
    struct gate *gate;
    uint32_t users;

    if (!service)
        return true;
    entry = list_entry(service, struct entry, service);
    gate = entry->gate;
    /* Before leaving: once the gate has drained the entry is freed. */
    users = __atomic_load_n(&entry->users, __ATOMIC_RELAXED);
    do {
        if (users == 0)
            return false;
    } while (!__atomic_compare_exchange_n(&entry->users, &users, users - 1, true, __ATOMIC_RELEASE,
                                          __ATOMIC_RELAXED));
    if (gate)
        gate_leave(gate);
    return true;
}

/* The first service of IFACE published after NUMBER whose owner lets us in; NULL: there is none. */
static const struct entry *next_entry(struct services *services, const struct iface *iface,
                                      uint64_t number)
{
    READING(services);

    list_each(it, &iface->entries)
    {
        struct entry *entry = list_entry(it, struct entry, link);

        if (entry->number > number && entry_enter(entry))
            return entry;
    }
    return NULL;
}

static const struct iface *iface_of(struct services *services, const char *name)
{
    READING(services);

    return name ? iface_find(services, name) : NULL;
}

int services_each(struct services *services, const char *iface_name,
                  int (*visit)(const struct ein_service *service, void *data), void *data)
{
    const struct iface *iface = iface_of(services, iface_name);
    const struct entry *entry;
    uint64_t number = 0;
    int r = visit ? 0 : EIN_E_INVALID;

    while (iface && r == 0 && (entry = next_entry(services, iface, number))) {
        number = entry->number;
        r = visit(&entry->service, data);
        services_release(&entry->service);
    }
    return r;
}

static int found(const struct ein_service *service, void *data)
{
    (void)service;
    (void)data;
    return 1;
}

bool services_has(struct services *services, const char *iface)
{
    return services_each(services, iface, found, NULL) > 0;
}

static void describe_held(const struct entry *entry, const struct gate *gate, struct buf *out)
{
    uint32_t users = __atomic_load_n(&entry->users, __ATOMIC_ACQUIRE);

    if (entry->gate == gate && users > 0)
        (void)buf_printf(out, "%s%s '%s' (%u)", out->len ? ", " : "", entry->service.iface,
                         entry->service.name, users);
}

void services_held(struct services *services, const struct gate *gate, char *out, size_t size)
{
    struct buf text;
    READING(services);

    buf_init(&text, size > 1 ? size - 1 : 0);
    for (size_t i = 0; i < BUCKETS; i++) {
        for (const struct iface *iface = services->buckets[i]; iface; iface = iface->next) {
            list_each(it, &iface->entries)
                describe_held(list_entry(it, struct entry, link), gate, &text);
        }
    }
    list_each(it, &services->withdrawn)
        describe_held(list_entry(it, struct entry, link), gate, &text);
    if (size > 0)
        (void)snprintf(out, size, "%s", buf_str(&text));
    buf_done(&text);
}
