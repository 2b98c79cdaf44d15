"""Energies of networks of mlff in plain numpy, written from their equations; independent of the network here."""

import math

import numpy as np
from scipy.special import erf, gammaln, sph_harm_y

COULOMB = 14.399645351950548


def silu(x):
    return x / (1 + np.exp(-x))


def gelu(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


ACTIVATIONS = {"silu": silu, "gelu": gelu, "identity": lambda x: x, "tanh": np.tanh}


def softplus(x):
    return np.log1p(np.exp(x))


def pairs_of(positions, cutoff):
    """Directed pairs (receiver i, sender j) within the cutoff with distances and unit vectors from i to j."""
    i, j = np.nonzero(~np.eye(len(positions), dtype=bool))
    vectors = positions[j] - positions[i]
    d = np.linalg.norm(vectors, axis=1)
    near = d < cutoff
    return i[near], j[near], d[near], vectors[near] / d[near, None]


def radial(kind, d, n, cutoff, centres=None, widths=None):
    k = np.arange(n)
    if kind == "bernstein":
        t = np.exp(-0.9448630809783936 * d)[:, None]
        binomial = np.exp(gammaln(n) - gammaln(k + 1) - gammaln(n - k))
        return binomial * t**k * (1 - t) ** (n - 1 - k)
    if kind == "physnet":
        mu = np.linspace(np.exp(-cutoff), 1, n)
        return np.exp(-((2 / n * (1 - np.exp(-cutoff))) ** -2) * (np.exp(-d)[:, None] - mu) ** 2)
    if kind == "bessel":
        return np.sin(np.pi * k * d[:, None] / cutoff) / d[:, None]
    return np.exp(-0.5 * (d[:, None] - centres) ** 2 / widths**2)


def cut(kind, d, r):
    u = d / r
    return {
        "phys": lambda: 1 - 6 * u**5 + 15 * u**4 - 10 * u**3,
        "cosine": lambda: 0.5 * (np.cos(np.pi * u) + 1),
        "dimenet": lambda: 1 - 28 * u**6 + 48 * u**7 - 21 * u**8,
        "exponential": lambda: np.exp(-(d**2) / ((r - d) * (r + d))),
    }[kind]()


def harmonics(u, degrees):
    polar, azimuth = np.arccos(np.clip(u[:, 2], -1, 1)), np.arctan2(u[:, 1], u[:, 0])
    columns = []
    for degree in degrees:
        for m in range(-degree, degree + 1):
            value = sph_harm_y(degree, abs(m), polar, azimuth)
            real = value.imag if m < 0 else value.real
            columns.append(real * (1 if m == 0 else np.sqrt(2) * (-1) ** m))
    return np.stack(columns, axis=1)


def order_of(degrees):
    return np.repeat(np.arange(len(degrees)), [2 * degree + 1 for degree in degrees])


def contract(chi, degrees):
    return np.stack(
        [(chi[:, order_of(degrees) == k] ** 2).sum(1) / math.sqrt(2 * degree + 1) for k, degree in enumerate(degrees)],
        1,
    )


def norm(x, scale, bias):
    return (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-6) * scale + bias


def receive(messages, i, n):
    total = np.zeros((n, messages.shape[1]))
    np.add.at(total, i, messages)
    return total


def heads(x, n):
    return x.reshape(len(x), n, -1)


def zbl(p, numbers, i, j, d, f_c):
    a = [softplus(p(f"a{k}")) for k in (1, 2, 3, 4)]
    c = np.array([softplus(p(f"c{k}")) for k in (1, 2, 3, 4)])
    c = c / c.sum()
    x = d * (numbers[i] ** softplus(p("p")) + numbers[j] ** softplus(p("p"))) * softplus(p("d"))
    screening = sum(ck * np.exp(-ak * x) for ak, ck in zip(a, c, strict=True))
    s = np.clip(d / 1.5, 1e-12, 1 - 1e-12)
    g = [np.exp(-1 / (1 - s)), np.exp(-1 / s)]
    switch = np.where(d < 1.5, g[0] / (g[0] + g[1]), 0)
    return 0.5 * np.sum(switch * f_c * COULOMB * numbers[i] * numbers[j] / d * screening)


def energy_v0(net, arrays, numbers, positions):
    """Energy of a network of mlff 0.x in its own unit, without shifts."""
    p = {name: np.asarray(value, float) for name, value in arrays.items()}
    geometry = net["geometry_embeddings"][0]["geometry_embed"]
    layer, head = net["layers"][0]["so3krates_layer"], net["observables"][0]["energy"]
    degrees, cutoff = geometry["degrees"], geometry["r_cut"]
    i, j, d, u = pairs_of(positions, cutoff)
    kind = {"phys": "physnet"}.get(geometry["radial_basis_function"], geometry["radial_basis_function"])
    learned = [p.get(f"geometry_embeddings_0/rbf_fn/{name}") for name in ("centers", "widths")]
    basis = radial(kind, d, geometry["n_rbf"], cutoff, *learned)
    f_c = cut(geometry["radial_cutoff_fn"].removesuffix("_cutoff_fn"), d, cutoff)
    y = harmonics(u, degrees)
    x, n = p["feature_embeddings_0/Embed_0/embedding"][numbers], len(numbers)
    chi = np.zeros((n, y.shape[1]))
    if geometry["sphc_normalization"]:
        chi = receive(f_c[:, None] * y, i, n) / geometry["sphc_normalization"]

    def dense(at, x):
        return x @ p[f"{at}/kernel"] + p[f"{at}/bias"]

    def mlp(at, x):
        k = 0
        while f"{at}/layers_{k}/kernel" in p:
            x = (silu(x) if k else x) @ p[f"{at}/layers_{k}/kernel"][0] + p[f"{at}/layers_{k}/bias"][0]
            k += 1
        return x

    def replace(at, x):
        inner = silu(silu(x) @ p[f"{at}/Residual_0/layers_0/kernel"]) @ p[f"{at}/Residual_0/layers_1/kernel"]
        return silu(x + inner) @ p[f"{at}/Dense_0/kernel"]

    for t in range(len(net["layers"])):
        at, n_mlp, normed = f"layers_{t}", 0, bool(layer["layer_normalization"])

        def maybe_norm(k, x, at=at, normed=normed):
            return norm(x, p[f"{at}/LayerNorm_{k}/scale"], p[f"{at}/LayerNorm_{k}/bias"]) if normed else x

        inner, contrast = maybe_norm(0, x), contract(chi[j] - chi[i], degrees)
        alpha = {}
        for block, n_heads in (("FeatureBlock_0", layer["n_heads"]), ("GeometricBlock_0", len(degrees))):
            w = mlp(f"{at}/{block}/filter_fn/VmapMLP_0", basis)
            if layer["fb_filter" if block[0] == "F" else "gb_filter"] == "radial_spherical":
                w = w + mlp(f"{at}/{block}/filter_fn/VmapMLP_1", contrast)
            attention = f"{at}/{block}/attention_fn/VmapConvAttentionCoefficients_0"
            q, k = (
                np.einsum("nha,hab->nhb", heads(inner, n_heads), p[f"{attention}/Dense_{m}/kernel"]) for m in (0, 1)
            )
            product = (q[i] * heads(w, n_heads) * k[j]).sum(-1)
            alpha[block] = f_c[:, None] * product / math.sqrt(x.shape[1] / n_heads)
        value = f"{at}/FeatureBlock_0/attention_fn/VmapAttentionAggregation_0/Dense_0/kernel"
        v = np.einsum("nha,hab->nhb", heads(inner, layer["n_heads"]), p[value])
        x = x + receive((alpha["FeatureBlock_0"][:, :, None] * v[j]).reshape(len(i), -1), i, n)
        chi = chi + receive(alpha["GeometricBlock_0"][:, order_of(degrees)] * y, i, n)
        if layer.get("residual_mlp_1"):
            x, n_mlp = replace(f"{at}/ResidualMLP_{n_mlp}", x), n_mlp + 1
        ab = dense(f"{at}/InteractionBlock_0/MLP_0/layers_0", np.hstack([maybe_norm(1, x), contract(chi, degrees)]))
        x, chi = x + ab[:, : x.shape[1]], chi * (1 + ab[:, x.shape[1] :][:, order_of(degrees)])
        if layer.get("residual_mlp_2"):
            x = replace(f"{at}/ResidualMLP_{n_mlp}", x)
        if layer["final_layer"]:
            x = maybe_norm(2, x)
    energy = dense("observables_0/MLP_0/layers_1", silu(dense("observables_0/MLP_0/layers_0", x))).sum()
    if head.get("zbl_repulsion"):
        energy += zbl(lambda name: p[f"observables_0/ZBLRepulsion_0/{name}"][0], numbers, i, j, d, f_c)
        energy -= head["zbl_repulsion_shift"]
    return float(energy)


def energy_v1(settings, arrays, numbers, positions, charge=0, unpaired=0):
    """Energy of a network of mlff 1.0 with ZBL, and with electrostatics without a cutoff, eV; without shifts."""
    model, data = settings["model"], settings["data"]
    p = {name: np.asarray(value, float) for name, value in arrays.items()}
    degrees, cutoff, act = model["degrees"], model["cutoff"], ACTIVATIONS[model["activation_fn"]]
    i, j, d, u = pairs_of(positions, cutoff)
    kind = {"fourier": "bessel"}.get(model["radial_basis_fn"], model["radial_basis_fn"])
    basis, f_c = radial(kind, d, model["num_radial_basis_fn"], cutoff), cut(model["cutoff_fn"], d, cutoff)
    y, n = harmonics(u, degrees), len(numbers)

    def dense(at, x):
        return x @ p[f"{at}/kernel"] + p.get(f"{at}/bias", 0)

    terms = [p["feature_embeddings_0/Embed_0/embedding"][numbers]]
    for state, psi in (("charge", charge), ("spin", unpaired)):
        if model[f"use_{state}_embed"]:
            at, row = f"feature_embeddings_{len(terms)}/ChargeSpinEmbedSparse_0", 1 if psi < 0 else 0
            q, k, v = (p[f"{at}/Embed_{m}/embedding"] for m in range(3))
            weight = softplus(q[numbers] @ k[row] / math.sqrt(q.shape[1]))
            h = (psi * weight / weight.sum())[:, None] * v[row]
            inner = silu(silu(h) @ p[f"{at}/Residual_0/layers_0/kernel"]) @ p[f"{at}/Residual_0/layers_1/kernel"]
            terms.append(h + inner)
    x, chi = sum(terms) / math.sqrt(len(terms)), np.zeros((n, y.shape[1]))
    qk = ACTIVATIONS[model["qk_non_linearity"]]
    for t in range(model["num_layers"]):
        at, contrast, alpha = f"layers_{t}/attention_block", contract(chi[j] - chi[i], degrees), {}
        for m, n_heads in ((1, model["num_heads"]), (2, len(degrees))):
            w = dense(f"{at}/radial_filter{m}_layer_2", act(dense(f"{at}/radial_filter{m}_layer_1", basis)))
            w = w + dense(
                f"{at}/spherical_filter{m}_layer_2", act(dense(f"{at}/spherical_filter{m}_layer_1", contrast))
            )
            q, k = (qk(np.einsum("hab,nhb->nha", p[f"{at}/W{r}{m}"], heads(x, n_heads))) for r in "qk")
            scale = {
                "sqrt_num_features": math.sqrt(x.shape[1] / n_heads),
                "identity": 1,
                "avg_num_neighbors": data.get("avg_num_neighbors"),
            }[model["message_normalization"]]
            alpha[m] = f_c[:, None] * (q[i] * heads(w, n_heads) * k[j]).sum(-1) / scale
        v = np.einsum("hab,nhb->nha", p[f"{at}/Wv1"], heads(x, model["num_heads"]))
        x = x + receive((alpha[1][:, :, None] * v[j]).reshape(len(i), -1), i, n)
        chi = chi + receive(alpha[2][:, order_of(degrees)] * y, i, n)

        def further(k, x, t=t):
            if model[f"residual_mlp_{k}"]:
                at = f"layers_{t}/res_mlp_{k}_layer"
                x = x + dense(f"{at}_2", act(dense(f"{at}_1", act(x))))
            return x

        def maybe_norm(k, x, t=t):
            at = f"layers_{t}/layer_normalization_{k}"
            return norm(x, p[f"{at}/scale"], p[f"{at}/bias"]) if model[f"layer_normalization_{k}"] else x

        x = further(1, maybe_norm(1, x))
        ab = dense(f"layers_{t}/exchange_block/mlp_layer_2", np.hstack([x, contract(chi, degrees)]))
        x, chi = x + ab[:, : x.shape[1]], chi * (1 + ab[:, x.shape[1] :][:, order_of(degrees)])
        x = maybe_norm(2, further(2, x))
    act_head = ACTIVATIONS[model["energy_activation_fn"]]

    def head(at, first, last):
        hidden = act_head(dense(f"{at}/{first}", x)) if model["energy_regression_dim"] else x
        return dense(f"{at}/{last}", hidden)

    local = head("observables_0", "energy_dense_regression", "energy_dense_final")[:, 0]
    scales, offsets = (p.get(f"observables_0/{name}") for name in ("atomic_scales", "energy_offset"))
    local = local * (1 if scales is None else scales[numbers]) + (0 if offsets is None else offsets[numbers])
    energy = local.sum()
    if model.get("zbl_repulsion_bool"):
        energy += zbl(lambda name: p[f"observables_0/zbl_repulsion/{name}"][0], numbers, i, j, d, f_c)
    if model.get("electrostatic_energy_bool"):
        at = "observables_0/electrostatic_energy/partial_charges"
        raw = p[f"{at}/Embed_0/embedding"][numbers, 0]
        raw = raw + head(at, "charge_dense_regression_vec", "charge_dense_final_vec")[:, 0]
        q = raw + (charge - raw.sum()) / n
        i, j, d, _ = pairs_of(positions, math.inf)
        energy += 0.5 * COULOMB * np.sum(q[i] * q[j] * erf(d / model["electrostatic_energy_scale"]) / d)
    return float(energy)
