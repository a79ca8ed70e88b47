// Plays recordings of one attempt on one terminal; its time is the attempt's.
import { CLEARED, makeTerminal, openTerminal } from "../terminal.js";
import { BETWEEN } from "./keyframes.js";

// A pause in the work is not a pause worth watching.
const LONGEST_PAUSE_MS = 2000;

export class Player {
  // `moved` is called whenever the moment, the tape or playing changed.
  constructor(screen, { moved, speed, skipsPauses, ended }) {
    Object.assign(this, { screen, moved, speed, skipsPauses, ended });
    this.term = makeTerminal({ disableStdin: true, cursorBlink: false, scrollback: 2000 });
    openTerminal(this.term, screen);
    this.term.textarea.setAttribute("aria-label", "Recorded terminal");
    this.term.textarea.setAttribute("readonly", "");
    this.at = 0;
    this.next = 0;
    this.playing = false;
    // What the last drawing wrote to the terminal.
    this.written = 0;
  }

  // A console stays open for a while after the last that it showed.
  get ends() {
    const { starts, ends } = this.tape.recording;
    return Math.max(ends, starts + this.tape.length);
  }

  insert(tape, at) {
    this.tape = tape;
    return this.to(at);
  }

  to(moment) {
    this.at = Math.min(Math.max(this.tape.recording.starts, moment), this.ends);
    this.moved();
    return this.draw();
  }

  // One drawing at a time; of the moments asked for meanwhile only the last one is drawn.
  draw() {
    this.drawing ??= this.#drawAll().finally(() => (this.drawing = null));
    return this.drawing;
  }

  async #drawAll() {
    let done;
    do {
      done = [this.tape, this.at];
      await this.#drawOnce(this.tape, this.tape.until(this.at - this.tape.recording.starts));
    } while (this.tape !== done[0] || this.at !== done[1]);
  }

  async #drawOnce(tape, until) {
    this.written = 0;
    const picture = tape.pictureBefore(until);
    const goesOn = tape === this.drawn && until >= this.next;
    if (!goesOn || (picture.next > this.next && tape.between(this.next, until) > BETWEEN)) {
      this.write(CLEARED, () => this.size(picture.size));
      this.write(picture.text);
      this.next = picture.next;
      this.drawn = tape;
    }
    let text = "";
    for (; this.next < until; this.next += 1) {
      const event = tape.events[this.next];
      if (event.code === "o") text += event.text;
      else if (event.code === "r") {
        // A size takes effect in the order of the stream, behind what is written.
        this.write(text, () => this.size(event.size));
        text = "";
      }
    }
    await new Promise((done) => this.write(text, done));
  }

  write(text, done) {
    this.written += text.length;
    this.term.write(text, done);
  }

  size({ cols, rows }) {
    this.term.options.fontSize = this.fitting(cols, rows);
    this.term.resize(cols, rows);
  }

  // Recorded terminals have any size; the letters give way so that bar and terminal stay in view.
  fitting(cols, rows) {
    const widest = (this.screen.clientWidth - 32) / (cols * 0.61);
    const tallest = (innerHeight * 0.5) / (rows * 1.4);
    const readable = Math.max(11, Math.min(15, tallest));
    return Math.max(7, Math.floor(Math.min(widest, readable) * 2) / 2);
  }

  play() {
    this.playing = true;
    this.last = performance.now();
    this.moved();
    this.frame = requestAnimationFrame((now) => this.tick(now));
  }

  pause() {
    this.playing = false;
    cancelAnimationFrame(this.frame);
    this.moved();
  }

  async tick(now) {
    let at = this.at + (now - this.last) * this.speed();
    this.last = now;
    const next = this.tape.events[this.next];
    const comes = next ? this.tape.recording.starts + next.at : this.ends;
    if (this.skipsPauses() && comes - at > LONGEST_PAUSE_MS) at = comes - LONGEST_PAUSE_MS / 4;
    await this.to(at);
    if (this.playing && this.at >= this.ends) await this.ended();
    if (this.playing) this.frame = requestAnimationFrame((later) => this.tick(later));
  }
}
