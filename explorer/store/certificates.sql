-- Since schema 3; added to older runs when they are opened for writing.
-- Classification of stored minima by their Hessian, after tight relaxation in float64.
CREATE TABLE certificate (
    minimum INTEGER PRIMARY KEY REFERENCES minimum (id),
    point_type TEXT NOT NULL,
    reason TEXT NOT NULL,
    energy REAL,                      -- eV
    fmax REAL,                        -- eV/Å
    lowest_wavenumber REAL,           -- 1/cm, negative if imaginary
    n_products INTEGER NOT NULL,
    wavenumbers BLOB NOT NULL         -- 1/cm, empty if only the lowest was computed
);

-- Stored minima that are saddle points, and the structures on both sides of each.
CREATE TABLE saddle (
    minimum INTEGER PRIMARY KEY REFERENCES minimum (id),
    energy REAL,                      -- eV
    positions BLOB NOT NULL,          -- Å, float64
    fmax REAL,                        -- eV/Å
    direction BLOB NOT NULL,          -- softest vibration, largest displacement 1
    wavenumbers BLOB NOT NULL         -- 1/cm
);

CREATE TABLE saddle_end (
    saddle INTEGER NOT NULL REFERENCES saddle (minimum),
    side INTEGER NOT NULL,            -- 0 along the direction, 1 against it
    minimum INTEGER REFERENCES minimum (id),
    energy REAL,                      -- eV
    positions BLOB NOT NULL,          -- Å, float64
    class TEXT NOT NULL,
    point_type TEXT NOT NULL,
    reason TEXT NOT NULL,
    lowest_wavenumber REAL,           -- 1/cm
    PRIMARY KEY (saddle, side)
);
