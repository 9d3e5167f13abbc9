-- One store's channel: its master data, and the transactions taken in from its registers.

CREATE TABLE data_version (
    version INTEGER NOT NULL
) STRICT;

INSERT INTO data_version (version) VALUES (0);

CREATE TABLE stores (
    number  TEXT PRIMARY KEY,
    content TEXT NOT NULL -- JSON, as on the wire
) STRICT, WITHOUT ROWID;

CREATE TABLE products (
    place              INTEGER PRIMARY KEY, -- in the order of names: a range of names is a range of places
    folded_name        TEXT NOT NULL,       -- without case and diacritics
    id                 TEXT NOT NULL,
    barcode            TEXT NOT NULL,
    name               TEXT NOT NULL,
    department         TEXT NOT NULL,
    category           TEXT NOT NULL,
    brand              TEXT NOT NULL,
    price              TEXT NOT NULL,       -- with its currency: 0.89 USD
    unit               TEXT NOT NULL,
    tax_group          TEXT NOT NULL,
    stock              TEXT,
    price_includes_tax INTEGER NOT NULL,
    key_in_price       INTEGER NOT NULL,
    key_in_quantity    INTEGER NOT NULL,
    weighed            INTEGER NOT NULL,
    min_age            INTEGER,
    blocked            INTEGER NOT NULL,
    zero_price_valid   INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX products_by_number ON products (id);

CREATE INDEX products_by_name ON products (folded_name);

CREATE TABLE codes (
    code     TEXT PRIMARY KEY,              -- an EAN-13 that begins with 0 without it
    product  INTEGER NOT NULL REFERENCES products (place),
    quantity TEXT
) STRICT, WITHOUT ROWID;

-- Every word of name, number and bar code with two spaces before it, so that "  b" and " be" find beginnings of words.
CREATE VIRTUAL TABLE search USING fts5 (
    words, content = '', columnsize = 0, tokenize = 'trigram case_sensitive 1'
);

-- The words of all names, for what was mistyped; reversed, to find them by their ends.
CREATE TABLE vocabulary (
    word     TEXT PRIMARY KEY,
    reversed TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX vocabulary_by_end ON vocabulary (reversed);

CREATE TABLE staff (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    permissions TEXT NOT NULL,              -- JSON, as on the wire
    pin_hash    TEXT NOT NULL               -- argon2id, PHC form
) STRICT, WITHOUT ROWID;

CREATE TABLE customers (
    number         TEXT PRIMARY KEY,
    name           TEXT NOT NULL,
    email          TEXT NOT NULL,
    phone          TEXT NOT NULL,
    customer_group TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE transactions (
    id           TEXT PRIMARY KEY,
    store        TEXT NOT NULL,
    register     INTEGER NOT NULL,
    sequence     INTEGER NOT NULL,
    receipt      INTEGER,
    kind         TEXT NOT NULL,
    recorded_at  TEXT NOT NULL,
    total        TEXT,                      -- of a concluded sale, with its currency
    content_hash TEXT NOT NULL,             -- SHA-256 of content
    content      TEXT NOT NULL,             -- the canonical text, byte for byte
    UNIQUE (store, register, sequence),
    UNIQUE (store, register, receipt)
) STRICT;

-- What was refused, so that nothing a register sent is lost.
CREATE TABLE set_aside (
    key          TEXT NOT NULL,
    content      TEXT NOT NULL,
    reason       TEXT NOT NULL,
    received_at  TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    content_hash TEXT NOT NULL,
    UNIQUE (key, content_hash)
) STRICT;
