-- The highest numbers known elsewhere when the register was activated here: what is recorded next goes on behind them, and the numbers
-- between its own last one and those are no gap.
CREATE TABLE activations (
    sequence INTEGER PRIMARY KEY CHECK (sequence >= 0),
    receipt INTEGER NOT NULL CHECK (receipt >= 0),
    shift INTEGER NOT NULL CHECK (shift >= 0)
) STRICT;

-- The last receipt number given when a shift began: with a higher one there is money of the shift in the drawer.
ALTER TABLE shifts ADD COLUMN receipt_before INTEGER NOT NULL DEFAULT 0;

-- Wrong PINs in a row at this register. They count over restarts, online and offline.
CREATE TABLE attempts (
    operator TEXT PRIMARY KEY,
    failures INTEGER NOT NULL CHECK (failures > 0),
    locked_until INTEGER, -- milliseconds since 1970, UTC
    tried_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
