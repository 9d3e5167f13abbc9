-- One store's master data. Schema 1 was the file that held the transactions too.

CREATE TABLE data_version (
    version INTEGER NOT NULL
) STRICT;

INSERT INTO data_version (version) VALUES (0);

CREATE TABLE stores (
    number  TEXT PRIMARY KEY,
    content TEXT NOT NULL -- JSON, as on the wire
) STRICT, WITHOUT ROWID;

CREATE TABLE products (
    place              INTEGER PRIMARY KEY, -- above 0, in the order of names and numbers: a range of names is a range of places
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
    product  INTEGER NOT NULL,              -- its place
    quantity TEXT,
    further  INTEGER NOT NULL               -- 0: only the product's own bar code
) STRICT, WITHOUT ROWID;

CREATE INDEX further_codes ON codes (product) WHERE further = 1;

-- Every word of name, number and bar code with two spaces before it, so that "  b" and " be" find beginnings of words.
CREATE VIRTUAL TABLE search USING fts5 (
    words, content = '', columnsize = 0, tokenize = 'trigram case_sensitive 1'
);

-- The words of all names, for what was mistyped; reversed, to find them by their ends.
CREATE TABLE vocabulary (
    word     TEXT PRIMARY KEY,
    reversed TEXT NOT NULL,
    uses     INTEGER NOT NULL               -- in how many names
) STRICT, WITHOUT ROWID;

CREATE INDEX vocabulary_by_end ON vocabulary (reversed);

CREATE TABLE staff (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    permissions TEXT NOT NULL,              -- JSON, as on the wire
    pin_hash    TEXT NOT NULL               -- argon2id, bound to a key that is elsewhere, PHC form
) STRICT, WITHOUT ROWID;

CREATE TABLE customers (
    number         TEXT PRIMARY KEY,
    name           TEXT NOT NULL,
    email          TEXT NOT NULL,
    phone          TEXT NOT NULL,
    customer_group TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What has no table of its own: registers, profiles, discounts and others.
CREATE TABLE records (
    kind    TEXT NOT NULL,
    key     TEXT NOT NULL,
    content TEXT NOT NULL,                  -- JSON
    PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
