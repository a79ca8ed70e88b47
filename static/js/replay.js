// Plays recordings of an attempt on a terminal, with its events on the same line of time.
import { fontsReady, makeTerminal, openTerminal } from "./terminal.js";

const data = JSON.parse(document.getElementById("replay-data").textContent);
const stage = document.querySelector("[data-replay]");
const part = (name) => stage.querySelector(`[data-replay-${name}]`);
const seek = part("seek");
const clock = part("clock");
const status = part("status");
const playButton = part("play");
// A pause in the work is not a pause worth watching.
const LONGEST_PAUSE_MS = 2000;

const clockText = (ms) => {
  const seconds = Math.floor(ms / 1000);
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return hours ? `${hours}:${rest}` : rest;
};

class Player {
  constructor() {
    this.term = makeTerminal({ disableStdin: true, cursorBlink: false, scrollback: 2000 });
    openTerminal(this.term, part("screen"));
    this.term.textarea.setAttribute("aria-label", "Recorded terminal");
    this.term.textarea.setAttribute("readonly", "");
    this.at = 0;
    this.next = 0;
    this.events = [];
    this.playing = false;
  }

  async load(recording, at) {
    this.pause();
    this.recording = recording;
    status.textContent = "Loading the recording…";
    const response = await fetch(recording.url, { headers: { Accept: "application/x-asciicast" } });
    if (!response.ok) {
      status.textContent = "This recording could not be read. Its file may be missing.";
      return;
    }
    const lines = (await response.text()).split("\n").filter(Boolean);
    this.header = JSON.parse(lines[0]);
    let time = 0;
    this.events = lines.slice(1).map((line) => {
      const [interval, code, text] = JSON.parse(line);
      time += interval * 1000;
      return { at: time, code, text };
    });
    this.length = Math.max(time, 1);
    // A range input stops at multiples of its step: the end must be one of them.
    seek.max = String(Math.ceil(this.length / seek.step) * seek.step);
    status.textContent = "";
    drawMarks();
    this.to(at);
  }

  // Everything up to the moment in one go: a terminal draws megabytes faster than a frame lasts.
  to(moment) {
    const at = Math.min(Math.max(0, moment), this.length);
    if (at < this.at || this.next === 0) this.rewind();
    this.at = at;
    this.forward();
    this.show();
  }

  rewind() {
    this.next = 0;
    this.term.write("\x1bc");
    this.size(this.header.term.cols, this.header.term.rows);
  }

  forward() {
    let text = "";
    const flush = () => {
      if (text) this.term.write(text);
      text = "";
    };
    for (; this.next < this.events.length && this.events[this.next].at <= this.at; this.next += 1) {
      const event = this.events[this.next];
      if (event.code === "o") text += event.text;
      else if (event.code === "r") {
        flush();
        const [cols, rows] = event.text.split("x").map(Number);
        this.later(() => this.size(cols, rows));
      }
    }
    flush();
  }

  // A size takes effect in the order of the stream, so it waits its turn behind what is written.
  later(work) {
    this.term.write("", work);
  }

  size(cols, rows) {
    const inside = (side) => Math.min(500, Math.max(2, side || 0));
    this.term.options.fontSize = this.fitting(inside(cols), inside(rows));
    this.term.resize(inside(cols), inside(rows));
  }

  // Recorded terminals have any size; the letters give way so that bar and terminal stay in view.
  fitting(cols, rows) {
    const widest = (part("screen").clientWidth - 32) / (cols * 0.61);
    const tallest = (innerHeight * 0.5) / (rows * 1.22);
    const readable = Math.max(11, Math.min(15, tallest));
    return Math.max(7, Math.floor(Math.min(widest, readable) * 2) / 2);
  }

