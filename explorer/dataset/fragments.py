"""Parts of the domain beside peptides: other chain molecules of H C N O S, and groups that meet in pairs."""

from collections.abc import Callable, Sequence

import numpy as np

# Small molecules with one functional group each; pairs of them make hydrogen bonds, salt bridges and stacked rings.
GROUPS = {
    "water": "O",
    "ammonia": "N",
    "ammonium": "[NH4+]",
    "hydronium-methanol": "C[OH2+]",
    "methane": "C",
    "ethane": "CC",
    "propane": "CCC",
    "isobutane": "CC(C)C",
    "ethene": "C=C",
    "butadiene": "C=CC=C",
    "cyclohexane": "C1CCCCC1",
    "methanol": "CO",
    "ethanol": "CCO",
    "methoxide": "C[O-]",
    "dimethyl-ether": "COC",
    "formaldehyde": "C=O",
    "acetaldehyde": "CC=O",
    "acetone": "CC(C)=O",
    "formic-acid": "OC=O",
    "formate": "[O-]C=O",
    "acetic-acid": "CC(=O)O",
    "acetate": "CC(=O)[O-]",
    "methyl-acetate": "CC(=O)OC",
    "acetic-anhydride": "CC(=O)OC(C)=O",
    "dimethyl-carbonate": "COC(=O)OC",
    "formamide": "NC=O",
    "acetamide": "CC(N)=O",
    "n-methylformamide": "CNC=O",
    "n-methylacetamide": "CC(=O)NC",
    "dimethylacetamide": "CC(=O)N(C)C",
    "methylurea": "CNC(N)=O",
    "methyl-carbamate": "CNC(=O)OC",
    "diacetamide": "CC(=O)NC(C)=O",
    "methylamine": "CN",
    "dimethylamine": "CNC",
    "trimethylamine": "CN(C)C",
    "methylammonium": "C[NH3+]",
    "trimethylammonium": "C[NH+](C)C",
    "tetramethylammonium": "C[N+](C)(C)C",
    "methylguanidine": "CN=C(N)N",
    "methylguanidinium": "CNC(N)=[NH2+]",
    "acetamidine": "CC(=N)N",
    "acetonitrile": "CC#N",
    "propyne": "CC#C",
    "methanimine": "C=N",
    "nitromethane": "C[N+](=O)[O-]",
    "methanethiol": "CS",
    "methanethiolate": "C[S-]",
    "dimethyl-sulfide": "CSC",
    "dimethyl-disulfide": "CSSC",
    "methyl-thioacetate": "CSC(C)=O",
    "dimethyl-sulfoxide": "CS(C)=O",
    "dimethyl-sulfone": "CS(C)(=O)=O",
    "methanesulfonamide": "CS(N)(=O)=O",
    "methanesulfonate": "CS(=O)(=O)[O-]",
    "methyl-sulfate": "COS(=O)(=O)[O-]",
    "benzene": "c1ccccc1",
    "toluene": "Cc1ccccc1",
    "phenol": "Oc1ccccc1",
    "phenolate": "[O-]c1ccccc1",
    "cresol": "Cc1ccc(O)cc1",
    "cresolate": "Cc1ccc([O-])cc1",
    "aniline": "Nc1ccccc1",
    "pyridine": "c1ccncc1",
    "pyrrole": "c1cc[nH]c1",
    "furan": "c1ccoc1",
    "thiophene": "c1ccsc1",
    "indole": "c1ccc2[nH]ccc2c1",
    "skatole": "Cc1c[nH]c2ccccc12",
    "methylimidazole-delta": "Cc1cnc[nH]1",
    "methylimidazole-epsilon": "Cc1c[nH]cn1",
    "methylimidazolium": "Cc1c[nH]c[nH+]1",
    "pyrrolidine": "C1CCNC1",
    "pyrrolidinium": "C1CC[NH2+]C1",
    "tetrahydrofuran": "C1CCOC1",
    "tetrahydropyran": "C1CCOCC1",
    "adenine": "Nc1ncnc2[nH]cnc12",
    "guanine": "Nc1nc2[nH]cnc2c(=O)[nH]1",
    "cytosine": "Nc1cc[nH]c(=O)n1",
    "thymine": "Cc1c[nH]c(=O)[nH]c1=O",
    "uracil": "O=c1cc[nH]c(=O)[nH]1",
}
SUGARS = {
    "glucose": "OC[C@H]1OC(O)[C@H](O)[C@@H](O)[C@@H]1O",
    "methyl-glucoside": "CO[C@H]1O[C@H](CO)[C@@H](O)[C@H](O)[C@H]1O",
    "galactose": "OC[C@H]1OC(O)[C@H](O)[C@@H](O)[C@H]1O",
    "mannose": "OC[C@H]1OC(O)[C@@H](O)[C@@H](O)[C@@H]1O",
    "fucose": "C[C@@H]1OC(O)[C@@H](O)[C@H](O)[C@@H]1O",
    "xylose": "OC1OC[C@@H](O)[C@H](O)[C@H]1O",
    "ribose": "OC[C@H]1OC(O)[C@H](O)[C@@H]1O",
    "methyl-ribofuranoside": "CO[C@@H]1O[C@H](CO)[C@@H](O)[C@H]1O",
    "deoxyribose": "OC[C@H]1OC(O)C[C@@H]1O",
    "n-acetylglucosamine": "CC(=O)N[C@H]1C(O)O[C@H](CO)[C@@H](O)[C@@H]1O",
    "glucosaminium": "[NH3+][C@H]1C(O)O[C@H](CO)[C@@H](O)[C@@H]1O",
    "glucuronate": "OC1O[C@H](C(=O)[O-])[C@@H](O)[C@H](O)[C@H]1O",
    "glucuronic-acid": "OC1O[C@H](C(=O)O)[C@@H](O)[C@H](O)[C@H]1O",
    "glyceraldehyde": "OC[C@@H](O)C=O",
    "open-ribose": "OC[C@@H](O)[C@@H](O)[C@@H](O)C=O",
    "maltose": "OC[C@H]1O[C@H](O[C@H]2[C@H](O)[C@@H](O)C(O)O[C@@H]2CO)[C@H](O)[C@@H](O)[C@@H]1O",
    "lactose": "OC[C@H]1O[C@@H](O[C@H]2[C@H](O)[C@@H](O)C(O)O[C@@H]2CO)[C@H](O)[C@@H](O)[C@H]1O",
    "o-glycosyl-serine": "CC(=O)N[C@@H](CO[C@H]1O[C@H](CO)[C@H](O)[C@H](O)[C@H]1NC(C)=O)C(=O)NC",
    "n-glycosyl-acetamide": "CC(=O)N[C@@H]1O[C@H](CO)[C@@H](O)[C@H](O)[C@H]1NC(C)=O",
}
NUCLEOSIDES = {
    "9-methyladenine": "Cn1cnc2c(N)ncnc12",
    "9-methylguanine": "Cn1cnc2c(=O)[nH]c(N)nc12",
    "1-methylcytosine": "Cn1ccc(N)nc1=O",
    "1-methylthymine": "Cc1cn(C)c(=O)[nH]c1=O",
    "1-methyluracil": "Cn1ccc(=O)[nH]c1=O",
    "methylcytosinium": "Cn1ccc(N)[nH+]c1=O",
    "adenosine": "Nc1ncnc2c1ncn2[C@@H]1O[C@H](CO)[C@@H](O)[C@H]1O",
    "guanosine": "Nc1nc2c(ncn2[C@@H]2O[C@H](CO)[C@@H](O)[C@H]2O)c(=O)[nH]1",
    "cytidine": "Nc1ccn([C@@H]2O[C@H](CO)[C@@H](O)[C@H]2O)c(=O)n1",
    "uridine": "O=c1ccn([C@@H]2O[C@H](CO)[C@@H](O)[C@H]2O)c(=O)[nH]1",
    "thymidine": "Cc1cn([C@H]2C[C@H](O)[C@@H](CO)O2)c(=O)[nH]c1=O",
    "deoxyadenosine": "Nc1ncnc2c1ncn2[C@H]1C[C@H](O)[C@@H](CO)O1",
    "peptide-nucleic-acid": "CC(=O)N(CCNC(C)=O)CC(=O)NC",
    "adenine-thymine": "Cn1cnc2c(N)ncnc12.Cc1cn(C)c(=O)[nH]c1=O",
    "guanine-cytosine": "Cn1cnc2c(=O)[nH]c(N)nc12.Cn1ccc(N)nc1=O",
}
SALT_BRIDGES = [(a, b) for a in ("acetate", "methyl-sulfate", "methanethiolate", "cresolate") for b in (
    "methylammonium", "methylguanidinium", "methylimidazolium", "pyrrolidinium")]  # fmt: skip
