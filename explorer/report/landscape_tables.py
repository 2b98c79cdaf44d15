"""Table of the exchanges between the lowest conformer and the others, with times in words."""

import numpy as np

from explorer.analysis.kinetic_model import KineticModel
from explorer.analysis.kinetics import GAS_PHASE
from explorer.analysis.run_analysis import RunAnalysis
from explorer.landscape.fastest import fastest_paths
from explorer.landscape.passage import passage_times
from explorer.landscape.rates import largest_rate_ratio
from explorer.report.tables import ReportBlock, Row, Table
from explorer.units import KCAL_PER_MOL
from explorer.wording import counted, time_in_words

N_LISTED = 8  # slowest and fastest exchanges each; not tuned


def exchanges_table(analysis: RunAnalysis) -> ReportBlock | None:
    """Return the panel with the slowest and the fastest exchanges with the lowest minimum; None without saddles."""
    if not analysis.run.transition_states:
        return None
    model = analysis.kinetics
    rows, n_exchanges = _rows(analysis, model)
    block = ReportBlock(
        key="exchanges",
        title="How fast conformers interconvert",
        explanation=f"Mean first-passage times to the most stable conformer and back at {model.temperature:g} K, over "
        "all certified saddles whose vibrations are known. "
        + GAS_PHASE.format(kelvin=model.temperature, factor=largest_rate_ratio(KCAL_PER_MOL, model.temperature))
        + "".join(f" {remark}" for remark in model.remarks),
    )
    if not rows:
        absent = "The vibrations of the saddles and their minima are not known. Use <code>pes-explore rates RUN</code>."
        return ReportBlock(block.key, block.title, block.explanation, absent=absent)
    columns = ("minimum", "energy (kcal/mol)", "to the most stable", "back", "limiting saddle", "its energy (kcal/mol)")
    fastest = rows[N_LISTED:][-N_LISTED:][::-1]
    title = f"Slowest of {counted(n_exchanges, 'exchange')}"
    block.parts.append(Table(columns, rows[:N_LISTED], title, words=(2, 3)))
    if fastest:
        block.parts.append(Table(columns, fastest, "Fastest exchanges", words=(2, 3)))
    return block


def _rows(analysis: RunAnalysis, model: KineticModel) -> tuple[list[Row], int]:
    """Return rows of the slowest and the fastest minima, the slowest first, and the number of all.

    They are those that certified saddles connect to the most stable of all minima beside saddles.
    """
    part = model.certified.part_of_most_stable()
    if not len(part.ids):
        return [], 0
    stable = int(np.argmin(part.free_energies))
    rates, target = part.rate_matrix(), np.array([stable])
    there = passage_times(rates, target).mean
    rows = []
    others = [k for k in np.argsort(-there, kind="stable").tolist() if k != stable]
    listed = others if len(others) <= 2 * N_LISTED else others[:N_LISTED] + others[-N_LISTED:]
    for k in listed:
        back = passage_times(rates, np.array([k])).mean[stable]
        (path,) = fastest_paths(part, np.array([k]), target)
        saddle = analysis.run.transition_states[path.limiting_saddle]
        id = int(part.ids[k])
        cells = (
            id,
            f"{analysis.energies[id]:.2f}",
            time_in_words(float(there[k])),
            time_in_words(float(back)),
            saddle.id,
            f"{float(analysis.relative(saddle.energy)):.2f}",
        )
        rows.append(Row(cells, id))
    return rows, len(others)
