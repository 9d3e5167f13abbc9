-- One store's channel: what several scale units share. Texts are compared byte by byte, as the program does.

-- Master data, in a schema of their own: a full package is loaded beside it and takes its place.
CREATE SCHEMA master;

CREATE TABLE master.data_version (
    version BIGINT NOT NULL
);

INSERT INTO master.data_version (version) VALUES (0);

CREATE TABLE master.stores (
    number  TEXT COLLATE "C" NOT NULL,
    content TEXT NOT NULL -- JSON, as on the wire
);

CREATE UNIQUE INDEX stores_by_number ON master.stores (number);

CREATE TABLE master.products (
    id                 TEXT COLLATE "C" NOT NULL,
    folded_name        TEXT COLLATE "C" NOT NULL, -- without case and diacritics
    words              TEXT COLLATE "C" NOT NULL, -- of name, number and bar code, two spaces before each: "  b" finds beginnings
    barcode            TEXT NOT NULL,
    name               TEXT NOT NULL,
    department         TEXT NOT NULL,
    category           TEXT NOT NULL,
    brand              TEXT NOT NULL,
    price              TEXT NOT NULL,             -- with its currency: 0.89 USD
    unit               TEXT NOT NULL,
    tax_group          TEXT NOT NULL,
    stock              TEXT,
    price_includes_tax BOOLEAN NOT NULL,
    key_in_price       BOOLEAN NOT NULL,
    key_in_quantity    BOOLEAN NOT NULL,
    weighed            BOOLEAN NOT NULL,
    min_age            SMALLINT,
    blocked            BOOLEAN NOT NULL,
    zero_price_valid   BOOLEAN NOT NULL
);

CREATE UNIQUE INDEX products_by_number ON master.products (id);

CREATE INDEX products_by_name ON master.products (folded_name, id);

CREATE INDEX products_by_words ON master.products USING gin (words gin_trgm_ops);

CREATE TABLE master.codes (
    code     TEXT COLLATE "C" NOT NULL,           -- an EAN-13 that begins with 0 without it
    product  TEXT COLLATE "C" NOT NULL,
    quantity TEXT
);

CREATE UNIQUE INDEX codes_by_code ON master.codes (code);

CREATE INDEX codes_by_product ON master.codes (product);

-- The words of all names, for what was mistyped; reversed, to find them by their ends.
CREATE TABLE master.vocabulary (
    word     TEXT COLLATE "C" NOT NULL,
    reversed TEXT COLLATE "C" NOT NULL
);

CREATE UNIQUE INDEX vocabulary_by_word ON master.vocabulary (word);

CREATE INDEX vocabulary_by_end ON master.vocabulary (reversed);

CREATE TABLE master.staff (
    id          TEXT COLLATE "C" NOT NULL,
    name        TEXT NOT NULL,
    permissions TEXT NOT NULL,                    -- JSON, as on the wire
    pin_hash    TEXT NOT NULL                     -- argon2id, bound to a key that is elsewhere, PHC form
);

CREATE UNIQUE INDEX staff_by_number ON master.staff (id);

CREATE TABLE master.customers (
    number         TEXT COLLATE "C" NOT NULL,
    name           TEXT NOT NULL,
    email          TEXT NOT NULL,
    phone          TEXT NOT NULL,
    customer_group TEXT NOT NULL
);

CREATE UNIQUE INDEX customers_by_number ON master.customers (number);

-- What has no table of its own: registers, profiles, discounts and others.
CREATE TABLE master.records (
    kind    TEXT COLLATE "C" NOT NULL,
    key     TEXT COLLATE "C" NOT NULL,
    content TEXT NOT NULL                         -- JSON
);

CREATE UNIQUE INDEX records_by_key ON master.records (kind, key);

CREATE TABLE transactions (
    id              UUID PRIMARY KEY,
    arrival         BIGINT GENERATED ALWAYS AS IDENTITY,
    store           TEXT COLLATE "C" NOT NULL,
    register        BIGINT NOT NULL,
    sequence        BIGINT NOT NULL,
    receipt         BIGINT,
    shift_register  BIGINT NOT NULL,
    shift           BIGINT NOT NULL,
    kind            TEXT NOT NULL,
    recorded_at     TEXT NOT NULL,
    total           TEXT,                         -- of a concluded sale, with its currency
    content_hash    TEXT NOT NULL,                -- SHA-256 of content
    content         TEXT NOT NULL,                -- the canonical text, byte for byte
    at_headquarters BOOLEAN NOT NULL DEFAULT FALSE,
    UNIQUE (store, register, sequence),
    UNIQUE (store, register, receipt)
);

CREATE INDEX transactions_waiting ON transactions (arrival) WHERE NOT at_headquarters;

-- What was refused, so that nothing a register sent is lost.
CREATE TABLE set_aside (
    key          UUID NOT NULL,
    content      BYTEA NOT NULL,
    reason       TEXT NOT NULL,
    received_at  TIMESTAMPTZ NOT NULL DEFAULT now(),
    content_hash TEXT NOT NULL,
    UNIQUE (key, content_hash)
);

CREATE TABLE devices (
    token_hash TEXT PRIMARY KEY,                  -- SHA-256; the token itself is nowhere
    id         TEXT NOT NULL,
    store      TEXT COLLATE "C" NOT NULL,
    register   BIGINT NOT NULL,
    activated  BOOLEAN NOT NULL
);

CREATE UNIQUE INDEX devices_activated ON devices (store, register) WHERE activated;

CREATE TABLE sessions (
    token_hash TEXT PRIMARY KEY,
    operator   TEXT NOT NULL,
    store      TEXT COLLATE "C" NOT NULL,
    register   BIGINT NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);

CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE TABLE attempts (
    operator     TEXT PRIMARY KEY,
    failures     BIGINT NOT NULL,
    locked_until TIMESTAMPTZ,
    last_at      TIMESTAMPTZ NOT NULL
);

CREATE TABLE reports (
    number  BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    package BIGINT NOT NULL,
    target  TEXT NOT NULL,                        -- a register, or empty: the channel database
    content TEXT NOT NULL,                        -- JSON, as on the wire
    UNIQUE (package, target)
);
