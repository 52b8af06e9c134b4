/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"

#include "cleanup.h"
#include "ids.h"
#include "token.h"

#include <stdio.h>
#include <string.h>

enum { MARK_LEN = SESSION_SIZE - UUID_SIZE };

void sessions_init(struct sessions *sessions)
{
    (void)pthread_mutex_init(&sessions->lock, NULL);
}

void sessions_done(struct sessions *sessions)
{
    (void)pthread_mutex_destroy(&sessions->lock);
}

/* What ties it to the user.  It keeps nobody from making one up for themselves: there is nothing to
 * be had by that. */
static void sign(char id[SESSION_SIZE], const char *uid)
{
    char hash[TOKEN_HASH_SIZE];
    char text[UUID_SIZE + 512];

    (void)snprintf(text, sizeof(text), "%.*s %s", UUID_SIZE - 1, id, uid);
    token_hash(text, hash);
    memcpy(id + UUID_SIZE - 1, hash, MARK_LEN);
    id[SESSION_SIZE - 1] = '\0';
}

void session_make(const char *uid, char ret_id[SESSION_SIZE])
{
    uuid_make(ret_id);
    sign(ret_id, uid);
}

bool session_is_open(struct sessions *sessions, const char *id, const char *uid)
{
    char right[SESSION_SIZE];

    if (strlen(id) != SESSION_SIZE - 1)
        return false;
    memcpy(right, id, SESSION_SIZE);
    sign(right, uid);
    if (strcmp(right, id) != 0)
        return false;
    EIN_LOCKED(&sessions->lock);
    for (size_t i = 0; i < SESSIONS_ENDED; i++) {
        if (strcmp(sessions->ended[i], id) == 0)
            return false;
    }
    return true;
}

void session_end(struct sessions *sessions, const char *id)
{
    EIN_LOCKED(&sessions->lock);

    (void)snprintf(sessions->ended[sessions->next], SESSION_SIZE, "%s", id);
    sessions->next = (sessions->next + 1) % SESSIONS_ENDED;
}
