-- SPDX-License-Identifier: Apache-2.0
-- Version 1. Each set of documents has a table of its own, made when it is first
-- written to:
--
--   CREATE TABLE "set_NAME"(seq INTEGER PRIMARY KEY AUTOINCREMENT,
--                           id TEXT NOT NULL UNIQUE, rev TEXT NOT NULL,
--                           body TEXT NOT NULL, k1 BLOB, k2 BLOB, ...) STRICT
--
-- A seq is given once, so that what is created later comes behind every cursor. (The first sets
-- were made without AUTOINCREMENT, and are read the same.)
--
-- A column kN holds, for the field that ein_indexes names, bytes that sort as the
-- field's values do. No SQL function of ours is in the schema: every sqlite3 can
-- read and check the file.

CREATE TABLE ein_sets(
    name TEXT PRIMARY KEY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE ein_indexes(
    set_name TEXT NOT NULL,
    field TEXT NOT NULL,
    number INTEGER NOT NULL, -- N of the column kN
    PRIMARY KEY(set_name, field)
) STRICT, WITHOUT ROWID;

-- One row. `clean` is 1 while nobody has the file open.
CREATE TABLE ein_state(
    clean INTEGER NOT NULL
) STRICT;

INSERT INTO ein_state VALUES(0);
