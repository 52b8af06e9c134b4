/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"

#include "buf.h"
#include "cleanup.h"
#include "error.h"
#include "metrics_process.h"
#include "rwlock.h"
#include "str.h"
#include <einion/services.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { BUCKETS = 256, BOUNDS = 15, WORDS_MAX = 1024 };

enum kind { COUNTER, GAUGE, HISTOGRAM };

static const char *const kind_names[] = { "counter", "gauge", "histogram" };

/* Seconds, from a cache hit to a long answer of a model. */
static const double seconds[BOUNDS] = { 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                        0.25,   0.5,   1,      2.5,   10,   60,    300 };

/* Anything else: bytes, tokens. */
static const double counts[BOUNDS] = { 1,       4,       16,       64,       256,
                                       1024,    4096,    16384,    65536,    262144,
                                       1048576, 4194304, 16777216, 67108864, 268435456 };

struct metric {
    struct metric *next, *hash_next; /* of its family; of its bucket */
    struct metric *given_next;       /* of its bucket in `given` */
    char *given;                     /* the words by which it was first looked up */
    size_t given_len;
    struct family *family;
    char *labels;   /* key="value",... escaped; "" if none */
    double value;   /* atomic; a histogram's sum */
    uint64_t *hits; /* atomic; a histogram's counts by bucket, BOUNDS + 1 */
};

struct family {
    struct family *next;
    char *name, *help;
    char *keys; /* "key,key" */
    enum kind kind;
    const double *bounds; /* of a histogram */
    struct metric *first, *last;
    size_t count;
};

struct metrics {
    pthread_rwlock_t lock;
    struct family *first, *last; /* guarded by lock, with all below */
    size_t count;
    struct metric *buckets[BUCKETS]; /* by name and text of the labels */
    /* By the words of a look-up: found without making a text.  Read without the lock, too: what is
     * in it stays as it is. */
    struct metric *given[BUCKETS];
};

int metrics_new(struct metrics **ret_metrics)
{
    struct metrics *metrics = calloc(1, sizeof(*metrics));

    if (!metrics)
        return EIN_E_NO_MEMORY;
    rwlock_init(&metrics->lock);
    *ret_metrics = metrics;
    return 0;
}

static void metric_free(struct metric *metric)
{
    if (!metric)
        return;
    free(metric->labels);
    free(metric->given);
    free(metric->hits);
    free(metric);
}

static void family_free(struct family *family)
{
    if (!family)
        return;
    while (family->first) {
        struct metric *metric = family->first;

        family->first = metric->next;
        metric_free(metric);
    }
    free(family->name);
    free(family->help);
    free(family->keys);
    free(family);
}

void metrics_free(struct metrics *metrics)
{
    if (!metrics)
        return;
    while (metrics->first) {
        struct family *family = metrics->first;

        metrics->first = family->next;
        family_free(family);
    }
    (void)pthread_rwlock_destroy(&metrics->lock);
    free(metrics);
}

/* ---- names and labels ---- */

static bool name_is_valid(const char *name, bool may_have_colon)
{
    if (!name || !*name || (*name >= '0' && *name <= '9'))
        return false;
    for (; *name; name++) {
        bool letter = (*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z');

        if (!letter && !(*name >= '0' && *name <= '9') && *name != '_' &&
            !(*name == ':' && may_have_colon))
            return false;
    }
    return true;
}

static bool labels_are_valid(const char *const *labels, enum kind kind)
{
    size_t count = 0;

    for (; labels && labels[0]; labels += 2) {
        if (++count > METRICS_LABELS_MAX || !name_is_valid(labels[0], false) || !labels[1] ||
            str_starts(labels[0], "__") || (kind == HISTOGRAM && str_eq(labels[0], "le")))
            return false;
    }
    return true;
}

static void add_escaped(struct buf *out, const char *text, size_t len, bool quotes)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n')
            (void)buf_text(out, "\\n");
        else if (text[i] == '\\' || (text[i] == '"' && quotes))
            (void)buf_printf(out, "\\%c", text[i]);
        else
            (void)buf_char(out, text[i]);
    }
}

/* key="value",...; `value` (may be NULL) instead of each of the labels' own. */
static char *labels_text(const char *const *labels, const char *value)
{
    struct buf out;
    bool first = true;

    buf_init(&out, (size_t)METRICS_LABELS_MAX * (2 * METRICS_VALUE_MAX + 256));
    for (; labels && labels[0]; labels += 2, first = false) {
        const char *used = value ? value : labels[1];

        if (!first)
            (void)buf_char(&out, ',');
        (void)buf_text(&out, labels[0]);
        (void)buf_text(&out, "=\"");
        size_t len = (size_t)str_cut(used, METRICS_VALUE_MAX);
        if (str_is_utf8(used, len))
            add_escaped(&out, used, len, true);
        (void)buf_char(&out, '"');
    }
    return buf_take(&out, NULL);
}

