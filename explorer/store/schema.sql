-- One run of pes-explore. Arrays are blobs in the .npy format of NumPy. NaN is stored as NULL.
-- Derived values (visits, the graph, relative energies) are not stored.
BEGIN IMMEDIATE;
PRAGMA application_id = 1885696869;  -- "pese"
PRAGMA user_version = 14;            -- version of this schema

CREATE TABLE run (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    config TEXT NOT NULL,             -- JSON: effective settings
    provenance TEXT NOT NULL,         -- JSON: version, seed, digests, host
    finished TEXT NOT NULL DEFAULT '' -- why the run ended
);

CREATE TABLE molecule (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    name TEXT NOT NULL,
    source TEXT NOT NULL,
    total_charge INTEGER NOT NULL,    -- e
    multiplicity INTEGER NOT NULL,
    atom_names TEXT NOT NULL,         -- JSON
    atomic_numbers BLOB NOT NULL,
    positions BLOB NOT NULL,          -- Å
    bonds BLOB NOT NULL,
    bond_orders BLOB NOT NULL,
    formal_charges BLOB NOT NULL,     -- e
    isotopes BLOB,                    -- mass numbers and 0 for the natural mixture; NULL if no atom has one
    remarks TEXT NOT NULL DEFAULT '[]' -- JSON: how the input was understood where it left a choice
);

CREATE TABLE round (
    id INTEGER PRIMARY KEY,
    n_evaluations INTEGER NOT NULL,   -- force calls of the run after this round
    n_minima INTEGER NOT NULL,        -- of the run after this round
    wall_seconds REAL,                -- of the run after this round
    potential_seconds REAL,           -- part of it spent in the potential
    n_idle INTEGER NOT NULL DEFAULT 0 -- unused capacity of the device so far, force calls
);

-- The last five columns of `minimum` and `hop` are the uncertainty of the model, if it provides one: spread of the
-- committee's energies (eV) and forces (eV/Å), distance from the training data (standard deviations of the features),
-- expected force error (eV/Å) and trust level (trusted, uncertain or out-of-distribution). They are stored for a hop
-- only if it failed; other hops have the uncertainty of the minimum in which they ended.
CREATE TABLE minimum (
    id INTEGER PRIMARY KEY,
    energy REAL,                      -- eV
    positions BLOB NOT NULL,          -- Å, float64
    class TEXT NOT NULL,
    fmax REAL,                        -- eV/Å
    n_evaluations INTEGER NOT NULL,   -- force calls of the run when it was first found
    round INTEGER NOT NULL REFERENCES round (id),
    energy_spread REAL,
    force_spread REAL,
    distance REAL,
    expected_error REAL,
    trust_level TEXT,
    exclusion TEXT,                   -- why it is no result (empty for a result)
    attempt INTEGER                   -- saddle_attempt.id that found it
);

CREATE TABLE hop (
    id INTEGER PRIMARY KEY,           -- order of commit
    walker INTEGER NOT NULL,
    number INTEGER NOT NULL,          -- index of the hop of this walker
    round INTEGER NOT NULL REFERENCES round (id),
    start INTEGER NOT NULL,           -- minimum.id, or -1 for the input
    "end" INTEGER REFERENCES minimum (id),
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    accepted INTEGER NOT NULL,
    temperature REAL,                 -- K
    ediff REAL,                       -- eV
    highest_energy REAL,              -- eV
    n_evaluations INTEGER NOT NULL,   -- force calls of this hop
    escape_class TEXT,                -- class of the structure at the end of the dynamics
    move TEXT,                        -- how the walker left the minimum; NULL means hopping
    start_torsions BLOB,              -- torsions at the start of the relaxation of a jump (degrees)
    energy_spread REAL,
    force_spread REAL,
    distance REAL,
    expected_error REAL,
    trust_level TEXT
);

-- State of all walkers after the last round: named arrays with a leading walker axis.
CREATE TABLE walker (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
);

CREATE TABLE comparison (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    nearest_frame_distance BLOB NOT NULL, -- degrees, by minimum.id
    frames_torsions BLOB NOT NULL,        -- degrees
    n_frames INTEGER NOT NULL,
    n_relaxed INTEGER NOT NULL,
    n_failed INTEGER NOT NULL,
    source TEXT NOT NULL
);

CREATE TABLE training_minimum (
    id INTEGER PRIMARY KEY,
    energy REAL,                      -- eV, on the surface of the run
    positions BLOB NOT NULL,          -- Å, float64
    n_frames INTEGER NOT NULL,
    found INTEGER REFERENCES minimum (id)
);

CREATE TABLE validation (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    reference TEXT NOT NULL,
    ids BLOB NOT NULL,
    rmsd BLOB NOT NULL,               -- Å
    stayed BLOB NOT NULL,
    energy BLOB NOT NULL,             -- eV
    reference_energy BLOB NOT NULL    -- eV
);