_HEADS = {"acid": "C(=O)O", "carboxylate": "C(=O)[O-]", "alcohol": "CO", "amide": "C(N)=O", "amine": "CN",
    "ammonium": "C[NH3+]", "methyl-ester": "C(=O)OC", "ethanolamide": "C(=O)NCCO", "aldehyde": "C=O", "thiol": "CS",
    "glyceride": "C(=O)OC[C@@H](O)CO", "choline-ester": "C(=O)OCC[N+](C)(C)C", "sulfate": "COS(=O)(=O)[O-]",
    "glycine-amide": "C(=O)NCC(=O)O", "nitrile": "C#N", "diglyceride": "C(=O)OC[C@@H](O)COC(C)=O"}  # fmt: skip
_UNITS = {"ethylene-glycol": "CCO", "propylene-glycol": "CC(C)O", "vinyl-alcohol": "CC(O)", "acrylamide": "CC(C(N)=O)",
    "acrylic-acid": "CC(C(=O)O)", "methacrylate": "CC(C)(C(=O)OC)", "styrene": "CC(c1ccccc1)", "lactide": "C(C)C(=O)O",
    "glycolide": "CC(=O)O", "nylon": "CCCC(=O)N", "beta-alanine": "CCC(=O)N", "gaba": "CCCC(=O)N",
    "peptoid": "CC(=O)N(C)", "ethylenimine": "CCN", "thioether": "CCS", "sulfone": "CCS(=O)(=O)",
    "urea": "CCNC(=O)N", "urethane": "CCNC(=O)O", "carbonate": "CCOC(=O)O", "isoprene": "CC(C)=CC",
    "vinylpyrrolidone": "CC(N1CCCC1=O)", "sulfonamide": "CCS(=O)(=O)N", "aramid": "c1ccc(cc1)C(=O)N",
    "disulfide": "CCSS", "propylene": "CC(C)", "acetylene": "C=C"}  # fmt: skip


