"use strict";
// Animation of a path, forth and back. It starts only when a reader asks for it. Where the system asks for reduced
// motion, it shows minima and saddles one after the other.
const FRAME_TIME = 70; // ms
const STOP_TIME = 900; // ms at a minimum or a saddle, as long as the label takes to read

class PathPlayer {
  constructor(path, viewer, controls) { // controls: elements slider, button and label
    Object.assign(this, { path, viewer, ...controls, forward: true, timer: 0 });
    this.calm = window.matchMedia("(prefers-reduced-motion: reduce)");
    this.slider.max = path.frames.count - 1;
    this.slider.addEventListener("input", () => { this.pause(); this.show(Number(this.slider.value)); });
    this.button.addEventListener("click", () => (this.timer ? this.pause() : this.play()));
    document.addEventListener("visibilitychange", () => document.hidden && this.pause());
    this.show(0);
  }

  show(frame) {
    this.frame = frame;
    this.slider.value = frame;
    const stop = this.path.stops.indexOf(frame);
    const after = this.path.stops.findIndex((s) => s > frame);
    const name = (k) => this.path.labels[k].split(",")[0];
    const text = stop >= 0 ? this.path.labels[stop] : `between ${name(after - 1)} and ${name(after)} (interpolated)`;
    this.label.textContent = text;
    this.slider.setAttribute("aria-valuetext", text);
    this.viewer.show(this.path.positions(frame));
  }

  next() {
    const last = this.path.frames.count - 1;
    if (this.frame === (this.forward ? last : 0)) this.forward = !this.forward;
    const frames = this.calm.matches ? this.path.stops : [...Array(last + 1).keys()];
    return this.forward ? frames.find((f) => f > this.frame) : frames.filter((f) => f < this.frame).pop();
  }

  play() {
    this.button.textContent = "pause";
    const wait = () => (this.path.stops.includes(this.frame) ? STOP_TIME : FRAME_TIME);
    const advance = () => { this.show(this.next()); this.timer = setTimeout(advance, wait()); };
    this.timer = setTimeout(advance, FRAME_TIME);
  }

  pause() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.button.textContent = "play";
  }
}
