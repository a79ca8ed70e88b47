// One console's connection: a WebSocket that comes back by itself, acknowledges what was drawn,
// notices silence, hands over long input in pieces, and keeps what is typed until it was taken.
import { CLEARED } from "../terminal.js";

const ACK_BYTES = 64 * 1024;
const ACK_AFTER_MS = 500;
const FRAME_BYTES = 16 * 1024;
const BUFFERED_BYTES = 256 * 1024;
const AHEAD_BYTES = 64 * 1024;
const HEARTBEAT_MS = 20_000;
const SILENCE_MS = 12_000;
const FIRST_PAUSE_MS = 250;
// Whoever was just cut off is asked for soon: a role that was killed is back in a few seconds.
const SOON_PAUSE_MS = 1_000;
const SOON_MS = 15_000;
const LONGEST_PAUSE_MS = 8_000;
// A handshake that is refused looks like a lost network from here. After so many that led to
// nothing, the page's own address is asked whether the page may still be shown to this person.
const SHUT_TIMES = 6;

// What every socket may be closed with, then what a trainee's own may.
const ANYWHERE = {
  1012: ["waiting", "The range restarts its terminals."],
  4400: ["refused", "The range did not understand this page. Reload it."],
  4500: ["waiting", "Something went wrong in the range."],
};
const CLOSED = {
  4403: ["refused", "You are signed out, or this console is no longer yours."],
  4404: ["refused", "This machine has no console."],
  4409: ["waiting", "The sandbox is not running. The console opens when it does."],
  4410: ["ended", "The shell ended. Press Enter to open a new one."],
  4412: ["closed", "This terminal was closed."],
  4413: ["refused", "That was more than a console takes at once."],
  4429: ["refused", "You have too many consoles open. Close one, then try again."],
};

const UNSURE = "Connected. What you typed last may not have arrived: look before you repeat it.";
const AHEAD = "Too much waits to be typed. Type on when the console is there.";

export class Line {
  // `page` gives its `size()` and takes `control`, `show` and `tell`. Where `counted`, the console
  // says how much of what was typed it has taken, and the rest is sent again on the next socket.
  constructor(address, page, { counted = false } = {}) {
    this.address = address;
    this.page = page;
    this.counted = counted;
    const numbers = crypto.getRandomValues(new Uint32Array(4));
    this.name = Array.from(numbers, (each) => each.toString(36).padStart(7, "0")).join("");
    this.count = 0;
    this.socket = null;
    this.state = "";
    this.pause = FIRST_PAUSE_MS;
    this.drawn = 0;
    this.shut = 0;
    this.forget();
  }

  connect() {
    clearTimeout(this.retry);
    this.tell("connecting", "Connecting…");
    const address = new URL(this.address, location.href);
    const asked = this.counted ? { ...this.page.size(), page: this.name } : this.page.size();
    address.search = new URLSearchParams(asked);
    const socket = (this.socket = new WebSocket(address));
    socket.binaryType = "arraybuffer";
    this.drawn = 0;
    socket.onopen = () => {
      if (socket !== this.socket) return;
      this.heard();
      this.shut = -1;
      this.ready = !this.counted;
      this.drain();
    };
    socket.onmessage = (event) => {
      if (socket !== this.socket) return;
      this.heard();
      if (typeof event.data === "string") this.told(JSON.parse(event.data));
      else this.show(new Uint8Array(event.data), (count) => this.drew(socket, count));
    };
    socket.onclose = (event) => {
      if (socket === this.socket) this.closed(event);
    };
  }

  told(message) {
    if (message.type === "taken") this.taken(message);
    else this.control(message);
  }

  control(message) {
    this.page.control(message);
  }

  show(bytes, drawn) {
    this.page.show(bytes, drawn);
  }

  opened() {
    this.pause = FIRST_PAUSE_MS;
    this.lostAt = undefined;
    this.tell("open", "Connected");
  }

  closed({ code, reason }) {
    this.socket = null;
    this.shut += 1;
    clearTimeout(this.alive);
    this.ready = false;
    if (!this.counted) this.forget();
    const [state, message] = this.means(code);
    if (state !== "waiting") {
      this.forget();
      this.tell(state, reason || message);
      return;
    }
    const wait = this.pause * (0.75 + Math.random() / 2);
    this.lostAt ??= Date.now();
    const longest = Date.now() - this.lostAt < SOON_MS ? SOON_PAUSE_MS : LONGEST_PAUSE_MS;
    this.pause = Math.min(this.pause * 2, longest);
    this.tell("waiting", `${reason || message} Trying again…`);
    this.retry = setTimeout(() => this.again(), wait);
  }

  means(code) {
    const known = { ...ANYWHERE, ...(this.page.closings ?? CLOSED) };
    return known[code] ?? ["waiting", "The connection was lost."];
  }

  async again() {
    const may = this.shut < SHUT_TIMES || (await mayBeShown());
    // Meanwhile somebody may have hurried it, or left.
    if (this.socket || this.state !== "waiting") return;
    if (may) {
      this.connect();
      return;
    }
    this.forget();
    this.tell(...this.means(4403));
  }

