"use strict";
// Figures, table and viewer of the report; everything they need is in the page.
const run = JSON.parse(document.getElementById("run-data").textContent);
const minima = run.minima;
const nMinima = minima.relative.length;
const nStructures = run.structures ? run.structures.count : 0;
// minima that the model does not know are no results: they are only in their own table
const byEnergy = [...Array(nMinima).keys()].filter((i) => !minima.exclusion[i])
  .sort((a, b) => minima.relative[a] - minima.relative[b] || a - b);
const nResults = byEnergy.length;
const rankOf = [];
byEnergy.forEach((id, rank) => { rankOf[id] = rank; });
const element = (id) => document.getElementById(id);
const figures = [];
let selected = -1;
let temperature = run.temperature;
let populations = [];
let sorting = { column: "relative", ascending: true };

function unpack(structures) {
  if (!structures) return new Int16Array(0);
  const bytes = Uint8Array.from(atob(structures.int16), (c) => c.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Int16Array.from({ length: bytes.length / 2 }, (_, k) => view.getInt16(2 * k, true));
}
const packed = unpack(run.structures);
const viewerIn = (id) => new MoleculeViewer(element(id), run.symbols, run.labels, run.bonds, run.contacts, run.contactLimits);
const viewer = viewerIn("viewer");

function positionsIn(values, resolution, structure) {
  const size = 3 * run.symbols.length;
  return Float64Array.from(values.subarray(structure * size, (structure + 1) * size), (v) => v * resolution);
}
const positionsOf = (structure) => positionsIn(packed, run.structures.resolution, structure);

function startPath() {
  const values = unpack(run.path.frames);
  const path = { ...run.path, positions: (frame) => positionsIn(values, run.path.frames.resolution, frame) };
  new PathPlayer(path, viewerIn("path-viewer"), { button: element("path-play"), slider: element("path-frame"), label: element("path-label") });
}

// Boltzmann populations of the conformers: p_i = g_i exp(-E_i / kT) / sum_j g_j exp(-E_j / kT); g_i is 2 where a
// minimum stands for its mirror image too.
function boltzmann(kelvin) {
  const factor = (e, i) => minima.degeneracy[i] * Math.exp(-e / (run.boltzmann * kelvin));
  const weights = minima.relative.map((e, i) => (minima.conformer[i] ? factor(e, i) : 0));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((w, i) => (minima.conformer[i] ? w / sum : null));
}

function percent(p) {
  if (p === null) return "–";
  return p >= 0.0001 || p === 0 ? (100 * p).toFixed(2) : "< 0.01";
}

const columns = [
  { key: "rank", title: "rank", value: (i) => rankOf[i] + 1 },
  { key: "id", title: "minimum", value: (i) => i },
  { key: "relative", title: `energy (${run.unit})`, value: (i) => minima.relative[i], text: (v) => v.toFixed(2) },
  ...(run.reduced ? [] : [{ key: "population", title: "population (%)", value: (i) => populations[i], text: percent }]),
  ...(run.bonds.length ? [{ key: "class", title: "class", value: (i) => minima.class[i], words: true }] : []),
  ...(run.contacts.length ? [{ key: "hydrogenBonds", title: "hydrogen bonds", value: (i) => minima.hydrogenBonds[i], words: true }] : []),
  { key: "visits", title: "visits", value: (i) => minima.visits[i] },
  { key: "found", title: "first found (force calls)", value: (i) => minima.found[i], text: (v) => v.toLocaleString("en") },
  ...(minima.recognition.some((v) => v) ? [
    { key: "distance", title: "nearest training frame (°)", value: (i) => minima.distance[i], text: (v) => v.toFixed(1) },
    { key: "recognition", title: "training data", value: (i) => minima.recognition[i] || null, words: true },
  ] : []),
  ...(minima.trust.some((v) => v) ? [
    { key: "trust", title: "trust level", value: (i) => minima.trust[i] || null, words: true },
    { key: "forceError", title: "expected force error (eV/Å)", value: (i) => minima.forceError[i], text: (v) => v.toFixed(3) },
  ] : []),
  ...(minima.verdict.some((v) => v) && !run.reduced ? [
    { key: "lowest", title: "softest vibration (cm⁻¹)", value: (i) => minima.lowest[i], text: (v) => v.toFixed(1) },
    { key: "zeroPoint", title: "zero-point energy (kcal/mol)", value: (i) => minima.zeroPoint[i], text: (v) => v.toFixed(2) },
    { key: "free", title: `free energy, ${run.temperature} K (kcal/mol)`, value: (i) => minima.free[i], text: (v) => v.toFixed(2) },
  ] : []),
];

function cell(column, i) {
  const value = column.value(i);
  const td = document.createElement("td");
  td.textContent = value === null ? "–" : column.text ? column.text(value) : value;
  if (column.words) td.className = "words";
  if (column.key === "recognition" && value) td.innerHTML = `<span class="tag ${value}">${value}</span>`;
  return td;
}

function sortedIds() {
  const column = columns.find((c) => c.key === sorting.column);
  const sign = sorting.ascending ? 1 : -1;
  return [...byEnergy].sort((a, b) => {
    const [u, v] = [column.value(a), column.value(b)];
    if (u === null || v === null) return (u === null) - (v === null);
    return sign * (u < v ? -1 : u > v ? 1 : 0);
  });
}

function fillTable() {
  const limit = Number(element("row-limit").value) || nResults;
  const ids = sortedIds().slice(0, limit);
  element("minima-body").replaceChildren(...ids.map((i) => {
    const row = document.createElement("tr");
    row.dataset.id = i;
    row.tabIndex = 0;
    row.classList.toggle("selected", i === selected);
    row.append(...columns.map((c) => cell(c, i)));
    return row;
  }));
  element("row-count").textContent = `${ids.length} of ${nResults} minima`;
}

function fillHead() {
  element("minima-head").replaceChildren(...columns.map((c) => {
    const th = document.createElement("th");
    const button = document.createElement("button");
    const mine = sorting.column === c.key;
    button.textContent = c.title + (mine ? (sorting.ascending ? " ▲" : " ▼") : "");
    button.addEventListener("click", () => {
      sorting = { column: c.key, ascending: mine ? !sorting.ascending : true };
      fillHead();
      fillTable();
    });
    th.setAttribute("aria-sort", mine ? (sorting.ascending ? "ascending" : "descending") : "none");
    if (c.words) th.className = "words";
    th.append(button);
    return th;
  }));
}

function setTemperature(kelvin) {
  if (!(kelvin > 0)) return;
  temperature = kelvin;
  populations = boltzmann(kelvin);
  element("temperature").value = kelvin;
  fillTable();
  if (selected >= 0) describe();
}

function facts() {
  if (selected >= nMinima) {
    const k = selected - nMinima;
    return [["energy", `${run.missed.relative[k].toFixed(2)} ${run.unit}`], ["", `${run.missed.energy[k].toFixed(4)} eV`],
      ["training frames", `${run.missed.frames[k]} relax to it`], ["found by the run", "no"]];
  }
  const i = selected;
  const pairs = [];
  for (let k = 0; k + 1 < minima.torsions[i].length; k += 2) pairs.push(`(${minima.torsions[i][k]}, ${minima.torsions[i][k + 1]})`);
  const rows = [["energy", `${minima.relative[i].toFixed(2)} ${run.unit}`],
    ["", `${minima.energy[i].toFixed(4)} ${run.reduced ? run.unit : "eV"}`]];
  if (run.bonds.length) rows.push(["class", minima.class[i]]);
  if (!run.reduced) rows.push([`population, ${temperature} K`, populations[i] === null ? "not a conformer" : `${percent(populations[i])} %`]);
  rows.push(["visits", minima.visits[i]], ["first found", `${minima.found[i].toLocaleString("en")} force calls`],
    ["largest force", `${minima.fmax[i].toExponential(0)} ${run.reduced ? "ε/σ" : "eV/Å"}`]);
  if (minima.exclusion[i]) rows.splice(2, 0, ["unknown to the model", minima.exclusion[i]]);
  if (minima.difference[i]) rows.splice(3, 0, ["changes", minima.difference[i]]);
  if (minima.recognition[i]) rows.push(["training data", minima.recognition[i]]);
  if (minima.distance[i] !== null) rows.push(["nearest training frame", `${minima.distance[i].toFixed(1)}°`]);
  if (minima.trust[i]) rows.push(["trust level", minima.trust[i]], ["expected force error", `${minima.forceError[i] ?? "–"} eV/Å`]);
  if (minima.verdict[i]) rows.push(["type by Hessian", minima.verdict[i]]);
  if (run.contacts.length) rows.push(["hydrogen bonds", minima.hydrogenBonds[i]]);
  if (pairs.length) rows.push(["φ, ψ (°)", pairs.join(" ")]);
  return rows;
}

function describe() {
  element("shown-title").textContent = selected < nMinima
    ? `Minimum ${selected}` : `Training minimum ${run.missed.id[selected - nMinima]}, not found`;
  element("shown-rank").textContent = selected >= nMinima ? "not found by the run"
    : minima.exclusion[selected] ? "no result: unknown to the model" : `${rankOf[selected] + 1} of ${nResults} by energy`;
  element("facts").replaceChildren(...facts().flatMap(([name, value]) => {
    const [dt, dd] = [document.createElement("dt"), document.createElement("dd")];
    dt.textContent = name;
    dd.textContent = value;
    return [dt, dd];
  }));
}

function select(structure) {
  if (!(structure >= 0 && structure < nStructures)) return;
  selected = structure;
  viewer.show(positionsOf(structure));
  describe();
  for (const figure of figures) figure.mark(structure);
  for (const row of document.querySelectorAll("tr.selected")) row.classList.remove("selected");
  for (const row of document.querySelectorAll(`tr[data-id="${structure}"]`)) row.classList.add("selected");
  document.body.dataset.selected = structure;
}

// The selection is in the address, as in index.html#minimum-36, so that it can be sent.
function linked() {
  const match = /^#minimum-(\d+)$/.exec(location.hash);
  return match && Number(match[1]) < nMinima ? Number(match[1]) : -1;
}

function link() {
  if (selected < nMinima) history.replaceState(null, "", `#minimum-${selected}`);
}

function step(by) {
  const rank = rankOf[selected] === undefined ? 0 : rankOf[selected] + by; // from what is no result to the lowest
  if (rank < 0 || rank >= nResults) return;
  select(byEnergy[rank]);
  link();
}

function download() {
  if (selected < 0) return;
  const p = positionsOf(selected);
  const atoms = run.symbols.map((s, a) => [s.padEnd(2), ...[0, 1, 2].map((k) => p[3 * a + k].toFixed(3).padStart(9))].join(" "));
  const energy = selected < nMinima ? minima.energy[selected] : run.missed.energy[selected - nMinima];
  const name = selected < nMinima ? `minimum-${selected}` : `training-minimum-${run.missed.id[selected - nMinima]}`;
  const text = [run.symbols.length, `${run.name} ${name} energy=${energy} eV`, ...atoms].join("\n") + "\n";
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "chemical/x-xyz" }));
  link.download = `${run.name}-${name}.xyz`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

