# SPDX-License-Identifier: Apache-2.0
"""A built front end beside the API: its files, its pages, and nothing else of the machine."""

import gzip
import os
import re
import subprocess
import threading

import pytest
from support import EINION, SCALE, TESTS, wait_until

INDEX = "<!doctype html><title>front end</title>\n" + "<p>hello</p>\n" * 200
SCRIPT = "console.log('hello from the front end')\n" * 500
NAVIGATE = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Accept": "text/html,*/*;q=0.8"}
OLD_BROWSER = {"Accept": "text/html,application/xhtml+xml;q=0.9"}
SCRIPTS = [{}, {"Accept": "*/*"}, {"Accept": "application/json"}, {"Sec-Fetch-Mode": "cors", "Accept": "text/html"},
           {"Sec-Fetch-Mode": "no-cors", "Accept": "*/*"}]  # fmt: skip


def make_site(folder):
    (folder / "assets").mkdir(parents=True)
    (folder / "guide").mkdir()
    (folder / "index.html").write_text(INDEX)
    (folder / "guide" / "index.html").write_text("<title>guide</title>")
    (folder / "assets" / "app-1a2b.js").write_text(SCRIPT)
    (folder / "assets" / "tiny.css").write_text("a{}")
    (folder / "logo.png").write_bytes(os.urandom(5000))
    (folder / "a b+c%.txt").write_text("a name with signs")
    return folder


