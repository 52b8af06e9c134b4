/* SPDX-License-Identifier: Apache-2.0 */
#include "wrong_logins.h"
#include "cleanup.h"
#include "clock.h"
#include "ip.h"
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { WAYS = 8 }; /* addresses that share a place */

struct entry {
    struct ip ip;
    int64_t since_ms; /* of the first of the minute; 0: nobody's */
    uint32_t count;
};

struct wrong_logins {
    pthread_mutex_t lock;
    uint64_t seed;
    uint32_t places, waiting; /* the latter is guarded by lock */
    struct entry entries[];   /* places * WAYS, guarded by lock */
};

struct wrong_logins *wrong_logins_new(uint32_t addresses)
{
    uint32_t places = addresses / WAYS > 0 ? addresses / WAYS : 1;
    struct wrong_logins *it =
        calloc(1, sizeof(*it) + (size_t)places * WAYS * sizeof(it->entries[0]));

    if (!it || getrandom(&it->seed, sizeof(it->seed), 0) != (ssize_t)sizeof(it->seed)) {
        free(it);
        return NULL;
    }
    (void)pthread_mutex_init(&it->lock, NULL);
    it->places = places;
    return it;
}

void wrong_logins_free(struct wrong_logins *it)
{
    if (!it)
        return;
    (void)pthread_mutex_destroy(&it->lock);
    free(it);
}

/* Whoever has an IPv6 address has the network of 64 bits around it as well. */
static struct ip key_of(const char *addr)
{
    struct ip ip = { { 0 } };
    unsigned bits;

    if (ip_parse(addr, &ip, &bits) && !ip_is_v4(&ip))
        memset(ip.bytes + 8, 0, 8);
    return ip;
}

static uint64_t hash_of(uint64_t seed, const struct ip *ip)
{
    uint64_t hash = seed;

    for (size_t i = 0; i < sizeof(ip->bytes); i++) {
        hash = (hash ^ ip->bytes[i]) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
    }
    return hash;
}

static bool is_over(const struct entry *entry, int64_t now)
{
    return entry->since_ms == 0 || now - entry->since_ms >= WRONG_LOGINS_WINDOW_MS;
}

/* Under the lock: the address's entry, or the oldest of its place. */
static struct entry *entry_of(struct wrong_logins *it, const struct ip *ip)
{
    struct entry *place = &it->entries[hash_of(it->seed, ip) % it->places * WAYS], *oldest = place;

    for (struct entry *entry = place; entry < place + WAYS; entry++) {
        if (entry->since_ms != 0 && memcmp(&entry->ip, ip, sizeof(*ip)) == 0)
            return entry;
        if (entry->since_ms < oldest->since_ms)
            oldest = entry;
    }
    return oldest;
}

static uint32_t count_of(const struct entry *entry, const struct ip *ip, int64_t now,
                         uint32_t *ret_left_ms)
{
    bool counts = !is_over(entry, now) && memcmp(&entry->ip, ip, sizeof(*ip)) == 0;

    if (ret_left_ms)
        *ret_left_ms = counts ? (uint32_t)(WRONG_LOGINS_WINDOW_MS - (now - entry->since_ms)) : 0;
    return counts ? entry->count : 0;
}

uint32_t wrong_logins_count(struct wrong_logins *it, const char *addr, uint32_t *ret_left_ms)
{
    const struct ip ip = key_of(addr);

    EIN_LOCKED(&it->lock);
    return count_of(entry_of(it, &ip), &ip, clock_mono_ms(), ret_left_ms);
}

uint32_t wrong_logins_add(struct wrong_logins *it, const char *addr, uint32_t *ret_left_ms)
{
    const struct ip ip = key_of(addr);
    int64_t now = clock_mono_ms();
    struct entry *entry;

    EIN_LOCKED(&it->lock);
    entry = entry_of(it, &ip);
    if (count_of(entry, &ip, now, NULL) == 0)
        *entry = (struct entry){ .ip = ip, .since_ms = now };
    if (entry->count < UINT32_MAX)
        entry->count++;
    return count_of(entry, &ip, now, ret_left_ms);
}

static bool begin_waiting(struct wrong_logins *it)
{
    EIN_LOCKED(&it->lock);
    if (it->waiting == WRONG_LOGINS_WAITING_MAX)
        return false;
    it->waiting++;
    return true;
}

void wrong_logins_wait(struct wrong_logins *it, uint32_t ms)
{
    const struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

    if (ms == 0 || !begin_waiting(it))
        return;
    (void)nanosleep(&time, NULL);
    EIN_LOCKED(&it->lock);
    it->waiting--;
}