async function plot(holder) {
  const figure = new Figure(holder, run.figures[holder.dataset.figure], run.name, (structure) => { select(structure); link(); });
  figures.push(figure);
  await figure.plot();
  figure.mark(selected);
}

function pick(event) {
  const row = event.target.closest("[data-id]");
  if (!row || !(event.type === "click" || event.key === "Enter")) return;
  select(Number(row.dataset.id));
  link();
}

function startTable() {
  fillHead();
  setTemperature(temperature);
  element("temperature").parentElement.hidden = run.reduced;
  element("temperature").addEventListener("change", (e) => setTemperature(Number(e.target.value)));
  element("row-limit").addEventListener("change", fillTable);
}

async function start() {
  if (nResults) startTable();
  element("previous").addEventListener("click", () => step(-1));
  element("next").addEventListener("click", () => step(1));
  element("reset").addEventListener("click", () => viewer.reset());
  element("download").addEventListener("click", download);
  window.addEventListener("beforeprint", () => { // figures keep their width on paper, so the page is scaled to them
    document.body.style.setProperty("--main-width", document.querySelector("main").offsetWidth);
  });
  document.addEventListener("click", pick);
  document.addEventListener("keydown", pick);
  window.addEventListener("hashchange", () => select(linked()));
  if (nMinima) select(linked() >= 0 ? linked() : byEnergy.find((i) => minima.conformer[i]) ?? byEnergy[0] ?? 0);
  if (run.path) startPath();
  for (const holder of document.querySelectorAll("[data-figure]")) await plot(holder);
  document.body.dataset.ready = "yes";
}
start();
