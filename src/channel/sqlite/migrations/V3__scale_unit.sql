-- What a scale unit keeps: its registers' devices, who is signed in, wrong PINs, and what headquarters has not heard of.

CREATE TABLE devices (
    token_hash TEXT PRIMARY KEY,            -- SHA-256; the token itself is nowhere
    id         TEXT NOT NULL,
    store      TEXT NOT NULL,
    register   INTEGER NOT NULL,
    activated  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX devices_activated ON devices (store, register) WHERE activated;

CREATE TABLE sessions (
    token_hash    TEXT PRIMARY KEY,
    operator      TEXT NOT NULL,
    store         TEXT NOT NULL,
    register      INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_end ON sessions (expires_at_ms);

CREATE TABLE attempts (
    operator        TEXT PRIMARY KEY,
    failures        INTEGER NOT NULL,
    locked_until_ms INTEGER,
    last_at_ms      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE reports (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    package INTEGER NOT NULL,
    target  TEXT NOT NULL,                  -- a register, or empty: the channel database
    content TEXT NOT NULL,                  -- JSON, as on the wire
    UNIQUE (package, target)
) STRICT;

ALTER TABLE transactions ADD COLUMN at_headquarters INTEGER NOT NULL DEFAULT 0;

-- In the order of arrival, which is that of the rows.
CREATE INDEX transactions_waiting ON transactions (at_headquarters) WHERE NOT at_headquarters;
