-- Since schema 9; added to older runs when they are opened for writing.
-- Dynamics that test whether the molecule stays what it is, each after its equilibration.
CREATE TABLE trajectory (
    id INTEGER PRIMARY KEY,
    ensemble TEXT NOT NULL,
    temperature REAL NOT NULL,        -- K, asked for
    seed INTEGER NOT NULL,
    minimum INTEGER NOT NULL REFERENCES minimum (id),
    picoseconds REAL NOT NULL,        -- followed, to the failure at most
    failure TEXT NOT NULL,            -- class of the structure that was no longer the molecule, or empty
    reason TEXT NOT NULL,
    mean_temperature REAL,            -- K
    drift REAL,                       -- of the total energy, meV per atom and ps
    fluctuation REAL                  -- of the total energy, meV per atom
);