  show() {
    seek.value = this.at >= this.length ? seek.max : String(Math.round(this.at));
    seek.setAttribute("aria-valuetext", `${clockText(this.at)} of ${clockText(this.length)}`);
    clock.textContent = `${clockText(this.at)} / ${clockText(this.length)}`;
    const here = data.events.filter((event) => this.momentOf(event) <= this.at).at(-1);
    for (const row of stage.querySelectorAll("[data-replay-event]")) {
      const current = here && row.dataset.replayEvent === String(here.seq);
      if (current) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
  }

  // Where in this recording something of the attempt happened.
  momentOf(event) {
    if (event.recording === this.recording.id) return event.offset;
    return event.at - this.recording.starts;
  }

  play() {
    if (this.at >= this.length) this.to(0);
    this.playing = true;
    playButton.textContent = "Pause";
    this.last = performance.now();
    this.frame = requestAnimationFrame((now) => this.tick(now));
  }

  pause() {
    this.playing = false;
    playButton.textContent = "Play";
    cancelAnimationFrame(this.frame);
  }

  tick(now) {
    if (!this.playing) return;
    this.at += (now - this.last) * Number(part("speed").value);
    this.last = now;
    const next = this.events[this.next];
    if (part("skip").checked && next && next.at - this.at > LONGEST_PAUSE_MS) {
      this.at = next.at - LONGEST_PAUSE_MS / 4;
    }
    this.at = Math.min(this.at, this.length);
    this.forward();
    this.show();
    if (this.at >= this.length) this.pause();
    else this.frame = requestAnimationFrame((later) => this.tick(later));
  }
}

function drawMarks() {
  const line = part("marks");
  line.replaceChildren();
  for (const event of data.events) {
    const moment = player.momentOf(event);
    if (moment < 0 || moment > player.length) continue;
    const mark = document.createElement("span");
    mark.className = `replay__mark replay__mark--${event.group}`;
    mark.title = event.label;
    mark.style.left = `${(moment / player.length) * 100}%`;
    line.append(mark);
  }
}

function choose(id, at) {
  const recording = data.recordings.find((each) => each.id === id) ?? data.recordings[0];
  part("choice").value = recording.id;
  part("download").href = `${recording.url}?download=1`;
  return player.load(recording, at);
}

async function jump(seq) {
  const event = data.events.find((each) => String(each.seq) === seq);
  const inside = data.recordings.find((each) => each.id === event.recording);
  const covering = inside ?? data.recordings.findLast((each) => each.starts <= event.at);
  if (covering && covering.id !== player.recording.id) await choose(covering.id, 0);
  // A little before, so that one sees how it came about.
  player.to(player.momentOf(event) - 500);
  part("screen").scrollIntoView({ block: "nearest" });
}

async function copyLink() {
  const address = new URL(location.href);
  address.search = new URLSearchParams({
    recording: player.recording.id, at: String(Math.round(player.at)),
  });
  history.replaceState(null, "", address);
  try {
    await navigator.clipboard.writeText(address.href);
    status.textContent = "The link to this moment is copied.";
  } catch {
    status.textContent = "The address bar now links to this moment.";
  }
}

let player;

async function begin() {
  if (!data.recordings.length) return;
  await fontsReady();
  player = new Player();
  playButton.addEventListener("click", () => (player.playing ? player.pause() : player.play()));
  seek.addEventListener("input", () => player.to(Number(seek.value)));
  part("choice").addEventListener("change", (event) => choose(event.target.value, 0));
  part("link").addEventListener("click", copyLink);
  stage.addEventListener("click", (event) => {
    const row = event.target.closest("[data-replay-event]");
    if (row) jump(row.dataset.replayEvent);
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input, select, button, a, textarea:not([readonly])")) return;
    if (event.key === " ") playButton.click();
    else if (event.key === "ArrowRight") player.to(player.at + 5000);
    else if (event.key === "ArrowLeft") player.to(player.at - 5000);
    else return;
    event.preventDefault();
  });
  await choose(data.start.recording, data.start.at);
  stage.dataset.ready = "yes";
}

begin();