def sets(folder, **settings):
    settings = {"enabled": "true", "path": str(folder), **settings}
    return [f"plugins.static-site.{name}={value}" for name, value in settings.items()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_site(tmp_path_factory.mktemp("site") / "dist")


@pytest.fixture(scope="module")
def site(start_module, folder):
    return start_module(sets=sets(folder))


@pytest.fixture
def own(start_server, tmp_path):
    """own(**settings): a site for this test alone, and its folder."""

    def start(**settings):
        folder = make_site(tmp_path / "dist")
        return start_server(sets=sets(folder, **settings)), folder

    return start


# ---- files ----


@pytest.mark.parametrize("path, kind, cache", [
    ("/index.html", "text/html; charset=utf-8", "no-cache"),
    ("/assets/app-1a2b.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"),
    ("/assets/tiny.css", "text/css; charset=utf-8", "public, max-age=31536000, immutable"),
    ("/logo.png", "image/png", "no-cache"),
    ("/a%20b+c%25.txt", "text/plain; charset=utf-8", "no-cache"),
])  # fmt: skip
def test_a_file_is_served_with_its_type_whoever_asks(site, folder, path, kind, cache):
    content = (folder / {"/a%20b+c%25.txt": "a b+c%.txt"}.get(path, path[1:])).read_bytes()
    for headers in [NAVIGATE, OLD_BROWSER, *SCRIPTS]:
        reply = site.get(path, headers=headers)
        assert (reply.status, reply.body) == (200, content)
        assert reply.header("Content-Type") == kind
        assert reply.header("Cache-Control") == cache
        assert reply.header("X-Content-Type-Options") == "nosniff"
        assert reply.header("Content-Encoding") is None
        policy = "frame-ancestors 'self'" if "html" in kind else None
        assert reply.header("Content-Security-Policy") == policy
    head = site.request("HEAD", path)
    assert (head.status, head.header("Content-Length"), head.body) == (200, str(len(content)), b"")


def test_a_folder_has_a_first_page_too(site):
    assert site.get("/guide/").text == "<title>guide</title>"
    assert site.get("/guide").status == 404
    assert site.get("/guide", headers=NAVIGATE).text == INDEX


def test_who_has_the_file_is_not_sent_it_again(site):
    first = site.get("/assets/app-1a2b.js")
    tag = first.header("ETag")
    assert re.fullmatch(r'"[0-9a-f]{32}"', tag)
    for value in (tag, f'"x", {tag}', f"W/{tag}", "*"):
        reply = site.get("/assets/app-1a2b.js", headers={"If-None-Match": value, "Range": "bytes=0-1"})
        assert (reply.status, reply.body, reply.header("ETag")) == (304, b"", tag)
        assert reply.header("Cache-Control") == first.header("Cache-Control")
        assert reply.header("Vary") == "Accept-Encoding"
    assert site.get("/assets/app-1a2b.js", headers={"If-None-Match": '"other"'}).status == 200
    page = site.get("/nowhere", headers=NAVIGATE)
    assert site.get("/", headers={**NAVIGATE, "If-None-Match": page.header("ETag")}).status == 304


def test_a_file_that_changed_is_another_one(own):
    server, folder = own()
    first = server.get("/assets/tiny.css").header("ETag")
    (folder / "assets" / "tiny.css").write_text("b{}")
    reply = server.get("/assets/tiny.css", headers={"If-None-Match": first})
    assert (reply.status, reply.text) == (200, "b{}")
    assert reply.header("ETag") != first
    (folder / "assets" / "tiny.css").unlink()
    assert server.get("/assets/tiny.css").status == 404


def test_a_new_build_counts_at_once(start_server, tmp_path):
    make_site(tmp_path / "one")
    make_site(tmp_path / "two")
    (tmp_path / "two" / "index.html").write_text("two")
    (tmp_path / "now").symlink_to("one")
    server = start_server(sets=sets(tmp_path / "now"))
    assert server.get("/", headers=NAVIGATE).text == INDEX
    (tmp_path / "next").symlink_to("two")
    os.rename(tmp_path / "next", tmp_path / "now")
    assert server.get("/", headers=NAVIGATE).text == "two"


# ---- compression ----


def unbrotli(data):
    return subprocess.run(["brotli", "-dc"], input=data, stdout=subprocess.PIPE, check=True).stdout


@pytest.mark.parametrize("accept, coding", [
    ("gzip", "gzip"), ("gzip, deflate", "gzip"), ("GZIP", "gzip"), ("x-gzip", "gzip"), ("br", "br"),
    ("gzip, deflate, br, zstd", "br"), ("gzip;q=1.0, br;q=0.5", "gzip"), ("br;q=0, gzip", "gzip"),
    ("*", "br"), ("*;q=0", None), ("gzip;q=0", None), ("identity", None), ("deflate", None), ("", None),
    ("gzip;q=0.5, identity", None), ("gzip ; q=0.9 , identity;q=0.1", "gzip"), (None, None),
])  # fmt: skip
def test_text_is_sent_as_the_browser_likes_it_best(site, accept, coding):
    reply = site.get("/assets/app-1a2b.js", headers={} if accept is None else {"Accept-Encoding": accept})
    assert reply.status == 200
    assert reply.header("Content-Encoding") == coding
    assert reply.header("Vary") == "Accept-Encoding"
    if coding == "gzip":
        assert gzip.decompress(reply.body).decode() == SCRIPT
    elif coding == "br":
        assert unbrotli(reply.body).decode() == SCRIPT
    else:
        assert reply.text == SCRIPT
    assert (len(reply.body) < len(SCRIPT)) == bool(coding)


def test_each_encoding_has_an_etag_of_its_own(site):
    tags = {site.get("/assets/app-1a2b.js", headers={"Accept-Encoding": coding}).header("ETag")
            for coding in ("gzip", "br", "identity")}  # fmt: skip
    assert len(tags) == 3
    for coding in ("gzip", "br"):
        tag = site.get("/assets/app-1a2b.js", headers={"Accept-Encoding": coding}).header("ETag")
        headers = {"Accept-Encoding": coding, "If-None-Match": tag}
        assert site.get("/assets/app-1a2b.js", headers=headers).status == 304
        assert site.get("/assets/app-1a2b.js", headers={"If-None-Match": tag}).status == 200


def test_what_does_not_shrink_is_sent_as_it_is(site):
    for path in ("/logo.png", "/assets/tiny.css"):
        assert site.get(path, headers={"Accept-Encoding": "gzip, br"}).header("Content-Encoding") is None
    assert site.get("/logo.png").header("Vary") is None


def test_what_the_build_has_compressed_is_taken(own):
    server, folder = own()
    (folder / "assets" / "app-1a2b.js.gz").write_bytes(gzip.compress(b"by the build"))
    (folder / "assets" / "app-1a2b.js.br").write_bytes(b"brotli by the build")
    get = lambda coding: server.get("/assets/app-1a2b.js", headers={"Accept-Encoding": coding})  # noqa: E731
    assert gzip.decompress(get("gzip").body) == b"by the build"
    assert get("br").body == b"brotli by the build"
    assert get("identity").text == SCRIPT
    # ... unless the file is newer
    (folder / "assets" / "app-1a2b.js").write_text(SCRIPT + "// new\n")
    os.utime(folder / "assets" / "app-1a2b.js", (2_000_000_000, 2_000_000_000))
    assert gzip.decompress(get("gzip").body).decode() == SCRIPT + "// new\n"


def test_many_at_once_get_the_same(own):
    server, _ = own()
    seen, errors = [], []

    def ask(coding):
        try:
            for _ in range(10):
                reply = server.get("/assets/app-1a2b.js", headers={"Accept-Encoding": coding})
                text = gzip.decompress(reply.body) if reply.header("Content-Encoding") == "gzip" else reply.body
                seen.append(text.decode() == SCRIPT)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=ask, args=("gzip" if i % 2 else "identity",)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors and all(seen) and len(seen) == 80


# ---- parts ----


@pytest.mark.parametrize("value, first, end", [
    ("bytes=0-9", 0, 10), ("bytes=4990-", 4990, 5000), ("bytes=-10", 4990, 5000), ("bytes=4999-99999", 4999, 5000),
    ("bytes=-99999", 0, 5000), ("Bytes=7-7", 7, 8),
])  # fmt: skip
def test_a_part_may_be_asked_for(site, folder, value, first, end):
    content = (folder / "logo.png").read_bytes()
    reply = site.get("/logo.png", headers={"Range": value, "Accept-Encoding": "gzip"})
    assert (reply.status, reply.body) == (206, content[first:end])
    assert reply.header("Content-Range") == f"bytes {first}-{end - 1}/5000"


@pytest.mark.parametrize("value", ["bytes=9-1", "bytes=a-b", "bytes=", "bytes=-", "lines=0-1", "bytes=0-1,4-5",
                                   "bytes=99999999999999999999-", "bytes=1", "bytes=-1-2"])  # fmt: skip
def test_a_range_that_is_none_gives_the_whole(site, value):
    reply = site.get("/logo.png", headers={"Range": value})
    assert (reply.status, len(reply.body)) == (200, 5000)


def test_a_part_that_is_not_there(site):
    for value in ("bytes=5000-", "bytes=-0"):
        reply = site.get("/logo.png", headers={"Range": value})
        assert (reply.status, reply.header("Content-Range")) == (416, "bytes */5000")
        assert reply.detail == "The file has 5000 bytes."


def test_a_part_of_another_version_is_not_given(site):
    tag = site.get("/logo.png").header("ETag")
    assert site.get("/logo.png", headers={"Range": "bytes=0-0", "If-Range": tag}).status == 206
    assert site.get("/logo.png", headers={"Range": "bytes=0-0", "If-Range": '"old"'}).status == 200
    assert site.request("HEAD", "/logo.png", headers={"Range": "bytes=0-0"}).status == 200


# ---- pages ----


@pytest.mark.parametrize("path", ["/", "/agents", "/runs", "/chat", "/demos/1234", "/agent/42/runs", "/nowhere",
                                  "/create-agent/tools?a=b", "/agents/x/y/z/nothing", "/%C3%A9"])  # fmt: skip
def test_a_browser_that_goes_somewhere_gets_the_front_end(site, path):
    for headers in (NAVIGATE, OLD_BROWSER, {"Sec-Fetch-Mode": "navigate"}):
        reply = site.get(path, headers=headers)
        assert (reply.status, reply.text) == (200, INDEX)
        assert {"Sec-Fetch-Mode", "Accept"} <= set(re.split(", *", reply.header("Vary")))
        assert reply.header("Cache-Control") == "no-cache"


def test_scripts_get_the_api_where_browsers_get_pages(site, sqlite_server):
    for path in ("/", "/agents", "/runs", "/chat", "/demos/1234"):
        for headers in SCRIPTS:
            reply, plain = site.get(path, headers=headers), sqlite_server.get(path, headers=headers)
            assert reply.status == plain.status
            assert {"Sec-Fetch-Mode", "Accept"} <= set(re.split(", *", reply.header("Vary") or ""))
    reply = site.get("/agents", headers={"Origin": "http://localhost:3000"})
    assert set(re.split(", *", reply.header("Vary"))) == {"Origin", "Sec-Fetch-Mode", "Accept"}


def test_what_nobody_has_is_not_found_by_scripts(site):
    for headers in SCRIPTS:
        reply = site.get("/assets/gone.js", headers=headers)
        assert (reply.status, reply.json) == (404, {"detail": "Not Found"})
        assert reply.header("Vary") == "Sec-Fetch-Mode, Accept"
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert site.request(method, "/assets/app-1a2b.js", {} if method != "DELETE" else None).status == 404


@pytest.mark.parametrize("path, status", [
    ("/health", 200), ("/openapi.json", 200), ("/docs", 200), ("/metrics", 200), ("/auth/providers", 200),
    ("/auth/nothing", 404), ("/auth", 404), ("/v1/nothing", 404), ("/rest", 404), ("/agents/unknown", 404),
    ("/users/me", 200), ("/data-store/namespaces", 200), ("/agents/run-code/stream", 405),
])  # fmt: skip
def test_the_api_is_untouched(site, sqlite_server, path, status):
    for headers in (NAVIGATE, OLD_BROWSER, {}):
        reply, plain = site.get(path, headers=headers), sqlite_server.get(path, headers=headers)
        assert (reply.status, reply.header("Content-Type")) == (status, plain.header("Content-Type"))
        assert "<title>front end" not in reply.text
        assert reply.header("Vary") == plain.header("Vary")


def test_it_is_not_part_of_the_api(site, sqlite_server):
    def paths(server):
        """Without the agents that others have deployed there."""
        every = server.get("/openapi.json").json["paths"]
        return {path for path in every if not path.startswith("/rest/") or "{" in path}

    assert paths(site) == paths(sqlite_server)


def test_the_pages_and_what_is_reserved_are_settings(own):
    server, folder = own(pages='["/health", "/users/*"]', reserved='["/assets"]', immutable='["/guide"]', content_policy='""')
    assert server.get("/health", headers=NAVIGATE).text == INDEX
    assert server.get("/users/me", headers=NAVIGATE).text == INDEX
    assert server.get("/users/me").json["_id"]
    assert "Hello" in server.get("/", headers=NAVIGATE).text
    assert server.get("/assets/app-1a2b.js").status == 404
    assert server.get("/assets/x", headers=NAVIGATE).status == 404
    reply = server.get("/guide/")
    assert "immutable" in reply.header("Cache-Control")
    assert reply.header("Content-Security-Policy") is None


def test_the_first_page_may_have_another_name(start_server, tmp_path):
    folder = make_site(tmp_path / "dist")
    (folder / "index.html").rename(folder / "start.html")
    server = start_server(sets=sets(folder, index="start.html"))
    assert server.get("/", headers=NAVIGATE).text == INDEX


# ---- nothing else of the machine ----


@pytest.fixture(scope="module")
def walled(start_module, tmp_path_factory):
    """A site, with things around it and in it that are nobody's business."""
    tmp_path = tmp_path_factory.mktemp("walled")
    folder = make_site(tmp_path / "dist")
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "dist-other").mkdir()
    (tmp_path / "dist-other" / "secret.txt").write_text("secret")
    (folder / ".env").write_text("secret")
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("secret")
    (folder / "out.txt").symlink_to("../secret.txt")
    (folder / "absolute.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "passwd").symlink_to("/etc/passwd")
    (folder / "up").symlink_to("..")
    (folder / "hop.txt").symlink_to("up/secret.txt")
    (folder / "self").symlink_to("/proc/self/environ")
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "pipe")
    return start_module(sets=sets(folder))


