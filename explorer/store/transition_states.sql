-- Since schema 12; added to older runs when they are opened for writing.
-- Rounds of `pes-explore connect`.
CREATE TABLE connect_round (
    id INTEGER PRIMARY KEY,
    wall_seconds REAL                 -- of all rounds so far
);

-- Stationary points with one imaginary vibration. The last five columns are the uncertainty, as in the table minimum.
CREATE TABLE transition_state (
    id INTEGER PRIMARY KEY,
    energy REAL,                      -- eV
    positions BLOB NOT NULL,          -- Å, float64
    fmax REAL,                        -- eV/Å
    direction BLOB NOT NULL,          -- imaginary vibration, largest displacement 1
    wavenumbers BLOB NOT NULL,        -- 1/cm, ascending: all or the lowest two
    class TEXT NOT NULL,
    n_evaluations INTEGER NOT NULL,   -- force calls of all attempts when it was first found
    round INTEGER NOT NULL REFERENCES connect_round (id),
    remark TEXT NOT NULL,
    energy_spread REAL,
    force_spread REAL,
    distance REAL,
    expected_error REAL,
    trust_level TEXT
);

CREATE TABLE transition_state_end (
    transition_state INTEGER NOT NULL REFERENCES transition_state (id),
    side INTEGER NOT NULL,            -- 0 along the direction, 1 against it
    minimum INTEGER NOT NULL REFERENCES minimum (id),
    path_length REAL,                 -- Å
    PRIMARY KEY (transition_state, side)
);

CREATE TABLE saddle_attempt (
    id INTEGER PRIMARY KEY,
    round INTEGER NOT NULL REFERENCES connect_round (id),
    kind TEXT NOT NULL,
    reason_for TEXT NOT NULL,
    start INTEGER NOT NULL REFERENCES minimum (id),
    "end" INTEGER REFERENCES minimum (id),
    try_number INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    saddle INTEGER REFERENCES transition_state (id),
    n_evaluations INTEGER NOT NULL,   -- force calls
    n_products INTEGER NOT NULL       -- products of a Hessian that tested the stationary point
);
