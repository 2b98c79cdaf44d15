"""Peptides by their sequence: one-letter residues, lower case for D, names in brackets for other residues."""

import re
from typing import Literal

from explorer.errors import InputError

Caps = Literal["ace-nme", "ace-nh2", "ace-oh", "ace", "nme", "nh2", "none", "h-nme", "h-nh2", "h-oh"]

# SMILES of the side chain at the alpha carbon of an L residue. Glycine and proline are handled in `_residue`.
SIDE_CHAINS = {
    "A": "C",
    "C": "CS",
    "D": "CC(=O)[O-]",
    "E": "CCC(=O)[O-]",
    "F": "Cc1ccccc1",
    "H": "Cc1c[nH]cn1",
    "I": "[C@@H](C)CC",
    "K": "CCCC[NH3+]",
    "L": "CC(C)C",
    "M": "CCSC",
    "N": "CC(=O)N",
    "Q": "CCC(=O)N",
    "R": "CCCNC(N)=[NH2+]",
    "S": "CO",
    "T": "[C@H](O)C",
    "V": "C(C)C",
    "W": "Cc1c[nH]c2ccccc12",
    "Y": "Cc1ccc(O)cc1",
    # other protonation states, by their names in the Amber force fields
    "ASH": "CC(=O)O",
    "GLH": "CCC(=O)O",
    "HID": "Cc1cnc[nH]1",
    "HIE": "Cc1c[nH]cn1",
    "HIP": "Cc1c[nH]c[nH+]1",
    "LYN": "CCCCN",
}
# Modified residues by their names in the PDB: SMILES of the side chain, or of the whole residue where it differs.
MODIFIED_SIDE_CHAINS = {
    "ABU": "CC",
    "CIT": "CCCNC(N)=O",
    "CYM": "C[S-]",
    "DAB": "CC[NH3+]",
    "MSE": "CC[Se]C",
    "NLE": "CCCC",
    "NVA": "CCC",
    "ORN": "CCC[NH3+]",
    "PTR": "Cc1ccc(OP(=O)([O-])[O-])cc1",
    "SEP": "COP(=O)([O-])[O-]",
    "TPO": "[C@H](OP(=O)([O-])[O-])C",
}
_WHOLE = {
    "G": "NCC(=O)",
    "P": "N1CCC[C@H]1C(=O)",
    "AIB": "NC(C)(C)C(=O)",
    "HYP": "N1C[C@H](O)C[C@H]1C(=O)",
    "SAR": "N(C)CC(=O)",
}
_ACHIRAL = ("G", "AIB", "SAR")
_SECONDARY = ("P", "HYP", "SAR")  # the nitrogen has no second hydrogen to lose
_THREE_LETTERS = {
    "ALA": "A", "CYS": "C", "ASP": "D", "GLU": "E", "PHE": "F", "GLY": "G", "HIS": "H", "ILE": "I", "LYS": "K",
    "LEU": "L", "MET": "M", "ASN": "N", "PRO": "P", "GLN": "Q", "ARG": "R", "SER": "S", "THR": "T", "VAL": "V",
    "TRP": "W", "TYR": "Y",
}  # fmt: skip
_STARTS_OF_NAMES, _ENDS_OF_NAMES = ("AC", "ACE"), ("NME", "NHME", "NH2", "OH", "OME")
_NAMES = " ".join(f"[{name}]" for name in ("ASH", "GLH", "HID", "HIE", "HIP", "LYN", "CYX", *MODIFIED_SIDE_CHAINS))
_RESIDUE_HINT = (
    "Use the letters GAVLIPFMWSTCYNQDEKRH (lower case for D residues), or "
    f"{_NAMES} [AIB] [HYP] [SAR]; give any other molecule as SMILES or a file."
)
_RESIDUE_PATTERN = re.compile(r"[A-Za-z]|\[[A-Za-z]{3}\]")


def peptide_smiles(sequence: str, caps: Caps = "ace-nme") -> str:
    """Return the SMILES of a peptide at neutral pH.

    Args:
        sequence: One-letter residues, N terminus first; lower case is a D residue. Names in brackets are other
            protonation states ([ASH], [GLH], [HID], [HIE], [HIP], [LYN]) and modified residues. The number of [CYX]
            must be even; each consecutive pair of them forms a disulfide. Hyphens between residues are optional.
        caps: Ends of the chain. N terminus: `ace` acetyl, `h` neutral NH2, otherwise NH3+. C terminus: `nme`
            N-methyl amide, `nh2` amide, `oh` neutral acid, otherwise a carboxylate. `none` is a zwitterion.

    Raises:
        InputError: If the sequence is empty, is spelled in three-letter codes, contains an unknown residue or an odd
            number of [CYX].

    >>> peptide_smiles("AG"), peptide_smiles("a", "h-oh")
    ('CC(=O)N[C@@H](C)C(=O)NCC(=O)NC', 'N[C@H](C)C(=O)O')
    """
    residues = split_sequence(sequence)
    chain, bridge = "", 0
    for residue in residues:
        if residue.upper() == "CYX":
            chain += _of_hand(f"N[C@@H](CS%{90 + bridge // 2})C(=O)", residue)  # ring closures 90, 90, 91, 91, ...
            bridge += 1
        else:
            chain += _residue(residue, sequence)
    if bridge % 2:
        raise InputError(
            f"An even number of [CYX] was expected, received {bridge} in {sequence!r}. Write C for a free thiol."
        )
    starts, ends = _ends(caps)
    if starts == "ace":
        chain = f"CC(=O){chain}"
    elif starts != "h":
        chain = ("[NH2+]" if residues[0].upper() in _SECONDARY else "[NH3+]") + chain[1:]
    return chain + {"nme": "NC", "nh2": "N", "oh": "O", "": "[O-]"}[ends]