@pytest.mark.parametrize("path", [
    "/../secret.txt", "/..%2fsecret.txt", "/%2e%2e/secret.txt", "/%2e%2e%2fsecret.txt", "/assets/../../secret.txt",
    "/assets/..%2f..%2fsecret.txt", "/assets/%2e%2e/%2e%2e/secret.txt", "/./secret.txt", "/../dist-other/secret.txt",
    "/..\\secret.txt", "/..%5csecret.txt", "//etc/passwd", "/%2fetc/passwd", "/%2Fetc%2Fpasswd", "/assets//etc/passwd",
    "/.env", "/.git/config", "/%2eenv", "/out.txt", "/absolute.txt", "/passwd", "/up/secret.txt", "/hop.txt", "/self",
    "/loop", "/pipe", "/assets", "/assets/", "/up", "/file:///etc/passwd", "/..;/secret.txt", "/%252e%252e/secret.txt",
    "/secret.txt%20", "/.well-known/../../secret.txt", "/..../secret.txt", "/" + "a/" * 3000 + "x", "/" + "../" * 40 + "etc/passwd",
])  # fmt: skip
def test_nothing_outside_the_folder_is_ever_served(walled, path):
    for method in ("GET", "HEAD"):
        reply = walled.request(method, path)
        assert reply.status in (400, 404), reply
        assert b"secret" not in reply.body.replace(b"secret.txt", b"")
    reply = walled.get(path, headers=NAVIGATE)
    assert (reply.status, reply.text) == (200, INDEX) or reply.status in (400, 404)
    for accept in ("gzip", "br"):
        assert walled.get(path, headers={"Accept-Encoding": accept}).status in (400, 404)


