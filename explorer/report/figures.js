"use strict";
// Figures of the report. The selected structure is marked in an overlay above each figure, because a change of a trace
// would make Plotly draw the whole figure again.
const SVG_NAMES = "http://www.w3.org/2000/svg";
const MODE_BAR = [["toImage"], ["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]]; // nothing that Plotly adds
const RING_RADIUS = 7.5; // pixels

class Figure {
  constructor(holder, figure, name, onSelect) {
    Object.assign(this, { holder, figure, name, onSelect, selected: -1 });
    this.links = new Map(); // minima joined with each minimum by the lines of this figure
    for (const [a, b] of figure.links || []) {
      for (const [from, to] of [[a, b], [b, a]]) this.links.set(from, [...(this.links.get(from) || []), to]);
    }
  }

  async plot() {
    await Plotly.newPlot(this.holder, this.figure.data, this.figure.layout, {
      responsive: true, displaylogo: false, scrollZoom: false, plotlyServerURL: "", modeBarButtons: MODE_BAR,
      toImageButtonOptions: { format: "svg", filename: `${this.name}-${this.holder.dataset.figure}` },
    });
    this.overlay = this.holder.appendChild(document.createElementNS(SVG_NAMES, "svg"));
    this.overlay.setAttribute("class", "overlay");
    this.overlay.setAttribute("aria-hidden", "true");
    this.places = new Map(); // traces and indices of the points of each structure
    this.figure.data.forEach((trace, t) => (trace.customdata || []).forEach((id, k) => {
      if (!this.places.has(id)) this.places.set(id, []);
      this.places.get(id).push([t, k]);
    }));
    this.holder.on("plotly_click", (event) => {
      const point = event.points.find((p) => p.customdata !== undefined);
      if (point) this.onSelect(point.customdata);
    });
    for (const change of ["plotly_afterplot", "plotly_relayouting"]) this.holder.on(change, () => this.mark(this.selected));
    this.mark(this.selected);
  }

  pixels(structure) { // of its points inside the axes
    const full = this.holder._fullLayout;
    return (this.places.get(structure) || []).flatMap(([t, k]) => {
      const trace = this.holder.data[t];
      if (trace.visible === false || trace.visible === "legendonly") return [];
      const [x, y] = [[trace.xaxis || "x", trace.x], [trace.yaxis || "y", trace.y]].map(([name, values]) => {
        const axis = full[`${name[0]}axis${name.slice(1)}`];
        const pixel = axis.d2p(values[k]);
        return pixel >= 0 && pixel <= axis._length ? axis._offset + pixel : NaN;
      });
      return Number.isFinite(x + y) ? [[x, y]] : [];
    });
  }

  mark(structure) {
    this.selected = structure;
    if (!this.overlay) return;
    const parts = [];
    const add = (tag, attributes) => {
      const part = document.createElementNS(SVG_NAMES, tag);
      for (const [name, value] of Object.entries(attributes)) part.setAttribute(name, value);
      parts.push(part);
    };
    const rings = this.pixels(structure);
    if (rings.length) {
      for (const other of this.links.get(structure) || []) {
        for (const [x2, y2] of this.pixels(other)) add("line", { x1: rings[0][0], y1: rings[0][1], x2, y2 });
      }
    }
    for (const [cx, cy] of rings) add("circle", { cx, cy, r: RING_RADIUS });
    this.overlay.replaceChildren(...parts);
  }
}
