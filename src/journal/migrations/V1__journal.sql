-- "Evtl": by this a file is known as a journal, and no other database is ever taken for one.
PRAGMA application_id = 0x4576746c;

-- The register the journal belongs to: one row.
CREATE TABLE register (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    store TEXT NOT NULL,
    number INTEGER NOT NULL
) STRICT;

-- Both ends of the chain. `newest`: the last record written, so that a cut tail is noticed and no number is given twice.
-- `purged`: the last record that left the journal after its upload; the chain goes on from there.
CREATE TABLE chain (
    mark TEXT PRIMARY KEY CHECK (mark IN ('newest', 'purged')),
    sequence INTEGER NOT NULL CHECK (sequence >= 0),
    receipt INTEGER NOT NULL CHECK (receipt >= 0),
    hash TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Records that never change. `canonical` is uploaded byte for byte; the other columns repeat parts of it for look-ups.
CREATE TABLE transactions (
    sequence INTEGER PRIMARY KEY CHECK (sequence > 0),
    id TEXT NOT NULL UNIQUE,
    receipt INTEGER UNIQUE CHECK (receipt > 0),
    kind TEXT NOT NULL CHECK (kind IN ('sale', 'voided_sale', 'event')),
    recorded_at INTEGER NOT NULL, -- milliseconds since 1970, UTC
    canonical TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;

-- What became of each transaction on its way up: one row a transaction.
CREATE TABLE outbox (
    sequence INTEGER PRIMARY KEY REFERENCES transactions (sequence),
    sale INTEGER NOT NULL CHECK (sale IN (0, 1)),
    attempts INTEGER NOT NULL DEFAULT 0, -- that failed
    problem TEXT, -- of the last attempt, or why it was set aside
    sent_at INTEGER,
    set_aside_at INTEGER,
    CHECK (sent_at IS NULL OR set_aside_at IS NULL)
) STRICT;

CREATE INDEX outbox_unsent ON outbox (sale, set_aside_at, sequence) WHERE sent_at IS NULL;
CREATE INDEX outbox_waiting ON outbox (sequence) WHERE sent_at IS NULL AND set_aside_at IS NULL;

CREATE TABLE shifts (
    number INTEGER PRIMARY KEY CHECK (number > 0),
    opened_at INTEGER NOT NULL, -- milliseconds since 1970, UTC
    opened_by TEXT NOT NULL
) STRICT;

-- The sale in hand, in parts, so that a change costs the same however long the sale is.
CREATE TABLE sale_in_hand (
    part TEXT NOT NULL CHECK (part IN ('header', 'line', 'payment')),
    number INTEGER NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (part, number)
) STRICT, WITHOUT ROWID;