static char *keys_text(const char *const *labels)
{
    struct buf out;

    buf_init(&out, METRICS_TEXT_MAX);
    for (; labels && labels[0]; labels += 2)
        (void)buf_printf(&out, "%s,", labels[0]);
    return buf_take(&out, NULL);
}

/* ---- finding ---- */

static struct metric **bucket_of(struct metrics *metrics, const char *name, const char *labels)
{
    return &metrics->buckets[(str_hash(name) * 31 + str_hash(labels)) % BUCKETS];
}

static struct metric *series_find(struct metrics *metrics, const char *name, enum kind kind,
                                  const char *labels)
{
    struct metric *metric = *bucket_of(metrics, name, labels);

    while (metric && !(str_eq(metric->family->name, name) && str_eq(metric->labels, labels)))
        metric = metric->hash_next;
    return metric && metric->family->kind == kind ? metric : NULL;
}

/* What is looked up: its name, and its labels as they are given, each with its NUL. */
struct words {
    char text[WORDS_MAX];
    size_t len;
};

static bool take_word(struct words *words, const char *word)
{
    size_t size = word ? strlen(word) + 1 : SIZE_MAX;

    if (size > sizeof(words->text) - words->len)
        return false;
    memcpy(words->text + words->len, word, size);
    words->len += size;
    return true;
}

/* False: a label has no value, or they are too long to be found so. */
static bool take_words(struct words *words, const char *name, const char *const *labels)
{
    bool all;

    words->len = 0;
    all = take_word(words, name);
    for (; all && labels && labels[0]; labels += 2)
        all = take_word(words, labels[0]) && take_word(words, labels[1]);
    return all;
}

static struct metric **given_of(struct metrics *metrics, const struct words *words)
{
    return &metrics->given[str_hash_bytes(words->text, words->len) % BUCKETS];
}

static struct metric *given_find(struct metrics *metrics, enum kind kind, const struct words *words)
{
    struct metric *metric = __atomic_load_n(given_of(metrics, words), __ATOMIC_ACQUIRE);

    while (metric &&
           (metric->given_len != words->len || memcmp(metric->given, words->text, words->len) != 0))
        metric = metric->given_next;
    return metric && metric->family->kind == kind ? metric : NULL;
}

/* Without memory it is found the longer way. */
static void given_add(struct metrics *metrics, struct metric *metric, const struct words *words)
{
    struct metric **bucket = given_of(metrics, words);

    metric->given = malloc(words->len);
    if (!metric->given)
        return;
    memcpy(metric->given, words->text, words->len);
    metric->given_len = words->len;
    metric->given_next = *bucket;
    __atomic_store_n(bucket, metric, __ATOMIC_RELEASE);
}

static struct family *family_find(struct metrics *metrics, const char *name)
{
    struct family *family = metrics->first;

    while (family && !str_eq(family->name, name))
        family = family->next;
    return family;
}

static struct family *family_make(struct metrics *metrics, const char *name, const char *help,
                                  enum kind kind, const char *const *labels)
{
    EIN_FREE char *keys = keys_text(labels);
    struct family *family = family_find(metrics, name);

    if (family)
        return family->kind == kind && keys && str_eq(family->keys, keys) ? family : NULL;
    if (!keys || metrics->count >= METRICS_FAMILIES_MAX || metrics_process_has(name))
        return NULL;
    family = calloc(1, sizeof(*family));
    if (!family)
        return NULL;
    family->kind = kind;
    family->bounds = str_ends(name, "_seconds") ? seconds : counts;
    family->keys = EIN_TAKE(keys);
    family->name = strdup(name);
    family->help = help ? strdup(help) : NULL;
    if (!family->name || (help && !family->help)) {
        family_free(family);
        return NULL;
    }
    *(metrics->last ? &metrics->last->next : &metrics->first) = family;
    metrics->last = family;
    metrics->count++;
    return family;
}

static struct metric *series_make(struct metrics *metrics, struct family *family, char *take_labels)
{
    struct metric **bucket = bucket_of(metrics, family->name, take_labels);
    struct metric *metric = calloc(1, sizeof(*metric));

