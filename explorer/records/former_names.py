"""Names that version 0.1 wrote into files, with their present names. They are read and never written."""

OUTCOMES = {"doubted": "too-uncertain"}
TRUST_LEVELS = {"outside": "out-of-distribution"}
# values of `hopping.max_uncertainty`; the worst trust level was the default and meant no limit
UNCERTAINTY_LIMITS = {"outside": "any", "out-of-distribution": "any"}
FORMER_MOVES = {"shake": "rattle", "surface": "surface-move", "fresh": "random-restart"}
# defaults of version 0.1 that have changed; they hold for runs that do not store the setting
FORMER_DEFAULTS = {"hopping": {"allow": ["cis-amide"]}, "budget": {"window": 0.0}}
SETTINGS = {"hopping.deep": "hopping.low_energy_share"}
COLUMNS = {  # of the store, by table; renamed with schema 10
    "minimum": {"verdict": "trust_level"},
    "hop": {"verdict": "trust_level", "aim": "start_torsions"},
    "comparison": {"n_quenched": "n_relaxed"},
    "certificate": {"verdict": "point_type", "lowest": "lowest_wavenumber"},
    "saddle_end": {"verdict": "point_type", "lowest": "lowest_wavenumber"},
}
WALKER_ARRAYS = {  # of the state of the walkers
    "deep": "targets_low_energy",
    "jumps": "jump_targets",
    "where": "progress",
    "deep_new_minima": "low_energy_new_minima",
    "deep_calls": "low_energy_calls",
}
