-- Events among many sales: the newest of a sort is asked for whenever the register starts and somebody signs in.
CREATE INDEX events ON transactions (sequence) WHERE kind = 'event';