@pytest.mark.parametrize("path", ["/a%00b", "/%00", "/index.html%00.txt", "/%ff", "/%zz", "/%"])
def test_names_that_are_none_are_refused(site, path):
    assert site.get(path, headers=NAVIGATE).status == 400


def test_links_inside_the_folder_are_followed(own, tmp_path):
    server, folder = own()
    (folder / "newest.js").symlink_to("assets/app-1a2b.js")
    (folder / "static").symlink_to("assets")
    (folder / ".well-known").mkdir()
    (folder / ".well-known" / "security.txt").write_text("Contact: us")
    assert server.get("/newest.js").text == SCRIPT
    assert server.get("/static/app-1a2b.js").text == SCRIPT
    assert server.get("/.well-known/security.txt").text == "Contact: us"
    assert server.get("/.well-known/.htaccess").status == 404


def test_a_neighbour_that_leads_outside_is_not_taken(own, tmp_path):
    server, folder = own()
    (tmp_path / "secret.gz").write_bytes(gzip.compress(b"secret"))
    (folder / "assets" / "app-1a2b.js.gz").symlink_to(tmp_path / "secret.gz")
    reply = server.get("/assets/app-1a2b.js", headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(reply.body).decode() == SCRIPT


# ---- limits ----


def test_long_files_are_read_anew_and_very_long_ones_in_parts(own):
    server, folder = own(cached_file_bytes="2000", file_bytes="4000")
    for path, part in (("/assets/tiny.css", None), ("/index.html", "bytes=0-9")):
        reply = server.get(path, headers={"Accept-Encoding": "gzip", **({"Range": part} if part else {})})
        assert reply.status == (206 if part else 200)
    page = server.get("/index.html", headers={"Accept-Encoding": "gzip"})
    assert (page.text, page.header("Content-Encoding")) == (INDEX, None)
    assert server.get("/index.html", headers={"If-None-Match": page.header("ETag")}).status == 304
    reply = server.get("/logo.png")
    assert (reply.status, reply.detail) == (403, "This is more than the 4000 bytes that are given out at once "
                                            "(plugins.static-site.file_bytes); ask for a part of it.")  # fmt: skip
    reply = server.get("/logo.png", headers={"Range": "bytes=0-3999"})
    assert (reply.status, reply.body) == (206, (folder / "logo.png").read_bytes()[:4000])


def test_short_files_are_not_compressed(own):
    server, _ = own(compress_min_bytes="1000000")
    assert server.get("/assets/app-1a2b.js", headers={"Accept-Encoding": "br"}).header("Content-Encoding") is None


def test_the_cache_is_bounded(own):
    server, folder = own(cache_bytes="200000")
    for i in range(60):
        (folder / f"file{i}.txt").write_text(f"{i} " * 20000)
    before = server.memory()
    for _ in range(3):
        for i in range(60):
            assert server.get(f"/file{i}.txt").text.startswith(f"{i} ")
            assert server.get(f"/file{i}.txt", headers={"Accept-Encoding": "gzip"}).header("Content-Encoding") == "gzip"
    if SCALE == 1:  # sanitizers keep what was freed
        assert server.memory() - before < 16


def test_without_a_cache_it_serves_all_the_same(own):
    server, _ = own(cache_bytes="0")
    for coding in ("gzip", "identity", "gzip"):
        reply = server.get("/assets/app-1a2b.js", headers={"Accept-Encoding": coding})
        assert (gzip.decompress(reply.body) if coding == "gzip" else reply.body).decode() == SCRIPT


# ---- faults of the configuration ----


@pytest.mark.parametrize("settings, words", [
    ({"path": '""'}, "path: the folder of the front end has to be named"),
    ({"index": ".hidden"}, 'index: ".hidden" is not a file in the folder'),
    ({"pages": '["agents"]'}, "pages"),
    ({"pages": '["/a/{b"]'}, "is not {name}"),
    ({"path": "/nonesuch"}, "/nonesuch: there is no file index.html"),
])  # fmt: skip
@pytest.mark.parametrize("command", ["check", "serve"])
def test_faults_are_told_by_check_as_at_start(folder, tmp_path, settings, words, command):
    arguments = [argument for value in sets(folder, **settings) for argument in ("--set", value)]
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "EINION_STATE_DIR": str(tmp_path)}
    done = subprocess.run([EINION, *arguments, command], env=env, capture_output=True, text=True, cwd=TESTS, timeout=300)
    assert done.returncode == 1
    assert words in done.stderr


def test_it_may_come_and_go_while_the_server_runs(start_server, tmp_path):
    folder = make_site(tmp_path / "dist")
    text = 'listen: {{port: {port}}}\nplugins:\n  service:\n  storage-memory:\n  static-site: {{path: "{folder}", enabled: {on}}}\n'
    server = start_server(backend="sqlite", config=text.format(port=1, folder=folder, on="true"))
    assert server.get("/index.html").status == 200
    (server.state / "einion.yaml").write_text(text.format(port=1, folder=folder, on="false"))
    server.signal(1)
    wait_until(lambda: server.get("/index.html").status != 200, 10, "the site to go")
    assert server.get("/", headers=NAVIGATE).json["Hello"] == "World"
