-- By what headquarters' own keys are known, so that others are not taken for them. The keys themselves are in a file.

CREATE TABLE own_keys (
    name  TEXT PRIMARY KEY,      -- packages, or pin
    known TEXT NOT NULL          -- the public key, or the secret one's SHA-256
) STRICT, WITHOUT ROWID;
