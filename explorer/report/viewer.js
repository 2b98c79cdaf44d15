"use strict";
// Balls and sticks on a 2-D canvas, painted from back to front: no WebGL, so it works in every browser.
const ELEMENT_COLOURS = {
  H: "#f2f4f5", C: "#76818a", N: "#3563d6", O: "#d8342c", S: "#e3b62b", P: "#e8832a",
  F: "#5fbf6a", Cl: "#3fa34d", Br: "#9b4a2d", Ar: "#5fb6c4",
};
const ELEMENT_RADII = { H: 0.25, C: 0.38, N: 0.38, O: 0.37, S: 0.48, P: 0.48, Ar: 0.75 };

class MoleculeViewer {
  constructor(canvas, symbols, labels, bonds, contacts, contactLimits) { // contacts: donor, hydrogen, acceptor
    Object.assign(this, { canvas, symbols, labels, bonds, contacts, contactLimits, positions: null, hovered: -1, zoom: 1 });
    this.rotation = [1, 0, 0, 0, 1, 0, 0, 0, 1];
    this.pointers = new Map();
    canvas.addEventListener("pointerdown", (e) => this.grab(e));
    canvas.addEventListener("pointermove", (e) => this.move(e));
    for (const end of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(end, (e) => this.pointers.delete(e.pointerId));
    }
    canvas.addEventListener("pointerleave", () => this.hover(-1));
    canvas.addEventListener("wheel", (e) => this.wheel(e), { passive: false });
    canvas.addEventListener("keydown", (e) => this.key(e));
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  show(positions) {
    this.positions = positions;
    this.contact = this.bonds.length ? 0 : this.shortest();
    this.hydrogenBonds = this.contacts.filter((contact) => this.isHydrogenBond(...contact));
    this.hovered = -1;
    this.draw();
  }

  reset() {
    this.rotation = [1, 0, 0, 0, 1, 0, 0, 0, 1];
    this.zoom = 1;
    this.draw();
  }

  turn(dx, dy) { // about the screen's vertical axis by dx, the horizontal one by dy
    const [c, s, d, t] = [Math.cos(dx), Math.sin(dx), Math.cos(dy), Math.sin(dy)];
    const step = [c, 0, s, s * t, d, -c * t, -s * d, t, c * d];
    const old = this.rotation;
    this.rotation = old.map((_, k) => {
      const [i, j] = [Math.floor(k / 3), k % 3];
      return step[3 * i] * old[j] + step[3 * i + 1] * old[3 + j] + step[3 * i + 2] * old[6 + j];
    });
    this.draw();
  }

  grab(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, [event.clientX, event.clientY]);
  }

  move(event) {
    const last = this.pointers.get(event.pointerId);
    if (!last) return this.hover(this.atomAt(event));
    this.pointers.set(event.pointerId, [event.clientX, event.clientY]);
    this.turn((event.clientX - last[0]) * 0.01, (event.clientY - last[1]) * 0.01);
  }

  wheel(event) {
    event.preventDefault();
    this.zoom = Math.min(8, Math.max(0.3, this.zoom * Math.exp(-event.deltaY * 0.001)));
    this.draw();
  }

