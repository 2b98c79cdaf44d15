"""`report`, `export` and `info` with a synthetic run; they do not import JAX."""

import json
import subprocess
import sys

import ase.io
import pytest

from explorer.config import Settings


def test_report_updates_page_and_summary_and_prints_the_table(pes_explore, make_run, tmp_path):
    make_run(tmp_path / "run")
    code, out, _ = pes_explore("report", tmp_path / "run")
    assert code == 0
    assert (tmp_path / "run" / "index.html").read_text().startswith("<!doctype html>")
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["n_minima"] == 3
    rows = {line[:28].strip(): line[28:].strip() for line in out.splitlines()}
    assert rows["distinct minima"] == "3"
    assert rows["force calls"] == "300"
    assert rows["report"].endswith("index.html")


def test_report_accepts_the_file_of_the_run_too(pes_explore, make_run, tmp_path):
    make_run(tmp_path)
    assert pes_explore("report", tmp_path / "run.sqlite").code == 0
    assert (tmp_path / "index.html").exists()


def test_report_elsewhere_is_not_overwritten_without_force(pes_explore, make_run, tmp_path):
    make_run(tmp_path)
    page = tmp_path / "page.html"
    page.write_text("mine")
    code, _, err = pes_explore("report", tmp_path, "--out", page)
    assert code == 1
    assert "--force" in err
    assert page.read_text() == "mine"
    assert pes_explore("report", tmp_path, "--out", page, "--force").code == 0
    assert page.read_text() != "mine"


def test_export_writes_all_formats(pes_explore, make_run, tmp_path):
    make_run(tmp_path)
    code, out, _ = pes_explore("export", tmp_path, "--format", "extxyz,graphml", "--out", tmp_path / "exported")
    assert code == 0
    assert out.splitlines() == [str(tmp_path / "exported" / name) for name in ("minima.extxyz", "graph.graphml")]
    energies = [atoms.get_potential_energy() for atoms in ase.io.read(tmp_path / "exported" / "minima.extxyz", ":")]
    assert energies == pytest.approx([-10.0, -9.9, -9.8])


def test_export_is_not_overwritten_without_force(pes_explore, make_run, tmp_path):
    make_run(tmp_path)
    assert pes_explore("export", tmp_path).code == 0
    code, _, err = pes_explore("export", tmp_path)
    assert code == 1
    assert "minima.extxyz" in err
    assert pes_explore("export", tmp_path, "--force").code == 0


def test_unknown_export_format_names_the_known_ones(pes_explore, make_run, tmp_path):
    make_run(tmp_path)
    code, _, err = pes_explore("export", tmp_path, "--format", "mol2")
    assert code == 1
    assert "extxyz, sdf, graphml, saddles, csv, json, pathsample" in err


def test_info_of_a_run_shows_settings_and_digests(pes_explore, make_run, tmp_path):
    make_run(tmp_path)
    code, out, _ = pes_explore("info", tmp_path)
    assert code == 0
    rows = {line.split()[0]: line.split()[-1] for line in out.splitlines() if line.strip()}
    assert rows["potential_digest"] == "3f9a17c2be04"
    assert rows["hopping.mdmin"] == str(Settings().hopping.mdmin)


def test_info_of_the_installation_shows_versions_and_devices(pes_explore):
    code, out, _ = pes_explore("info")
    rows = {line.split()[0]: line.split()[-1] for line in out.splitlines() if line.strip()}
    assert code == 0
    assert rows["python"] == sys.version.split()[0]
    assert rows["devices"]
    assert "ac-ala3-nhme" in out


def test_records_commands_import_no_jax(make_run, tmp_path):
    make_run(tmp_path)
    code = (
        "import sys; from cli.main import main\n"
        "for arguments in (['report', *sys.argv[1:]], ['export', *sys.argv[1:]], ['info', *sys.argv[1:]]):\n"
        "    sys.argv = ['pes-explore', *arguments[:2]]\n"
        "    try: main()\n"
        "    except SystemExit as exit: assert not exit.code\n"
        "    sys.argv = sys.argv[1:]\n"
        "assert 'jax' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
