-- Run once when the database is made: the channel database of store 343 beside headquarters' own.
CREATE DATABASE channel_343;
\connect channel_343
CREATE EXTENSION IF NOT EXISTS pg_trgm;
