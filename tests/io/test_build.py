"""Embedding of molecules ends in time, says what it does and can be interrupted."""

import signal
import threading
import time

import numpy as np
import pytest

from explorer.errors import InputError
from explorer.io import build
from explorer.io.build import from_smiles


@pytest.fixture
def slow(monkeypatch):
    """An embedding that takes ten seconds, as those of long chains do."""
    ended = threading.Event()
    monkeypatch.setattr(build, "_embedded", lambda *_: ended.wait(10) and [])
    yield
    ended.set()


def test_an_embedding_that_takes_too_long_is_an_input_error(slow, monkeypatch):
    monkeypatch.setattr(build, "_MOST_SECONDS", 0.2)
    started = time.monotonic()
    with pytest.raises(InputError, match=r"No 3D structure of 8 atoms .* could be built in 0\.2 s"):
        from_smiles("CC")
    assert time.monotonic() - started < 5


def test_an_embedding_can_be_interrupted(slow):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background process ignores SIGINT
    main = threading.main_thread().ident
    threading.Timer(0.3, lambda: signal.pthread_kill(main, signal.SIGINT)).start()
    started = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            from_smiles("CC")
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - started < 5


def test_a_large_molecule_is_announced_with_the_longest_time(monkeypatch, caplog):
    monkeypatch.setattr(build, "_embedded", lambda mol, *_: [np.zeros((mol.GetNumAtoms(), 3))])
    build.embed(build.Chem.AddHs(build.Chem.MolFromSmiles("C" * 60)), 1, 1)
    assert "Building a 3D structure of 182 atoms, which takes 60 s at most." in caplog.text


def test_the_same_seed_gives_the_same_structure():
    np.testing.assert_array_equal(from_smiles("CCO").positions, from_smiles("CCO").positions)


@pytest.mark.parametrize("smiles", ["[999CH3]C", "[5CH3]C", "C[8H]"])
def test_isotope_that_cannot_exist_is_refused(smiles):
    with pytest.raises(InputError, match=r"atom \d \([CH]\): a mass number from \d+ to \d+ was expected, received"):
        from_smiles(smiles)
    assert from_smiles("[14CH3]C[3H]").isotopes.sum() == 17
