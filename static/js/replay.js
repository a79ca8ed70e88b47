// The replay of an attempt: all its consoles and events on one line of time.
import { Player } from "./replay/player.js";
import { Tape } from "./replay/tape.js";
import { TimeLine } from "./replay/timeline.js";
import { fontsReady } from "./terminal.js";

const data = JSON.parse(document.getElementById("replay-data")?.textContent ?? '{"recordings": []}');
const stage = document.querySelector("[data-replay]");
const part = (name) => stage.querySelector(`[data-replay-${name}]`);
const line = new TimeLine(data.recordings);
const tapes = new Map();
let player;

const clockText = (ms) => {
  const seconds = Math.floor(Math.max(0, ms) / 1000);
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return hours ? `${hours}:${rest}` : rest;
};

function say(text) {
  part("status").textContent = text;
}

// --- where one is -------------------------------------------------------------------------------
const momentOf = (event) => {
  const inside = data.recordings.find((each) => each.id === event.recording);
  return inside ? inside.starts + event.offset : event.at;
};

let current = null;
function show() {
  const [seek, play] = [part("seek"), part("play")];
  const words = `${clockText(player.at)} of ${clockText(line.end)}`;
  seek.value = String(Math.round(line.place(player.at)));
  seek.setAttribute("aria-valuetext", words);
  part("clock").textContent = words.replace("of", "/");
  if (play.textContent !== (player.playing ? "Pause" : "Play")) {
    play.textContent = player.playing ? "Pause" : "Play";
  }
  const here = events.findLast(({ moment }) => moment <= player.at)?.row;
  if (here === current) return;
  current?.removeAttribute("aria-current");
  here?.setAttribute("aria-current", "true");
  current = here;
}

const events = [];
function drawLine() {
  const percent = (moment) => `${(100 * line.place(moment)) / line.length}%`;
  for (const recording of data.recordings) {
    const span = stage.querySelector(`[data-replay-lane="${recording.id}"] [data-replay-span]`);
    if (!span) continue;
    span.style.left = percent(recording.starts);
    span.style.right = `${100 - (100 * line.place(recording.ends)) / line.length}%`;
  }
  for (const event of data.events) {
    const moment = momentOf(event);
    events.push({ moment, row: stage.querySelector(`[data-replay-event="${event.seq}"]`) });
    const mark = document.createElement("span");
    mark.className = `replay__mark replay__mark--${event.group}`;
    mark.title = event.label;
    mark.style.left = percent(moment);
    part("marks").append(mark);
  }
  events.sort((one, other) => one.moment - other.moment);
}

// --- which console is shown -----------------------------------------------------------------------
// While one is loaded, another or another moment may be asked for: the last counts.
let chosen = null;
let wanted = 0;

async function choose(recording, at) {
  [chosen, wanted] = [recording, at];
  for (const lane of stage.querySelectorAll("[data-replay-lane]")) {
    lane.setAttribute("aria-pressed", String(lane.dataset.replayLane === recording.id));
  }
  for (const [name, version] of [["download", "3"], ["download-2", "2"]]) {
    part(name).href = `${recording.url}?download=1&version=${version}`;
  }
  if (!tapes.has(recording.id)) {
    say("Loading the recording…");
    tapes.set(recording.id, Tape.load(recording));
  }
  const tape = await tapes.get(recording.id);
  if (chosen !== recording) return;
  if (!tape) {
    tapes.delete(recording.id);
    player.pause();
    say("This recording could not be read. Its file may be missing.");
    return;
  }
  say("");
  await player.insert(tape, wanted);
}

// Of several consoles the shown one stays where it goes on, else the one begun last.
function recordingAt(moment) {
  const open = data.recordings.filter(({ starts, ends }) => starts <= moment && moment <= ends);
  const before = data.recordings.filter(({ starts }) => starts <= moment);
  return open.find((each) => each === chosen) ?? open.at(-1) ?? before.at(-1)
    ?? data.recordings[0];
}

async function go(moment, recording = recordingAt(moment)) {
  wanted = moment;
  if (recording !== chosen) await choose(recording, moment);
  else if (player.tape?.recording === chosen) await player.to(moment);
}

// At the end of one recording another goes on, or the next one begins; else it was the last.
async function goOn() {
  const at = player.at;
  const others = data.recordings.filter(({ id }) => id !== player.tape.recording.id);
  const next = others.findLast(({ starts, ends }) => starts <= at && ends > at)
    ?? others.find(({ starts }) => starts > at);
  if (next) await choose(next, Math.max(at, next.starts));
  else player.pause();
}

async function jump(seq) {
  const event = data.events.find((each) => String(each.seq) === seq);
  const inside = data.recordings.find((each) => each.id === event.recording);
  // A little before, so that one sees how it came about.
  await go(momentOf(event) - 500, inside);
  part("screen").scrollIntoView({ block: "nearest" });
}

async function copyLink() {
  const { recording } = player.tape;
  const address = new URL(location.href);
  const at = String(Math.round(player.at - recording.starts));
  address.search = new URLSearchParams({ recording: recording.id, at });
  history.replaceState(null, "", address);
  try {
    await navigator.clipboard.writeText(address.href);
    say("The link to this moment is copied.");
  } catch {
    say("The address bar now links to this moment.");
  }
}

async function playOrPause() {
  if (player.playing) return player.pause();
  const last = data.recordings.every(({ ends, id }) => id === player.tape.recording.id || ends <= player.at);
  if (player.at >= player.ends && last) await go(data.recordings[0].starts, data.recordings[0]);
  return player.play();
}

// --- the page ---------------------------------------------------------------------------------------
function arm() {
  part("play").addEventListener("click", playOrPause);
  part("seek").addEventListener("input", () => go(line.moment(Number(part("seek").value))));
  part("link").addEventListener("click", copyLink);
  stage.addEventListener("click", (event) => {
    const row = event.target.closest("[data-replay-event]");
    if (row) jump(row.dataset.replayEvent);
    const lane = event.target.closest("[data-replay-lane]")?.dataset.replayLane;
    if (lane) choose(data.recordings.find(({ id }) => id === lane), player.at);
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input, select, button, a, textarea:not([readonly])")) return;
    if (event.key === " ") playOrPause();
    else if (event.key === "ArrowRight") go(player.at + 5000);
    else if (event.key === "ArrowLeft") go(player.at - 5000);
    else return;
    event.preventDefault();
  });
}

async function begin() {
  if (!data.recordings.length) return;
  await fontsReady();
  player = stage.player = new Player(part("screen"), {
    moved: show,
    speed: () => Number(part("speed").value),
    skipsPauses: () => part("skip").checked,
    ended: goOn,
  });
  // A range input stops at multiples of its step: the end must be one of them.
  const seek = part("seek");
  seek.max = String(Math.ceil(line.length / seek.step) * seek.step);
  drawLine();
  arm();
  const first = data.recordings.find(({ id }) => id === data.start.recording) ?? data.recordings[0];
  await choose(first, first.starts + data.start.at);
  stage.dataset.ready = "yes";
}

begin();
