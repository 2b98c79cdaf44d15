"""Settings: precedence of their sources, ranges, and suggestions for unknown keys."""

import inspect
import json
import math
import tomllib
from dataclasses import replace

import pytest

from cli.run import run
from explorer.config import Settings
from explorer.config_file import SHORT_NAMES, load_settings, setting_of, to_dict, to_toml
from explorer.errors import ConfigError
from explorer.overrides import with_overrides


def test_lists_may_have_brackets():
    for text in ("torsion,hopping", "[torsion, hopping]"):
        assert with_overrides(Settings(), {"hopping": {"moves": text}}).hopping.moves == ("torsion", "hopping")


def test_overrides_precede_the_file_and_the_file_precedes_the_defaults_of_the_potential(tmp_path):
    file = tmp_path / "run.toml"
    file.write_text('potential = "lennard-jones"\nseed = 4\n[hopping]\ntemperature = 2000\nn_walkers = 3\n')
    settings = load_settings(file, {"hopping.n_walkers": "5"})
    hopping = settings.hopping
    assert (settings.seed, hopping.temperature, hopping.n_walkers, hopping.ediff_max) == (4, 2000.0, 5, 0.005)
    assert settings.precision == "float64"  # default of Lennard-Jones
    assert load_settings(file, {"precision": "float32"}).precision == "float32"


def test_the_potential_of_the_overrides_selects_the_defaults(tmp_path):
    file = tmp_path / "run.toml"
    file.write_text("seed = 4\n")
    assert load_settings(file, {"potential": "lennard-jones"}).hopping.temperature_max == 12000
    assert load_settings(file) == with_overrides(Settings(), {"seed": 4})


def test_settings_survive_toml():
    settings = load_settings(overrides={"potential": "lennard-jones", "budget.hops": 7})
    assert with_overrides(Settings(), tomllib.loads(to_toml(settings))) == settings
    assert to_dict(settings)["budget"]["hops"] == 7


@pytest.mark.parametrize("name", ['ase:a.b:"C"', "C:\\models\\new", "it's", 'a"""b', "[x] # y = 1", "µ-Modell"])
def test_any_text_survives_toml(name):
    settings = load_settings(overrides={"potential": name})
    assert with_overrides(Settings(), tomllib.loads(to_toml(settings))) == settings


@pytest.mark.parametrize("number", [1e-300, 0.1 + 0.2, 1.0, 1e-7, 5e-324])
def test_any_number_survives_toml(number):
    settings = Settings(relax=replace(Settings().relax, step=number))
    assert with_overrides(Settings(), tomllib.loads(to_toml(settings))) == settings


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ("reaction", ("reaction",)),
        (" cis-amide, proton-transfer ", ("cis-amide", "proton-transfer")),
        (["stereo-inversion"], ("stereo-inversion",)),
        ("none", ()),
        ("", ()),
        ([], ()),
    ],
)
def test_lists_of_names_are_read_from_text_or_list_and_survive_toml_and_json(given, names):
    settings = load_settings(overrides={"hopping.allow": given})
    assert settings.hopping.allow == names
    assert with_overrides(Settings(), tomllib.loads(to_toml(settings))) == settings
    assert with_overrides(Settings(), json.loads(json.dumps(to_dict(settings)))) == settings


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"hopping.mdmins": 3}, "Did you mean 'hopping.mdmin'"),
        ({"hopping": 3}, "hopping is a group of settings"),
        ({"hopping": 3, "hopping.mdmin": 2}, "hopping is a group of settings"),
        ({"hopping.n_walkers": 2.5}, "hopping.n_walkers must be a whole number, received 2.5"),
        ({"hopping.temperature": "hot"}, "hopping.temperature must be a number, received 'hot'"),
        ({"hopping.temperature": 5000.0}, "hopping.temperature must be between 150.0 and 1800.0 K, received 5000.0"),
        ({"hopping.allow": "cis-amide,reactions"}, "received 'reactions'. Did you mean 'reaction'?"),
        ({"hopping.allow": 3}, "hopping.allow must be a list, or values with commas between them, received 3"),
        ({"relax.fmax": -1.0}, "relax.fmax must be larger than 0"),
        ({"budget.minutes": 0.0}, "budget must be limited"),
        ({"relax.fmax": "1e999"}, "relax.fmax must be at most 10, received inf"),
        ({"temperature": math.inf}, "temperature must be at most 100000, received inf"),
        ({"temperature": math.nan}, "temperature must be at most 100000, received nan"),
        ({"budget.minutes": -math.inf}, "budget.minutes must be 0 or more"),
        ({"hopping.ediff_min": 3.0}, r"hopping.ediff_min must be at most ediff_max, 2.0, received 3.0"),
        ({"hopping.time_step": 2500.0}, "hopping.time_step must be at most 20"),
        ({"seed": 2**70}, "seed must be at most 4.29497e"),
        ({"hopping.temperature": 10**400}, "hopping.temperature must be a number"),
        ({"relax.fmax": "(" * 5000}, "relax.fmax must be a number"),
        ({"relax.fmax": "{}[0]" + "1" * 5000}, "relax.fmax must be a number"),
        ({"potential": "a\0b"}, "potential must be printable text"),
        ({"hopping.moves": [["torsion"]]}, "hopping.moves must be a text"),
    ],
)
def test_wrong_settings_name_the_wanted_and_the_received_value(overrides, message):
    with pytest.raises(ConfigError, match=message):
        load_settings(overrides=overrides)


def test_missing_and_broken_files_are_named(tmp_path):
    with pytest.raises(ConfigError, match=r"No configuration file at .*none\.toml"):
        load_settings(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("seed = = 3")
    for content in (b"seed = = 3", b'potential = "M\xe4"', b"seed = " + b"9" * 6000, b"a = " + b"[" * 9000, b"\x00"):
        (tmp_path / "bad.toml").write_bytes(content)
        with pytest.raises(ConfigError, match=r"bad\.toml is (not TOML|nested)") as caught:
            load_settings(tmp_path / "bad.toml")
        assert len(str(caught.value)) < 500
    with pytest.raises(ConfigError, match="could not be read: Is a directory"):
        load_settings(tmp_path)
    (tmp_path / "marked.toml").write_bytes(b"\xef\xbb\xbfseed = 3")
    assert load_settings(tmp_path / "marked.toml").seed == 3


def test_short_names_stand_for_settings_and_are_options_of_run():
    settings = to_dict(Settings())
    options = inspect.signature(run).parameters
    for name, key in SHORT_NAMES.items():
        group, setting = key.split(".")
        assert setting in settings[group]
        assert name in options
        assert setting_of(name) == setting_of(key) == key
