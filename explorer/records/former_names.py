"""Names of version 0.1, in files and for models, with their present names. They are read and never written."""

OUTCOMES = {"doubted": "too-uncertain"}
TRUST_LEVELS = {"outside": "out-of-distribution"}
# values of `hopping.max_uncertainty`; the worst trust level was the default and meant no limit
UNCERTAINTY_LIMITS = {"outside": "any", "out-of-distribution": "any"}
FORMER_MOVES = {"shake": "rattle", "surface": "surface-move", "fresh": "random-restart"}
# defaults of version 0.1 that have changed; they hold for runs that do not store the setting
FORMER_DEFAULTS = {"hopping": {"allow": ["cis-amide"]}, "budget": {"window": 0.0}}
SETTINGS = {"hopping.deep": "hopping.low_energy_share"}
DEFAULT_MODELS = ("peptides",)  # they stand for the present default where they are no longer shipped
REMOVED_MODELS = {  # models that are no longer shipped, with what to take instead
    "alanine": "It was trained on three capped alanines; `default` has their chemistry and an uncertainty too."
}
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