    if (!metric) {
        free(take_labels);
        return NULL;
    }
    metric->family = family;
    metric->labels = take_labels;
    if (family->kind == HISTOGRAM) {
        metric->hits = calloc(BOUNDS + 1, sizeof(*metric->hits));
        if (!metric->hits) {
            metric_free(metric);
            return NULL;
        }
    }
    *(family->last ? &family->last->next : &family->first) = metric;
    family->last = metric;
    family->count++;
    metric->hash_next = *bucket;
    *bucket = metric;
    return metric;
}

/* The lock is held for writing.  WORDS may be NULL. */
static struct metric *find_or_make(struct metrics *metrics, const char *name, const char *help,
                                   enum kind kind, const char *const *labels,
                                   const struct words *words, char *take_text)
{
    EIN_FREE char *text = take_text;
    struct metric *metric = series_find(metrics, name, kind, text);
    struct family *family;
    bool is_other = false;

    if (metric)
        return metric;
    family = family_make(metrics, name, help, kind, labels);
    if (!family)
        return NULL;
    if (labels && labels[0] && family->count >= METRICS_SERIES_MAX) {
        is_other = true;
        free(text);
        text = labels_text(labels, "other");
        metric = text ? series_find(metrics, name, kind, text) : NULL;
        if (metric || !text)
            return metric;
    }
    metric = series_make(metrics, family, EIN_TAKE(text));
    if (metric && words && !is_other)
        given_add(metrics, metric, words);
    return metric;
}

static struct metric *lookup(struct metrics *metrics, const char *name, const char *help,
                             enum kind kind, const char *const *labels)
{
    struct words words;
    bool quick = take_words(&words, name, labels);
    struct metric *metric = quick ? given_find(metrics, kind, &words) : NULL;
    char *text;

    if (metric)
        return metric;
    if (!name_is_valid(name, true) || !labels_are_valid(labels, kind))
        return NULL;
    text = labels_text(labels, NULL);
    if (!text)
        return NULL;
    (void)pthread_rwlock_rdlock(&metrics->lock);
    metric = series_find(metrics, name, kind, text);
    (void)pthread_rwlock_unlock(&metrics->lock);
    if (metric) {
        free(text);
        return metric;
    }
    (void)pthread_rwlock_wrlock(&metrics->lock);
    metric = find_or_make(metrics, name, help, kind, labels, quick ? &words : NULL, text);
    (void)pthread_rwlock_unlock(&metrics->lock);
    return metric;
}

struct metric *metrics_counter(struct metrics *metrics, const char *name, const char *help,
                               const char *const *labels)
{
    return lookup(metrics, name, help, COUNTER, labels);
}

struct metric *metrics_gauge(struct metrics *metrics, const char *name, const char *help,
                             const char *const *labels)
{
    return lookup(metrics, name, help, GAUGE, labels);
}

struct metric *metrics_histogram(struct metrics *metrics, const char *name, const char *help,
                                 const char *const *labels)
{
    return lookup(metrics, name, help, HISTOGRAM, labels);
}

/* ---- counting ---- */

