/* SPDX-License-Identifier: Apache-2.0 */
#include "client_world.h"

#include "section.h"
#include <stdio.h>

struct upstream upstream;
struct client *client;

struct reply run_on(struct client *of, struct ein_fetch *what, const char *path)
{
    struct reply reply = { .got = { .struct_size = sizeof reply.got } };
    char url[CLIENT_URL_MAX + 64];

    if (path[0] == '/')
        (void)snprintf(url, sizeof url, "http://127.0.0.1:%d%s", upstream.port, path);
    else
        (void)snprintf(url, sizeof url, "%s", path);
    what->struct_size = sizeof *what;
    what->url = url;
    reply.r = client_fetch(of, what, &reply.got, &reply.err);
    what->url = NULL;
    return reply;
}

struct reply run(struct ein_fetch *what, const char *path)
{
    return run_on(client, what, path);
}

struct ein_fetch by_operator(void)
{
    return (struct ein_fetch){ .egress = EIN_EGRESS_OPERATOR };
}

struct reply get(const char *path)
{
    struct ein_fetch what = by_operator();

    return run(&what, path);
}

void done(struct reply *reply)
{
    json_decref(reply->got.headers);
    free(reply->got.body);
}

const char *header(const struct reply *reply, const char *name)
{
    return json_string_value(json_object_get(reply->got.headers, name));
}

void assert_ok(const struct reply *reply)
{
    if (reply->r != 0)
        fail_msg("%d: %s", reply->r, reply->err.text);
}

void assert_fails(const struct reply *reply, int code, const char *text)
{
    if (reply->r != code || reply->err.code != code || !strstr(reply->err.text, text))
        fail_msg("%d, '%s' instead of %d, '%s'", reply->r, reply->err.text, code, text);
    assert_null(reply->got.body);
    assert_null(reply->got.headers);
}

json_t *echoed(const struct reply *reply)
{
    json_t *json;

    assert_ok(reply);
    assert_int_equal(reply->got.status, 200);
    json = json_loads(reply->got.body, 0, NULL);
    assert_non_null(json);
    return json;
}

const char *sent_header(const json_t *echo, const char *name)
{
    const json_t *pair;
    size_t i;

    json_array_foreach(json_object_get(echo, "headers"), i, pair)
    {
        if (strcmp(json_string_value(json_array_get(pair, 0)), name) == 0)
            return json_string_value(json_array_get(pair, 1));
    }
    return NULL;
}

int64_t send_piece(void *data, void *piece, size_t size)
{
    struct sender *sender = data;
    size_t len = sender->left < size ? sender->left : size;

    assert_true(pthread_equal(pthread_self(), sender->thread));
    if (sender->fail && sender->calls >= (size_t)sender->fail)
        return -1;
    sender->calls++;
    memset(piece, 1, len);
    sender->left -= len;
    return (int64_t)len;
}

int client_world_setup(void **state)
{
    json_t *settings = section_with("egress", NULL);
    struct ein_error err;
    int r = upstream_start(&upstream);

    if (r == 0)
        r = client_new(settings, NULL, 0, NULL, &client, &err);
    json_decref(settings);
    return r;
}

int client_world_teardown(void **state)
{
    client_free(client);
    upstream_stop(&upstream);
    return 0;
}
