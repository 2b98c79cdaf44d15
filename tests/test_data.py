"""Every shipped file is listed in data/README.md with its sha256 and a licence."""

import hashlib
import re
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data"
ROWS = re.findall(r"^\| `([^`]+)` \|.*\| (\S+) \| `([0-9a-f]{64})` \|$", (DATA / "README.md").read_text(), re.MULTILINE)
PAGES = {"README.md"}


def test_every_file_is_listed():
    files = {path.relative_to(DATA).as_posix() for path in DATA.rglob("*") if path.is_file()}
    files = {name for name in files if Path(name).name not in PAGES and "__pycache__" not in name}
    assert files == {name for name, _, _ in ROWS}


def test_digests_are_those_of_the_files():
    assert {name: digest for name, _, digest in ROWS} == {
        name: hashlib.sha256((DATA / name).read_bytes()).hexdigest() for name, _, _ in ROWS
    }


def test_every_file_has_a_licence():
    assert all(licence == "MIT" or licence.startswith("CC-") for _, licence, _ in ROWS)


def test_training_data_stays_small():
    assert sum(path.stat().st_size for path in (DATA / "training").iterdir()) <= 40e6
