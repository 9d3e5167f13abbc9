-- Headquarters: master data as records, what was made of them for the stores, and what came back.

CREATE TABLE counters (
    name  TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);

INSERT INTO counters (name, value) VALUES ('change', 0), ('package', 0);

CREATE TABLE records (
    kind       TEXT NOT NULL,
    key        TEXT COLLATE "C" NOT NULL,
    lookup     TEXT COLLATE "C" NOT NULL,    -- what else it is found by: the product of a price, the hash of a token
    reach      TEXT NOT NULL,    -- stores it ever belonged to, as ,343,344, or empty for all
    valid_from TEXT,             -- first day
    valid_to   TEXT,             -- last day
    content    TEXT NOT NULL,    -- JSON, by the table of kinds
    change     BIGINT NOT NULL, -- of its last change
    deleted    BIGINT NOT NULL,
    PRIMARY KEY (kind, key)
);

CREATE INDEX records_by_change ON records (change, kind);
CREATE INDEX records_by_lookup ON records (kind, lookup);
CREATE INDEX records_by_start ON records (valid_from) WHERE valid_from IS NOT NULL;
CREATE INDEX records_by_end ON records (valid_to) WHERE valid_to IS NOT NULL;

CREATE TABLE audit (
    id     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at     TEXT NOT NULL,
    who    TEXT NOT NULL,
    what   TEXT NOT NULL,
    kind   TEXT NOT NULL,
    key    TEXT COLLATE "C" NOT NULL,
    before TEXT,
    after  TEXT
);

CREATE TABLE packages (
    id         BIGINT PRIMARY KEY,
    store      TEXT NOT NULL,
    to_version BIGINT NOT NULL,
    full_rows  BIGINT,          -- rows of a full package; none for a delta
    rows       BIGINT NOT NULL,
    bytes      BIGINT NOT NULL,
    manifest   TEXT NOT NULL,    -- as signed
    signature  TEXT NOT NULL,
    UNIQUE (store, to_version)
);

CREATE TABLE package_chunks (
    package BIGINT NOT NULL REFERENCES packages (id),
    number  BIGINT NOT NULL,    -- from 0, a mebibyte each
    content BYTEA NOT NULL,
    PRIMARY KEY (package, number)
);

CREATE TABLE package_status (
    package BIGINT NOT NULL REFERENCES packages (id),
    target  TEXT NOT NULL,       -- a channel database's key
    status  TEXT NOT NULL,
    reason  TEXT NOT NULL,
    at      TEXT NOT NULL,
    PRIMARY KEY (package, target)
);

CREATE TABLE progress (
    store  TEXT NOT NULL,
    job    BIGINT NOT NULL,
    change BIGINT NOT NULL,     -- changes up to this one are distributed
    day    TEXT NOT NULL,        -- the store's day of the last run
    run_at TEXT NOT NULL,
    PRIMARY KEY (store, job)
);

CREATE TABLE transactions (
    id           TEXT PRIMARY KEY,
    store        TEXT NOT NULL,
    register     BIGINT NOT NULL,
    sequence     BIGINT NOT NULL,
    receipt      BIGINT,
    shift        BIGINT NOT NULL,
    kind         TEXT NOT NULL,
    recorded_at  TEXT NOT NULL,
    total        TEXT,
    received_at  TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    content      TEXT NOT NULL,
    UNIQUE (store, register, sequence),
    UNIQUE (store, register, receipt)
);

-- What was refused, so that nothing a store sent is lost.
CREATE TABLE set_aside (
    id           TEXT NOT NULL,
    store        TEXT NOT NULL,
    reason       TEXT NOT NULL,
    received_at  TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    content      TEXT NOT NULL,
    PRIMARY KEY (id, content_hash)
);
