/* SPDX-License-Identifier: Apache-2.0 */
/* /users/me/usage and /admin/usage */
#include "account.h"
#include "calendar.h"
#include "cleanup.h"
#include "report.h"

#include <string.h>

#define DEFAULT_SPAN_MS (INT64_C(30) * 86400 * 1000)

static bool wants_csv(const struct ein_http *http, const struct ein_req *req)
{
    const char *format = text_of(http->query(req), "format");
    const char *accept = http->header(req, "Accept");

    return format ? strcmp(format, "csv") == 0 : accept && strcasestr(accept, "text/csv");
}

/* 0, or the status that was replied. */
static int read_time(const struct users *users, struct ein_req *req, const char *name,
                     const struct zone *zone, int64_t otherwise_ms, int64_t *ret_ms)
{
    const char *text = text_of(users->host->http->query(req), name);

    *ret_ms = otherwise_ms;
    if (!text || calendar_parse(zone, text, strcmp(name, "to") == 0, ret_ms))
        return 0;
    return users->host->http->fail(req, 422,
                                   "'%s' is no day (2026-11-24) and no moment in ISO 8601 or "
                                   "milliseconds.",
                                   name);
}

static int reply_csv(const struct users *users, struct ein_req *req, const struct report *report)
{
    const struct ein_http *http = users->host->http;
    size_t len;
    EIN_FREE char *text = report_csv(report, &len);

    if (!text ||
        http->set_header(req, "Content-Disposition", "attachment; filename=\"usage.csv\"") < 0)
        return EIN_E_NO_MEMORY;
    return http->reply_bytes(req, 200, "text/csv; charset=utf-8", text, len);
}

static int reply_report(const struct users *users, struct ein_req *req, struct report *report)
{
    const struct ein_http *http = users->host->http;
    EIN_JSON json_t *groups = json_object();
    EIN_JSON json_t *total = json_object();
    EIN_JSON json_t *names = json_object();
    struct ein_error err;

    report->cancel = http->cancel(req);
    report->groups = groups;
    report->total = total;
    report->names = names;
    if (!groups || !total || !names)
        return EIN_E_NO_MEMORY;
    int r = report_run(report, &err);
    if (r == EIN_E_TOO_LARGE)
        return http->fail(req, 422, "%s", err.text);
    if (r < 0)
        return http->fail_error(req, &err);
    return wants_csv(http, req) ? reply_csv(users, req, report)
                                : http->reply(req, 200, report_json(report));
}

static int report(const struct users *users, struct ein_req *req, const char *uid,
                  const char *time_zone)
{
    const struct ein_http *http = users->host->http;
    struct report report = { .users = users,
                             .uid = uid,
                             .by = text_of(http->query(req), "by"),
                             .time_zone = time_zone ? time_zone : users->time_zone };
    struct ein_error err;
    struct zone *zone;
    int r = account_zone(users, time_zone, &zone, &err);

    if (r < 0)
        return http->fail_error(req, &err);
    report.zone = zone;
    r = read_time(users, req, "to", zone, clock_wall_ms() + 1, &report.to_ms);
    if (r == 0)
        r = read_time(users, req, "from", zone, report.to_ms - DEFAULT_SPAN_MS, &report.from_ms);
    if (r == 0)
        r = reply_report(users, req, &report);
    account_zone_free(users, zone);
    return r;
}

int report_mine(struct ein_req *req, void *self)
{
    const struct users *users = self;
    const char *uid = users->host->http->identity(req)->uid;
    EIN_ACCOUNT struct account account = { 0 };
    struct ein_error err;

    if (account_get(users, uid, NULL, &account, &err) < 0)
        return users->host->http->fail_error(req, &err);
    return report(users, req, uid, text_of(account.user, "timeZone"));
}

int report_all(struct ein_req *req, void *self)
{
    return report(self, req, NULL, NULL);
}
