-- Since schema 13; added to older runs when they are opened for writing.
-- One checksum for each row of every other table, and one for the schema itself (an empty name of a table).
CREATE TABLE checksum (
    name TEXT NOT NULL,               -- table
    row TEXT NOT NULL,                -- primary key of the row, as SQL literals with commas between them
    value BLOB NOT NULL,              -- of all values of the row, see explorer/store/checksums.py
    PRIMARY KEY (name, row)
) WITHOUT ROWID;
