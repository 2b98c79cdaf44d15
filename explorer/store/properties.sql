-- Since schema 4; added to older runs when they are opened for writing.
-- Arrays over the minima by id, up to the last one computed: energy contributions (eV), charges (e), dipoles (e Å).
CREATE TABLE property (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
);
