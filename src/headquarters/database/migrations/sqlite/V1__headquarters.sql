-- Headquarters: master data as records, what was made of them for the stores, and what came back.

CREATE TABLE counters (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO counters (name, value) VALUES ('change', 0), ('package', 0);

CREATE TABLE records (
    kind       TEXT NOT NULL,
    key        TEXT NOT NULL,
    lookup     TEXT NOT NULL,    -- what else it is found by: the product of a price, the hash of a token
    reach      TEXT NOT NULL,    -- stores it ever belonged to, as ,343,344, or empty for all
    valid_from TEXT,             -- first day
    valid_to   TEXT,             -- last day
    content    TEXT NOT NULL,    -- JSON, by the table of kinds
    change     INTEGER NOT NULL, -- of its last change
    deleted    INTEGER NOT NULL,
    PRIMARY KEY (kind, key)
) STRICT;

CREATE INDEX records_by_change ON records (change, kind);
CREATE INDEX records_by_lookup ON records (kind, lookup);
CREATE INDEX records_by_start ON records (valid_from) WHERE valid_from IS NOT NULL;
CREATE INDEX records_by_end ON records (valid_to) WHERE valid_to IS NOT NULL;

CREATE TABLE audit (
    id     INTEGER PRIMARY KEY,
    at     TEXT NOT NULL,
    who    TEXT NOT NULL,
    what   TEXT NOT NULL,
    kind   TEXT NOT NULL,
    key    TEXT NOT NULL,
    before TEXT,
    after  TEXT
) STRICT;

CREATE TABLE packages (
    id         INTEGER PRIMARY KEY,
    store      TEXT NOT NULL,
    to_version INTEGER NOT NULL,
    full_rows  INTEGER,          -- rows of a full package; none for a delta
    rows       INTEGER NOT NULL,
    bytes      INTEGER NOT NULL,
    manifest   TEXT NOT NULL,    -- as signed
    signature  TEXT NOT NULL,
    UNIQUE (store, to_version)
) STRICT;

CREATE TABLE package_chunks (
    package INTEGER NOT NULL REFERENCES packages (id),
    number  INTEGER NOT NULL,    -- from 0, a mebibyte each
    content BLOB NOT NULL,
    PRIMARY KEY (package, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE package_status (
    package INTEGER NOT NULL REFERENCES packages (id),
    target  TEXT NOT NULL,       -- a channel database's key
    status  TEXT NOT NULL,
    reason  TEXT NOT NULL,
    at      TEXT NOT NULL,
    PRIMARY KEY (package, target)
) STRICT, WITHOUT ROWID;

CREATE TABLE progress (
    store  TEXT NOT NULL,
    job    INTEGER NOT NULL,
    change INTEGER NOT NULL,     -- changes up to this one are distributed
    day    TEXT NOT NULL,        -- the store's day of the last run
    run_at TEXT NOT NULL,
    PRIMARY KEY (store, job)
) STRICT, WITHOUT ROWID;

CREATE TABLE transactions (
    id           TEXT PRIMARY KEY,
    store        TEXT NOT NULL,
    register     INTEGER NOT NULL,
    sequence     INTEGER NOT NULL,
    receipt      INTEGER,
    shift        INTEGER NOT NULL,
    kind         TEXT NOT NULL,
    recorded_at  TEXT NOT NULL,
    total        TEXT,
    received_at  TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    content      TEXT NOT NULL,
    UNIQUE (store, register, sequence),
    UNIQUE (store, register, receipt)
) STRICT;

-- What was refused, so that nothing a store sent is lost.
CREATE TABLE set_aside (
    id           TEXT NOT NULL,
    store        TEXT NOT NULL,
    reason       TEXT NOT NULL,
    received_at  TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    content      TEXT NOT NULL,
    PRIMARY KEY (id, content_hash)
) STRICT;
