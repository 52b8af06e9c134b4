/* SPDX-License-Identifier: Apache-2.0 */
#include "types.h"

#include <string.h>
#include <strings.h>

static const struct file_type types[] = {
    { "html", "text/html; charset=utf-8", true },
    { "htm", "text/html; charset=utf-8", true },
    { "js", "text/javascript; charset=utf-8", true },
    { "mjs", "text/javascript; charset=utf-8", true },
    { "css", "text/css; charset=utf-8", true },
    { "json", "application/json", true },
    { "map", "application/json", true },
    { "webmanifest", "application/manifest+json", true },
    { "wasm", "application/wasm", true },
    { "svg", "image/svg+xml", true },
    { "xml", "application/xml", true },
    { "txt", "text/plain; charset=utf-8", true },
    { "md", "text/markdown; charset=utf-8", true },
    { "csv", "text/csv; charset=utf-8", true },
    { "ico", "image/x-icon", true },
    { "ttf", "font/ttf", true },
    { "otf", "font/otf", true },
    { "woff", "font/woff", false },
    { "woff2", "font/woff2", false },
    { "png", "image/png", false },
    { "jpg", "image/jpeg", false },
    { "jpeg", "image/jpeg", false },
    { "gif", "image/gif", false },
    { "webp", "image/webp", false },
    { "avif", "image/avif", false },
    { "mp3", "audio/mpeg", false },
    { "ogg", "audio/ogg", false },
    { "mp4", "video/mp4", false },
    { "webm", "video/webm", false },
    { "pdf", "application/pdf", false },
    { "zip", "application/zip", false },
    { "gz", "application/gzip", false },
};

const struct file_type *file_type(const char *path)
{
    static const struct file_type other = { "", "application/octet-stream", false };
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');

    for (size_t i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++)
        if (strcasecmp(dot + 1, types[i].suffix) == 0)
            return &types[i];
    return &other;
}
