/* SPDX-License-Identifier: Apache-2.0 */
#include "buf.h"
#include "cleanup.h"
#include "dev_stub.h"
#include "html.h"
#include "percent.h"

#include <string.h>

static const char *parameter(const struct ein_http *http, struct ein_req *req, const char *name)
{
    const char *value = json_string_value(json_object_get(http->query(req), name));

    return value ? value : "";
}

static int write_link(struct buf *out, const struct dev_stub *stub, const char *uid,
                      const char *state)
{
    EIN_FREE char *text = html_escape(uid), *code = percent_encode(uid, "");

    if (!text || !code)
        return EIN_E_NO_MEMORY;
    (void)buf_printf(out, "<li><a href=\"/auth/callback/%s?code=%s&state=%s\">%s</a></li>\n",
                     stub->name, code, state, text);
    return 0;
}

/* One a user of the list with commas. */
static int write_links(struct buf *out, const struct dev_stub *stub, char *users, const char *state)
{
    char *rest = users, *uid;
    int r = 0;

    for (int i = 0; r == 0 && i < PICKER_USERS_MAX && (uid = strsep(&rest, ",")); i++)
        if (*uid)
            r = write_link(out, stub, uid, state);
    return r;
}

/* Those that the query names, or all. */
static char *users_of(const struct dev_stub *stub, struct ein_req *req)
{
    const char *users = parameter(stub->host->http, req, "users");

    return *users ? strdup(users) : dev_stub_uids(stub);
}

/* `redirect_uri` is known here, whatever the query says. */
int picker_show(struct ein_req *req, void *self)
{
    const struct dev_stub *stub = self;
    const struct ein_http *http = stub->host->http;
    EIN_FREE char *state = percent_encode(parameter(http, req, "state"), "");
    EIN_FREE char *users = users_of(stub, req);
    EIN_BUF struct buf body = BUF_INIT;
    int r;

    (void)buf_text(&body, "<p>This login is for development: it asks for no password.</p>\n<ul>\n");
    r = state && users ? write_links(&body, stub, users, state) : EIN_E_NO_MEMORY;
    if (buf_text(&body, "</ul>") < 0 || r < 0)
        return EIN_E_NO_MEMORY;
    return html_reply(http, req, 200, "Who are you?", body.data);
}
