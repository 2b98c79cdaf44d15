-- Since schema 9; added to older runs when they are opened for writing.
-- Molecular dynamics that test whether the molecule stays intact, each after its equilibration.
CREATE TABLE trajectory (
    id INTEGER PRIMARY KEY,
    ensemble TEXT NOT NULL,
    temperature REAL NOT NULL,        -- K, requested
    seed INTEGER NOT NULL,
    minimum INTEGER NOT NULL REFERENCES minimum (id),
    picoseconds REAL NOT NULL,        -- length, up to the failure if there is one
    failure TEXT NOT NULL,            -- class of the structure that was no longer intact, or empty
    reason TEXT NOT NULL,
    mean_temperature REAL,            -- K
    drift REAL,                       -- of the total energy, meV per atom and ps; NULL with a thermostat
    fluctuation REAL                  -- standard deviation of the total energy, meV per atom; NULL with a thermostat
);