  // What it waits for may just have come.
  hurry() {
    this.pause = FIRST_PAUSE_MS;
    if (this.state === "waiting" && !this.socket) this.connect();
  }

  // A connection may die without a word: ask now and then, and give up when nobody answers.
  heard() {
    clearTimeout(this.alive);
    this.alive = setTimeout(() => {
      this.say({ type: "heartbeat" });
      this.alive = setTimeout(() => this.socket?.close(), SILENCE_MS);
    }, HEARTBEAT_MS);
  }

  drew(socket, bytes) {
    if (socket !== this.socket) return;
    this.drawn += bytes;
    if (this.drawn >= ACK_BYTES) this.acknowledge();
    else this.ackTimer ??= setTimeout(() => this.acknowledge(), ACK_AFTER_MS);
  }

  acknowledge() {
    clearTimeout(this.ackTimer);
    this.ackTimer = undefined;
    if (this.drawn) this.say({ type: "ack", bytes: this.drawn });
    this.drawn = 0;
  }

  say(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  // --- typing -------------------------------------------------------------------------------
  // `kept` holds, in order, what is not known to be taken: `out` pieces of it went out on this
  // socket, and `risked` on any. Nothing is sent before the console has said where it stands.
  send(bytes) {
    if (!this.ready && !this.mayKeep()) return;
    for (let at = 0; at < bytes.length; at += FRAME_BYTES) {
      this.kept.push(bytes.subarray(at, at + FRAME_BYTES));
    }
    this.drain();
  }

  // Whether what is typed now can wait for the console.
  mayKeep() {
    const states = this.counted ? ["connecting", "waiting", "open"] : ["connecting"];
    if (!states.includes(this.state)) return false;
    const room = this.kept.reduce((sum, piece) => sum + piece.length, 0) < AHEAD_BYTES;
    if (!room) this.tell(this.state, AHEAD);
    return room;
  }

  drain() {
    clearTimeout(this.draining);
    if (!this.ready) return;
    while (this.out < this.kept.length && this.socket.bufferedAmount < BUFFERED_BYTES) {
      this.socket.send(this.kept[this.out]);
      if (this.counted) this.risked = Math.max(this.risked, ++this.out);
      else this.kept.shift();
    }
    if (this.out < this.kept.length) this.draining = setTimeout(() => this.drain(), 20);
  }

  // The first word on a new socket: the console that took the keys so far says how many it has.
  // Another one cannot know, and what may have arrived is not typed twice, nor its rest alone.
  taken({ bytes, of }) {
    const knows = of === this.of && bytes >= this.count;
    if (knows) this.drop(bytes - this.count);
    const unsure = !knows && this.risked > 0;
    if (unsure) this.forget();
    if (this.ready) return;
    this.of = of;
    this.count = bytes;
    this.out = this.risked = 0;
    this.ready = true;
    if (unsure) this.tell("open", UNSURE);
    this.drain();
  }

  drop(bytes) {
    this.count += bytes;
    while (bytes > 0 && this.kept.length) {
      const piece = this.kept[0];
      if (piece.length > bytes) {
        this.kept[0] = piece.subarray(bytes);
        return;
      }
      bytes -= piece.length;
      this.kept.shift();
      this.out = Math.max(0, this.out - 1);
      this.risked = Math.max(0, this.risked - 1);
    }
  }

  forget() {
    this.kept = [];
    this.out = this.risked = 0;
    this.ready = false;
  }

  tell(state, message) {
    this.state = state;
    this.page.tell(state, message);
  }

  close() {
    this.state = "";
    clearTimeout(this.retry);
    clearTimeout(this.alive);
    clearTimeout(this.draining);
    this.forget();
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }
}

// Whether the page would be shown again: not to whoever is signed out or lost the right to it.
// Where nothing answers, or something fails, nothing is known and waiting goes on.
async function mayBeShown() {
  try {
    const asked = { method: "HEAD", redirect: "manual", cache: "no-store" };
    const { type, status } = await fetch(location.href, asked);
    return type !== "opaqueredirect" && ![401, 403, 404, 410].includes(status);
  } catch {
    return true;
  }
}

// The connection of a page with one terminal, which always has the size the console has.
export class TerminalLine extends Line {
  // `page` has a `term`, and takes what is neither screen nor size nor role.
  control(message) {
    switch (message.type) {
      case "screen":
        // Cleared in the order of the stream, after what was still to be drawn.
        this.page.term.write(CLEARED);
        this.opened();
        this.resize(message);
        break;
      case "size":
        this.resize(message);
        break;
      case "role":
        this.page.answers = message.answers;
        break;
      default:
        this.page.control(message);
    }
  }

  show(bytes, drawn) {
    this.page.term.write(bytes, () => drawn(bytes.length));
  }

  resize({ cols, rows }) {
    const { term } = this.page;
    if (cols !== term.cols || rows !== term.rows) term.resize(cols, rows);
  }
}
