-- Since schema 14; added to older runs when they are opened for writing.
-- Transition states that were refined with a reference method, and their two minima that were relaxed with it.
CREATE TABLE saddle_validation (
    saddle INTEGER PRIMARY KEY REFERENCES transition_state (id),
    reference TEXT NOT NULL,
    reason TEXT NOT NULL,             -- why the reference has no saddle between the same minima; empty if it has one
    energy REAL,                      -- eV, of the refined saddle with the reference
    first_energy REAL,                -- eV, of the relaxed minimum on side 0 with the reference
    second_energy REAL,               -- eV, of that on side 1
    rmsd REAL                         -- of the heavy atoms of the saddle before and after the refinement
);
