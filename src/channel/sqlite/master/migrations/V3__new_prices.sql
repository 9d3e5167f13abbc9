-- Prices that came with deltas, apart from the products: those of ten thousand products stand on a few dozen pages.
CREATE TABLE new_prices (
    product INTEGER PRIMARY KEY, -- its place
    price   TEXT NOT NULL        -- instead of the product's own
) STRICT;