def peptide_name(sequence: str, caps: Caps = "ace-nme") -> str:
    """Return a name for a peptide that is valid as a file name; only sequences with D residues have capitals.

    Args:
        sequence: Residues as in `peptide_smiles`.
        caps: Chain ends as in `peptide_smiles`.

    >>> peptide_name("A[HIP]G"), peptide_name("AG", "none"), peptide_name("RGDfK", "h-nh2")
    ('ac-a(hip)g-nhme', 'ag', 'h-RGDfK-nh2')
    """
    residues = [residue if len(residue) == 1 else f"({residue})" for residue in split_sequence(sequence)]
    text = "".join(residues)
    starts, ends = _ends(caps)
    before = {"ace": "ac-", "h": "h-", "": ""}[starts]
    after = {"nme": "-nhme", "nh2": "-nh2", "oh": "-oh", "": ""}[ends]
    return before + (text.lower() if text.upper() == text else text) + after


def d_residues(sequence: str) -> list[str]:
    """Return the D residues of a sequence with their numbers, from 1.

    Args:
        sequence: Residues as in `peptide_smiles`.

    >>> d_residues("RGDfK")
    ['D-Phe4']
    """
    names = {letter: code.capitalize() for code, letter in _THREE_LETTERS.items()}
    return [
        f"D-{names.get(residue.upper(), residue.capitalize())}{number}"
        for number, residue in enumerate(split_sequence(sequence), start=1)
        if residue.islower()
    ]


def split_sequence(sequence: str) -> list[str]:
    """Return the residues of a sequence, without brackets.

    Args:
        sequence: Residues as in `peptide_smiles`.

    Raises:
        InputError: If it is empty, is spelled in three-letter codes or contains other characters.
    """
    text = sequence.strip()
    if not text:
        raise InputError("A sequence of one-letter residues was expected, received an empty one. Try AAA.")
    _refuse_three_letter_codes(text)
    rest = _RESIDUE_PATTERN.sub("", text).replace("-", "")
    if rest:
        raise InputError(f"Residue {rest[0]!r} in sequence {sequence[:60]!r} is not known. {_RESIDUE_HINT}")
    return [residue.strip("[]") for residue in _RESIDUE_PATTERN.findall(text)]


def _refuse_three_letter_codes(text: str) -> None:
    """Refuse ALA, Ala-Gly, AlaGly, Ac-A-NHMe and mixtures such as GlyA; A-L-A and ALAG are one-letter residues."""
    words = re.split(r"[-_\s]+", text)
    capped = [word for word in words if word.upper() in (*_STARTS_OF_NAMES, *_ENDS_OF_NAMES)]
    in_words = [word for word in words if word.upper() in _THREE_LETTERS]
    inside = [code for code in re.findall("[A-Z][a-z]{2}", text) if code.upper() in _THREE_LETTERS]
    triplets = [text[k : k + 3] for k in range(0, len(text), 3)]
    only_triplets = (
        all(triplet.upper() in _THREE_LETTERS for triplet in triplets) and len({*map(str.istitle, triplets)}) == 1
    )
    if not (capped or in_words or inside or only_triplets):
        return
    if capped and words[0].upper() == "H" and words[-1].upper() in _ENDS_OF_NAMES:
        words = words[1:]  # H-...-OH has a free amine, no histidine
    letters = re.sub(rf"(?:\b([DL])-?)?({'|'.join(_THREE_LETTERS)})", _one_letter, "-".join(words), flags=re.IGNORECASE)
    letters = "".join(word for word in letters.split("-") if word not in capped)
    single = f", or {'-'.join(text)} if each letter is a residue" if text.isalpha() and not inside else ""
    raise InputError(
        f"One-letter residues were expected, received {text[:60]!r}. Write {letters[:60]} (lower case for D residues), "
        f"with the ends of the chain in --caps{single}."
    )


def _one_letter(code: re.Match[str]) -> str:
    """Return the letter of a residue such as Ala or D-Ala."""
    letter = _THREE_LETTERS[code[2].upper()]
    return letter.lower() if (code[1] or "").upper() == "D" else letter


def _ends(caps: Caps) -> tuple[str, str]:
    """Return the names of the caps at both ends; an empty name is a charged end."""
    parts = caps.split("-")
    starts = parts[0] if parts[0] in ("ace", "h") else ""
    return starts, parts[-1] if parts[-1] in ("nme", "nh2", "oh") else ""


def _residue(residue: str, sequence: str) -> str:
    name = residue.upper()
    side_chain = SIDE_CHAINS.get(name, MODIFIED_SIDE_CHAINS.get(name))
    whole = _WHOLE.get(name) if side_chain is None else f"N[C@@H]({side_chain})C(=O)"
    if whole is None or residue not in (name, name.lower()):
        raise InputError(f"Residue {residue!r} in sequence {sequence[:60]!r} is not known. {_RESIDUE_HINT}")
    if residue != name and name in _ACHIRAL:
        raise InputError(
            f"Residue {residue!r} in sequence {sequence[:60]!r} has no D form, as lower case means. Write {name}."
        )
    return _of_hand(whole, residue)


def _of_hand(smiles: str, residue: str) -> str:
    """Return the mirror image of an L residue for a name in lower case."""
    return smiles if residue.isupper() else re.sub("@{1,2}", lambda sign: "@" if sign[0] == "@@" else "@@", smiles)