  key(event) {
    const turns = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, -0.1], ArrowDown: [0, 0.1] };
    if (!(event.key in turns)) return;
    event.preventDefault();
    this.turn(...turns[event.key]);
  }

  hover(atom) {
    if (atom === this.hovered) return;
    this.hovered = atom;
    this.draw();
  }

  atomAt(event) {
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const under = (this.placed || []).filter((a) => Math.hypot(a.x - x, a.y - y) < a.r + 2);
    return under.length ? under.reduce((a, b) => (b.z > a.z ? b : a)).atom : -1;
  }

  radius(atom) { // spheres of clusters without bonds do not overlap
    return this.bonds.length ? ELEMENT_RADII[this.symbols[atom]] || 0.42 : 0.4 * this.contact;
  }

  isHydrogenBond(donor, hydrogen, acceptor) { // by distance (Å) and angle (degrees)
    const [p, [longest, smallest]] = [this.positions, this.contactLimits];
    const from = (atom) => [0, 1, 2].map((k) => p[3 * atom + k] - p[3 * hydrogen + k]);
    const [u, v] = [from(donor), from(acceptor)];
    const cosine = (u[0] * v[0] + u[1] * v[1] + u[2] * v[2]) / (Math.hypot(...u) * Math.hypot(...v));
    return Math.hypot(...v) <= longest && cosine <= Math.cos((smallest * Math.PI) / 180);
  }

  shortest() { // distance of two atoms, Å
    const [p, n] = [this.positions, this.symbols.length];
    let least = Infinity;
    for (let a = 0; a < n; a++) {
      for (let b = 0; b < a; b++) {
        least = Math.min(least, Math.hypot(p[3 * a] - p[3 * b], p[3 * a + 1] - p[3 * b + 1], p[3 * a + 2] - p[3 * b + 2]));
      }
    }
    return least < Infinity ? least : 1;
  }

  place(width, height) { // screen coordinates; the scale fits the structure whichever way it is turned
    const [r, p] = [this.rotation, this.positions];
    let extent = 1;
    for (let a = 0; a < this.symbols.length; a++) extent = Math.max(extent, Math.hypot(p[3 * a], p[3 * a + 1], p[3 * a + 2]));
    const scale = (this.zoom * Math.min(width / 2, height / 1.5)) / (extent + 0.6);
    this.extent = extent;
    return this.symbols.map((_, a) => {
      const [x, y, z] = [0, 1, 2].map((i) => r[3 * i] * p[3 * a] + r[3 * i + 1] * p[3 * a + 1] + r[3 * i + 2] * p[3 * a + 2]);
      const near = 1 / (1 - z / (7 * extent)); // a little perspective
      return { atom: a, x: width / 2 + x * scale * near, y: height / 2 - y * scale * near, z, r: this.radius(a) * scale * near, s: scale * near };
    });
  }

  shade(colour, z, light = 0) { // farther atoms fade into the white background
    const fade = Math.min(0.55, Math.max(0, 0.22 - (0.3 * z) / this.extent));
    const mixed = [1, 3, 5].map((k) => {
      let value = parseInt(colour.slice(k, k + 2), 16);
      value = light >= 0 ? value + (255 - value) * light : value * (1 + light);
      return Math.round(value + (255 - value) * fade);
    });
    return `rgb(${mixed.join(",")})`;
  }

  draw() {
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    if (!this.positions || !width || !height) return;
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    const context = this.canvas.getContext("2d");
    context.scale(ratio, ratio);
    this.placed = this.place(width, height);
    const parts = this.placed.map((a) => ({ z: a.z, paint: () => this.ball(context, a) }));
    for (const [i, j, order] of this.bonds) {
      const [a, b] = [this.placed[i], this.placed[j]];
      parts.push(this.halfStick(context, a, b, order), this.halfStick(context, b, a, order));
    }
    for (const [, i, j] of this.hydrogenBonds) parts.push(this.dashes(context, this.placed[i], this.placed[j]));
    parts.sort((a, b) => a.z - b.z).forEach((part) => part.paint());
    if (this.hovered >= 0) this.name(context, this.placed[this.hovered], width);
  }

  ball(context, a) {
    const colour = ELEMENT_COLOURS[this.symbols[a.atom]] || "#4fa3a0";
    const gradient = context.createRadialGradient(a.x - a.r * 0.35, a.y - a.r * 0.4, a.r * 0.08, a.x, a.y, a.r);
    gradient.addColorStop(0, this.shade(colour, a.z, 0.75));
    gradient.addColorStop(0.45, this.shade(colour, a.z));
    gradient.addColorStop(1, this.shade(colour, a.z, -0.35));
    context.beginPath();
    context.arc(a.x, a.y, a.r, 0, 2 * Math.PI);
    context.fillStyle = gradient;
    context.fill();
    context.lineWidth = a.atom === this.hovered ? 2 : 0.6;
    context.strokeStyle = a.atom === this.hovered ? "#111111" : this.shade("#404a52", a.z);
    context.stroke();
  }

  dashes(context, a, b) {
    const z = (a.z + b.z) / 2;
    const paint = () => {
      context.beginPath();
      context.setLineDash([a.s * 0.16, a.s * 0.12]);
      context.moveTo(a.x, a.y);
      context.lineTo(b.x, b.y);
      context.lineWidth = a.s * 0.07;
      context.strokeStyle = this.shade("#2a6fb0", z);
      context.stroke();
      context.setLineDash([]);
    };
    return { z, paint };
  }

  halfStick(context, a, b, order) { // from atom a to the middle, in a's colour
    const [mx, my] = [(a.x + b.x) / 2, (a.y + b.y) / 2];
    const length = Math.hypot(b.x - a.x, b.y - a.y) || 1;
    const [nx, ny] = [-(b.y - a.y) / length, (b.x - a.x) / length];
    const shifts = order === 2 ? [-1, 1] : order === 3 ? [-1.6, 0, 1.6] : [0];
    const width = a.s * (shifts.length > 1 ? 0.09 : 0.17);
    const z = (3 * a.z + b.z) / 4 - 0.05;
    const paint = () => {
      const colour = ELEMENT_COLOURS[this.symbols[a.atom]] || "#4fa3a0";
      for (const [thickness, light] of [[width, -0.35], [width * 0.72, 0], [width * 0.3, 0.5]]) {
        context.beginPath();
        for (const shift of shifts) {
          const [ox, oy] = [nx * shift * width * 0.95, ny * shift * width * 0.95];
          context.moveTo(a.x + ox, a.y + oy);
          context.lineTo(mx + ox, my + oy);
        }
        context.lineWidth = thickness;
        context.strokeStyle = this.shade(colour, z, light);
        context.stroke();
      }
    };
    return { z, paint };
  }

  name(context, a, width) {
    const text = this.labels[a.atom];
    context.font = "12px sans-serif";
    const w = context.measureText(text).width + 10;
    const x = Math.min(a.x + a.r, width - w);
    const y = Math.max(a.y - a.r - 18, 0);
    context.fillStyle = "rgba(29,42,53,0.9)";
    context.fillRect(x, y, w, 18);
    context.fillStyle = "#ffffff";
    context.fillText(text, x + 5, y + 13);
  }
}
