-- Ed25519 over the record's link, by the register's fiscal unit, in hexadecimal. Records older than the register's first key have none,
-- nor have those that say themselves that the unit had failed.
ALTER TABLE transactions ADD COLUMN signature TEXT;

-- The public key in force at either end of the chain, in hexadecimal.
ALTER TABLE chain ADD COLUMN key TEXT;
