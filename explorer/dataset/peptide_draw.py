"""Random peptides of the domain: residues in every usual protonation state, ends, modifications and cycles."""

from typing import NamedTuple

import numpy as np

from explorer.io.sequence import SIDE_CHAINS

# Side chains at the alpha carbon by residue, each list with the usual protonation states.
_STATES = {letter: [letter] for letter in "AFGILMNPQSTVW"} | {
    "C": ["C", "CYM"], "D": ["D", "ASH"], "E": ["E", "GLH"], "H": ["HID", "HIE", "HIP"], "K": ["K", "LYN"],
    "R": ["R", "ARN"], "Y": ["Y", "TYM"], "HYP": ["HYP"]}  # fmt: skip
_SIDE_CHAINS = SIDE_CHAINS | {"CYM": "C[S-]", "TYM": "Cc1ccc([O-])cc1", "ARN": "CCCN=C(N)N"}
_PROLINES = {"P": "CCC", "HYP": "C[C@H](O)C"}
_START = {"ac": "CC(=O)", "for": "C(=O)", "h": "", "h2": ""}  # acetyl, formyl, NH2, NH3+
_END = {"nhme": "NC", "nh2": "N", "ome": "OC", "oh": "O", "o": "[O-]"}
_SHARE_D, _SHARE_N_METHYL, _SHARE_UNUSUAL_STATE = 0.10, 0.08, 0.35  # of the residues; not tuned
_LENGTHS = {1: 0.30, 2: 0.34, 3: 0.22, 4: 0.09, 5: 0.05}  # residues of linear peptides; not tuned


class _Residue(NamedTuple):
    state: str
    is_d: bool = False
    is_methylated: bool = False

    @property
    def name(self) -> str:
        """Lower-case state, such as `a`, `(cym)`, `[da]` for a D and `[ma]` for an N-methylated residue."""
        text = self.state.lower() if len(self.state) == 1 else f"({self.state.lower()})"
        changes = "d" * self.is_d + "m" * self.is_methylated
        return f"[{changes}{text}]" if changes else text

    def smiles(self, side: str = "", nitrogen: str = "N") -> str:
        """N-C(side)-C(=O) with the nitrogen as given."""
        if self.state in _PROLINES:
            return f"{nitrogen}1{_PROLINES[self.state]}[C@{'@' * self.is_d}H]1C(=O)"
        nitrogen = nitrogen + "(C)" * self.is_methylated
        if self.state == "G" and not side:
            return f"{nitrogen}CC(=O)"
        return f"{nitrogen}[C@{'@' * (not self.is_d)}H]({side or _SIDE_CHAINS[self.state]})C(=O)"


def draw_linear(rng: np.random.Generator) -> tuple[str, str]:
    """Draw a linear peptide of one to five residues with free or capped ends."""
    n = int(rng.choice(list(_LENGTHS), p=list(_LENGTHS.values())))
    residues = [_draw_residue(rng) for _ in range(n)]
    start, end = str(rng.choice(list(_START))), str(rng.choice(list(_END)))
    return _name(residues, start, end), _chain([r.smiles() for r in residues], residues[0], start, end)


def draw_disulfide(rng: np.random.Generator) -> tuple[str, str]:
    """Draw a peptide with a disulfide between two cysteines at its ends, which are 0 to 3 residues apart."""
    residues = [_draw_residue(rng) for _ in range(int(rng.integers(2, 6)))]
    start, end = str(rng.choice(list(_START))), str(rng.choice(list(_END)))
    ends = (0, len(residues) - 1)
    residues = [_Residue("C", r.is_d) if k in ends else r for k, r in enumerate(residues)]
    parts = [r.smiles("CS%91" if k in ends else "") for k, r in enumerate(residues)]
    return f"{_name(residues, start, end)}-ss", _chain(parts, residues[0], start, end)


def draw_macrocycle(rng: np.random.Generator) -> tuple[str, str]:
    """Draw a cycle: head-to-tail of 4 to 8 residues, or a lactam between the side chains of lysine and an acid."""
    if rng.random() < 0.7:
        residues = [_draw_residue(rng, "AGGSVLTPPNFDKEIYCHQRMW") for _ in range(int(rng.integers(4, 9)))]
        first, *rest = residues
        ring = first.smiles(nitrogen="N%92") + "".join(r.smiles() for r in rest)
        return f"cyclo-{''.join(r.name for r in residues)}", f"{ring.removesuffix('C(=O)')}C%92(=O)"
    residues = [_draw_residue(rng, "AGSVLTNFP") for _ in range(int(rng.integers(3, 7)))]
    acid = str(rng.choice(["D", "E"]))
    ends = {0: ("K", "CCCCN%93"), len(residues) - 1: (acid, "C" * (1 + (acid == "E")) + "C%93(=O)")}
    residues = [_Residue(ends[k][0], r.is_d) if k in ends else r for k, r in enumerate(residues)]
    parts = [r.smiles(ends[k][1] if k in ends else "") for k, r in enumerate(residues)]
    start, end = str(rng.choice(["ac", "h2", "h"])), str(rng.choice(list(_END)))
    return f"{_name(residues, start, end)}-lactam", _chain(parts, residues[0], start, end)


def _draw_residue(rng: np.random.Generator, letters: str = "") -> _Residue:
    residue = str(rng.choice(list(letters) if letters else list(_STATES)))
    first, *others = _STATES[residue]
    state = str(rng.choice(others)) if others and rng.random() < _SHARE_UNUSUAL_STATE else first
    is_d = residue != "G" and rng.random() < _SHARE_D
    return _Residue(state, is_d, state not in _PROLINES and rng.random() < _SHARE_N_METHYL)


def _chain(parts: list[str], first: _Residue, start: str, end: str) -> str:
    body = "".join(parts)
    if start == "h2":  # the charge of the first nitrogen
        n_hydrogens = 3 - first.is_methylated - (first.state in _PROLINES)
        body = f"[NH{n_hydrogens}+]{body[1:]}"
    return _START[start] + body + _END[end]


def _name(residues: list[_Residue], start: str, end: str) -> str:
    return f"{start}-{''.join(r.name for r in residues)}-{end}"