def draw_lipid(rng: np.random.Generator) -> tuple[str, str]:
    """Draw a hydrocarbon chain of 3 to 16 carbons, with up to two cis or trans double bonds, and a head group."""
    head, length = _pick(rng, list(_HEADS)), int(rng.integers(3, 17))
    chain, bonds, n = "C", "", 1
    while n < length:
        if n + 3 < length and len(bonds) < 2 and rng.random() < 0.12:
            kind = _pick(rng, ["z", "e"])
            chain += "/C=C\\C" if kind == "z" else "/C=C/C"
            bonds, n = bonds + kind, n + 3
        else:
            chain, n = chain + "C", n + 1
    return f"lipid-c{length}{bonds}-{head}", chain + _HEADS[head]


def draw_oligomer(rng: np.random.Generator) -> tuple[str, str]:
    """Draw two to five units of one or two kinds of a chain molecule with end groups of hydrogen, methyl or acetyl."""
    kinds = [_pick(rng, list(_UNITS)) for _ in range(int(rng.integers(1, 3)))]
    units = [_pick(rng, kinds) for _ in range(int(rng.integers(2, 6)))]
    start, end = _pick(rng, ["C", "CC(=O)N", "CO", "[NH3+]C"]), _pick(rng, ["C", "CO", "CN", "CC(=O)[O-]"])
    name = "-".join(f"{len(list(run))}{kind}" for kind, run in _runs(units))
    ends = {"C": "me", "CC(=O)N": "ac", "CO": "meo", "[NH3+]C": "nh3", "CN": "nh2", "CC(=O)[O-]": "coo"}
    return f"{ends[start]}-{name}-{'oh' if end == 'CO' else ends[end]}", start + "".join(_UNITS[u] for u in units) + end


def draw_pair(rng: np.random.Generator) -> tuple[str, str]:
    """Draw two groups side by side, one in four times the two ends of a salt bridge."""
    ends = SALT_BRIDGES[rng.integers(len(SALT_BRIDGES))] if rng.random() < 0.25 else None
    first, second = ends or (_pick(rng, list(GROUPS)), _pick(rng, list(GROUPS)))
    return f"{first}.{second}", f"{GROUPS[first]}.{GROUPS[second]}"


def draw_listed(table: dict[str, str]) -> Callable[[np.random.Generator], tuple[str, str]]:
    """Return a function that draws an entry of a table of SMILES by name."""

    def draw(rng: np.random.Generator) -> tuple[str, str]:
        name = _pick(rng, list(table))
        return name, table[name]

    return draw


def _pick(rng: np.random.Generator, choices: Sequence[str]) -> str:
    return choices[int(rng.integers(len(choices)))]


def _runs(units: list[str]) -> list[tuple[str, list[str]]]:
    runs: list[tuple[str, list[str]]] = []
    for unit in units:
        if runs and runs[-1][0] == unit:
            runs[-1][1].append(unit)
        else:
            runs.append((unit, [unit]))
    return runs
