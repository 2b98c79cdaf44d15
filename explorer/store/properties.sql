-- Since schema 4; added to older runs when they are opened for writing.
-- Arrays over the minima by id, as far as they were known: parts of the energy (eV), charges (e), dipoles (e Å).
CREATE TABLE property (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
);
