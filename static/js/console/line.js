// One console's connection: a WebSocket that comes back by itself, acknowledges what was drawn,
// notices silence, and hands over long input in pieces.
import { CLEARED } from "../terminal.js";

const ACK_BYTES = 64 * 1024;
const ACK_AFTER_MS = 500;
const FRAME_BYTES = 16 * 1024;
const BUFFERED_BYTES = 256 * 1024;
const HEARTBEAT_MS = 20_000;
const SILENCE_MS = 12_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 8_000;

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

export class Line {
  // `page` gives its `size()` and takes `control`, `show` and `tell`.
  constructor(address, page) {
    this.address = address;
    this.page = page;
    this.socket = null;
    this.state = "";
    this.pause = FIRST_PAUSE_MS;
    this.drawn = 0;
    this.outbox = [];
  }

  connect() {
    clearTimeout(this.retry);
    this.tell("connecting", "Connecting…");
    const address = new URL(this.address, location.href);
    address.search = new URLSearchParams(this.page.size());
    const socket = (this.socket = new WebSocket(address));
    socket.binaryType = "arraybuffer";
    this.drawn = 0;
    socket.onopen = () => {
      if (socket !== this.socket) return;
      this.heard();
      this.drain();
    };
    socket.onmessage = (event) => {
      if (socket !== this.socket) return;
      this.heard();
      if (typeof event.data === "string") this.control(JSON.parse(event.data));
      else this.show(new Uint8Array(event.data), (count) => this.count(socket, count));
    };
    socket.onclose = (event) => {
      if (socket === this.socket) this.closed(event);
    };
  }

  control(message) {
    this.page.control(message);
  }

  show(bytes, drawn) {
    this.page.show(bytes, drawn);
  }

  opened() {
    this.pause = FIRST_PAUSE_MS;
    this.tell("open", "Connected");
  }

  closed({ code, reason }) {
    this.socket = null;
    clearTimeout(this.alive);
    this.outbox.length = 0;
    const known = { ...ANYWHERE, ...(this.page.closings ?? CLOSED) };
    const [state, message] = known[code] ?? ["waiting", "The connection was lost."];
    if (state !== "waiting") {
      this.tell(state, reason || message);
      return;
    }
    const wait = this.pause * (0.75 + Math.random() / 2);
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE_MS);
    this.tell("waiting", `${reason || message} Trying again…`);
    this.retry = setTimeout(() => this.connect(), wait);
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

  count(socket, bytes) {
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

  send(bytes) {
    const state = this.socket?.readyState;
    // What is typed while a connection is being made goes with it.
    if (state !== WebSocket.OPEN && state !== WebSocket.CONNECTING) return;
    if (state === WebSocket.OPEN && !this.outbox.length && bytes.length <= FRAME_BYTES) {
      this.socket.send(bytes);
      return;
    }
    for (let at = 0; at < bytes.length; at += FRAME_BYTES) {
      this.outbox.push(bytes.subarray(at, at + FRAME_BYTES));
    }
    this.drain();
  }

  drain() {
    clearTimeout(this.draining);
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    while (this.outbox.length && this.socket && this.socket.bufferedAmount < BUFFERED_BYTES) {
      this.socket.send(this.outbox.shift());
    }
    if (this.outbox.length && this.socket) this.draining = setTimeout(() => this.drain(), 20);
  }

  tell(state, message) {
    this.state = state;
    this.page.tell(state, message);
  }

  close() {
    clearTimeout(this.retry);
    clearTimeout(this.alive);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
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