static void add(double *to, double by)
{
    double was, sum;

    __atomic_load(to, &was, __ATOMIC_RELAXED);
    do
        sum = was + by;
    while (!__atomic_compare_exchange(to, &was, &sum, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
}

void metric_add(struct metric *metric, double by)
{
    if (!metric || metric->family->kind == HISTOGRAM || isnan(by))
        return;
    if (metric->family->kind == GAUGE || by >= 0)
        add(&metric->value, by);
}

void metric_set(struct metric *metric, double value)
{
    if (metric && metric->family->kind == GAUGE)
        __atomic_store(&metric->value, &value, __ATOMIC_RELAXED);
}

void metric_observe(struct metric *metric, double value)
{
    size_t at = 0;

    if (!metric || metric->family->kind != HISTOGRAM || isnan(value))
        return;
    while (at < BOUNDS && value > metric->family->bounds[at])
        at++;
    (void)__atomic_add_fetch(&metric->hits[at], 1, __ATOMIC_RELAXED);
    add(&metric->value, value);
}

/* ---- telling ---- */

static void tell_value(struct buf *out, const char *name, const char *suffix, const char *labels,
                       double value)
{
    (void)buf_printf(out, "%s%s", name, suffix);
    if (*labels)
        (void)buf_printf(out, "{%s}", labels);
    if (isinf(value))
        (void)buf_text(out, value > 0 ? " +Inf\n" : " -Inf\n");
    else if (isnan(value))
        (void)buf_text(out, " NaN\n");
    else
        (void)buf_printf(out, " %.17g\n", value);
}

static void tell_histogram(struct buf *out, const struct metric *metric, double sum)
{
    const char *name = metric->family->name, *comma = *metric->labels ? "," : "";
    uint64_t below = 0;

    for (size_t i = 0; i <= BOUNDS; i++) {
        below += __atomic_load_n(&metric->hits[i], __ATOMIC_RELAXED);
        (void)buf_printf(out, "%s_bucket{%s%sle=\"", name, metric->labels, comma);
        if (i < BOUNDS)
            (void)buf_printf(out, "%.12g", metric->family->bounds[i]);
        else
            (void)buf_text(out, "+Inf");
        (void)buf_printf(out, "\"} %llu\n", (unsigned long long)below);
    }
    tell_value(out, name, "_sum", metric->labels, sum);
    tell_value(out, name, "_count", metric->labels, (double)below);
}

static void tell_family(struct buf *out, const struct family *family)
{
    if (family->help) {
        (void)buf_printf(out, "# HELP %s ", family->name);
        add_escaped(out, family->help, strlen(family->help), false);
        (void)buf_char(out, '\n');
    }
    (void)buf_printf(out, "# TYPE %s %s\n", family->name, kind_names[family->kind]);
    for (const struct metric *metric = family->first; metric; metric = metric->next) {
        double value;

        __atomic_load(&metric->value, &value, __ATOMIC_RELAXED);
        if (family->kind == HISTOGRAM)
            tell_histogram(out, metric, value);
        else
            tell_value(out, family->name, "", metric->labels, value);
    }
}

int metrics_text(struct metrics *metrics, char **ret_text, struct ein_error *err)
{
    struct buf out;
    char *text;

    buf_init(&out, METRICS_TEXT_MAX);
    (void)pthread_rwlock_rdlock(&metrics->lock);
    for (const struct family *family = metrics->first; family; family = family->next)
        tell_family(&out, family);
    (void)pthread_rwlock_unlock(&metrics->lock);
    metrics_process_text(&out);
    text = buf_take(&out, NULL);
    if (!text)
        return error_no_memory(err);
    *ret_text = text;
    return 0;
}

/* ---- showing ---- */

static const int32_t kinds[] = { EIN_METRIC_COUNTER, EIN_METRIC_GAUGE, EIN_METRIC_HISTOGRAM };

/* One value of a label at *at, behind its opening quote, without the escapes; *at is behind the
 * closing one then. */
static char *take_value(char **at)
{
    char *value = *at, *to = value, *from = value;

    for (; *from != '"'; from++) {
        if (*from == '\\')
            *to++ = *++from == 'n' ? '\n' : *from;
        else
            *to++ = *from;
    }
    *to = '\0';
    *at = from + 1;
    return value;
}

/* Takes the text of labels apart, in place. */
static void split_labels(char *text, const char *ret_labels[2 * METRICS_LABELS_MAX + 1])
{
    while (*text) {
        *ret_labels++ = text;
        text = strchr(text, '=');
        *text = '\0';
        text += 2;
        *ret_labels++ = take_value(&text);
        text += *text == ',';
    }
    *ret_labels = NULL;
}

static int show(const struct metric *metric,
                int (*visit)(const struct ein_metric *metric, void *data), void *data)
{
    const struct family *family = metric->family;
    const char *labels[2 * METRICS_LABELS_MAX + 1];
    EIN_FREE char *text = strdup(metric->labels);
    uint64_t hits[BOUNDS + 1] = { 0 };
    struct ein_metric shown = { .struct_size = sizeof(shown),
                                .kind = kinds[family->kind],
                                .name = family->name,
                                .help = family->help,
                                .labels = labels };

    if (!text)
        return EIN_E_NO_MEMORY;
    split_labels(text, labels);
    __atomic_load(&metric->value, &shown.value, __ATOMIC_RELAXED);
    if (family->kind == HISTOGRAM) {
        for (size_t i = 0; i <= BOUNDS; i++)
            hits[i] = __atomic_load_n(&metric->hits[i], __ATOMIC_RELAXED);
        shown.bounds = family->bounds;
        shown.counts = hits;
        shown.bound_count = BOUNDS;
    }
    return visit(&shown, data);
}

int metrics_each(struct metrics *metrics, int (*visit)(const struct ein_metric *metric, void *data),
                 void *data)
{
    int r = 0;

    (void)pthread_rwlock_rdlock(&metrics->lock);
    for (const struct family *family = metrics->first; family && r == 0; family = family->next)
        for (const struct metric *it = family->first; it && r == 0; it = it->next)
            r = show(it, visit, data);
    (void)pthread_rwlock_unlock(&metrics->lock);
    return r == 0 ? metrics_process_each(visit, data) : r;
}
