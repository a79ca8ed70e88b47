// Draws an exercise's consoles small: a terminal without a screen reads each one's bytes, and its
// lines become the text of a tile. Thirty real terminals would be thirty times the work.
import { Line } from "./console/line.js";
import { fontsReady, makeTerminal } from "./terminal.js";

const stage = document.querySelector("[data-wall]");
const part = (name) => stage.querySelector(`[data-wall-${name}]`);
const template = document.getElementById("tile-template");
// Height of a line, as in the style sheet.
const LINE = 1.22;
const ANY_ATTEMPT = "00000000-0000-0000-0000-000000000000";

const CLOSINGS = {
  4403: ["refused", "You are signed out, or may no longer see this exercise."],
  4413: ["refused", "That was more than a wall takes at once."],
  4429: ["refused", "You have too many walls open. Close one, then reload this page."],
};
// State: colour of its badge and words.
const STATES = {
  active: ["met", () => "Active"],
  idle: ["", (minutes) => `Idle for ${minutes} min`],
  stuck: ["warn", (minutes) => `No progress for ${minutes} min`],
  closed: ["", () => "Nothing open"],
  stopped: ["", () => "No machines run"],
};

class Tile {
  constructor() {
    this.element = template.content.firstElementChild.cloneNode(true);
    this.text = this.part("text");
    this.term = null;
    new ResizeObserver(() => this.fit()).observe(this.text.parentElement);
  }

  part(name) {
    return this.element.querySelector(`[data-tile-${name}]`);
  }

  describe({ attempt, trainee, machine, console: beside, state, minutes }) {
    const [tone, words] = STATES[state];
    const link = this.part("link");
    const where = beside && beside !== "main" ? `${machine} ${beside}` : machine;
    const address = new URL(stage.dataset.lookUrl.replace(ANY_ATTEMPT, attempt), location.href);
    if (machine) address.search = new URLSearchParams({ machine, console: beside });
    write(link, where ? `${trainee}, ${where}` : trainee);
    if (link.href !== address.href) link.href = address.href;
    const badge = this.part("badge");
    write(badge, words(minutes));
    badge.className = tone ? `badge badge--${tone}` : "badge";
    this.element.dataset.state = state;
    write(this.part("nothing"), machine ? "" : words(minutes));
    if (!machine) this.clear();
  }

  show({ cols, rows, whole }, bytes) {
    this.term ??= makeTerminal({ cols, rows, scrollback: 0 });
    if (whole) this.term.write("\x1bc");
    // In the order of the stream, as the bytes before it were meant for the size before.
    this.term.write("", () => {
      if (this.term && (this.term.cols !== cols || this.term.rows !== rows)) this.term.resize(cols, rows);
    });
    this.term.write(bytes, () => this.draw());
  }

  draw() {
    if (!this.term) return;
    const { active } = this.term.buffer;
    this.lines = Array.from({ length: this.term.rows }, (_, at) =>
      active.getLine(active.baseY + at)?.translateToString(true) ?? "");
    this.full = active.type === "alternate";
    // Below what was printed so far there is nothing to see; an editor has the whole screen.
    while (!this.full && this.lines.length > 1 && !this.lines.at(-1)) this.lines.pop();
    this.fit();
  }

  // Every column is in the picture, and the newest lines; of a full-screen program all of them.
  fit() {
    if (!this.term || !this.lines) return;
    const { clientWidth, clientHeight } = this.text.parentElement;
    const [wide, high] = [clientWidth - 16, clientHeight - 16];
    const rows = this.full ? this.lines.length : 1;
    const size = Math.max(2, Math.min(wide / (this.term.cols * 0.605), high / (rows * LINE), 12));
    this.text.style.fontSize = `${Math.floor(size * 10) / 10}px`;
    write(this.text, this.lines.slice(-Math.max(1, Math.floor(high / (size * LINE)))).join("\n"));
  }

  clear() {
    this.term?.forget();
    this.term?.dispose();
    this.term = this.lines = null;
    write(this.text, "");
  }
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

class Wall {
  constructor(url) {
    this.closings = CLOSINGS;
    this.tiles = new Map();
    this.line = new Line(url, this);
  }

  size() {
    return {};
  }

  control(message) {
    if (message.type === "tiles") this.arrange(message.tiles);
    else if (message.type === "picture") this.next = message;
  }

  show(bytes) {
    this.tiles.get(this.next.tile)?.show(this.next, bytes);
  }

  arrange(tiles) {
    if (this.line.state !== "open") this.line.opened();
    const wanted = new Set(tiles.map((tile) => tile.id));
    for (const [id, tile] of this.tiles) {
      if (wanted.has(id)) continue;
      tile.clear();
      tile.element.remove();
      this.tiles.delete(id);
    }
    const list = part("tiles");
    tiles.forEach((facts, at) => {
      const tile = this.tiles.get(facts.id) ?? new Tile();
      this.tiles.set(facts.id, tile);
      tile.describe(facts);
      if (list.children[at] !== tile.element) list.insertBefore(tile.element, list.children[at] ?? null);
    });
    part("empty").hidden = tiles.length > 0;
    this.count(tiles);
  }

  count(tiles) {
    const open = tiles.filter((tile) => tile.machine).length;
    const stuck = tiles.filter((tile) => tile.state === "stuck").length;
    const words = [`${open} ${open === 1 ? "terminal" : "terminals"} open`];
    if (stuck) words.push(`${stuck} without progress`);
    write(part("state"), words.join(", "));
  }

  tell(state, message) {
    stage.dataset.state = state;
    if (state !== "open") write(part("state"), message);
  }
}

async function begin() {
  await fontsReady();
  stage.wall = new Wall(stage.dataset.url);
  stage.wall.line.connect();
}

begin();
