// The live console: one terminal on one machine, over a WebSocket of its own.
// Binary frames are terminal bytes both ways; text frames are small JSON control messages.
import { FitAddon } from "../vendor/@xterm/addon-fit/lib/addon-fit.mjs";
import { SearchAddon } from "../vendor/@xterm/addon-search/lib/addon-search.mjs";
import { WebLinksAddon } from "../vendor/@xterm/addon-web-links/lib/addon-web-links.mjs";
import {
  changeFontSize, fontsReady, makeTerminal, openLink, openTerminal, readerMode, setReaderMode,
} from "./terminal.js";

const ACK_BYTES = 16 * 1024;
const ACK_AFTER_MS = 500;
const FRAME_BYTES = 16 * 1024;
const BUFFERED_BYTES = 256 * 1024;
const LONG_PASTE = 4000;
const HEARTBEAT_MS = 20_000;
const SILENCE_MS = 12_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 8_000;

const CLOSED = {
  4400: ["refused", "The range did not understand this page. Reload it."],
  4403: ["refused", "You are signed out, or this console is no longer yours."],
  4404: ["refused", "This machine has no console."],
  4409: ["waiting", "The sandbox is not running. The console opens when it does."],
  4410: ["ended", "The shell ended. Press Enter to open a new one."],
  4413: ["refused", "That was more than a console takes at once."],
  4429: ["refused", "You have too many consoles open. Close one, then try again."],
};
const encoder = new TextEncoder();
const consoles = new Set();
let sandboxState;

class LiveConsole {
  constructor(element) {
    this.element = element;
    this.screen = element.querySelector("[data-console-screen]");
    this.line = element.querySelector("[data-console-state]");
    this.machine = element.dataset.machine;
    this.answers = true;
    this.state = "";
    this.pause = FIRST_PAUSE_MS;
    this.drawn = 0;
    this.outbox = [];
    this.held = 0;
  }

  open() {
    const term = (this.term = makeTerminal({}, () => this.answers));
    this.fit = new FitAddon();
    this.search = new SearchAddon();
    for (const addon of [this.fit, this.search, new WebLinksAddon(openLink)]) term.loadAddon(addon);
    openTerminal(term, this.screen);
    term.textarea.setAttribute(
      "aria-label", `Terminal on ${this.machine}. F6 leaves it for the next part of the page.`);
    this.useGraphics();
    term.attachCustomKeyEventHandler((event) => this.isForTerminal(event));
    term.onData((data) => this.send(encoder.encode(data)));
    term.onBinary((data) => this.send(Uint8Array.from(data, (c) => c.charCodeAt(0))));
    this.screen.addEventListener("paste", (event) => this.beforePaste(event), true);
    this.fit.fit();
    this.connect();
  }

  // Drawing on the graphics card is fastest; where there is none, or it is lost, elements serve.
  async useGraphics() {
    if (this.element.dataset.renderer === "dom") return;
    try {
      const { WebglAddon } = await import("../vendor/@xterm/addon-webgl/lib/addon-webgl.mjs");
      const webgl = new WebglAddon();
      webgl.onContextLoss(() => webgl.dispose());
      this.term.loadAddon(webgl);
    } catch {
      // The terminal already draws with elements.
    }
  }

  // --- connection ---------------------------------------------------------------------------
  connect() {
    clearTimeout(this.retry);
    this.tell("connecting", "Connecting…");
    const { cols, rows } = this.wanted ?? this.term;
    const address = new URL(this.element.dataset.consoleUrl, location.href);
    address.search = new URLSearchParams({ cols, rows });
    const socket = (this.socket = new WebSocket(address));
    socket.binaryType = "arraybuffer";
    this.drawn = 0;
    socket.onopen = () => this.heard();
    socket.onmessage = (event) => {
      if (socket !== this.socket) return;
      this.heard();
      if (typeof event.data === "string") this.control(JSON.parse(event.data));
      else this.show(new Uint8Array(event.data), socket);
    };
    socket.onclose = (event) => {
      if (socket === this.socket) this.closed(event);
    };
  }

  closed({ code, reason }) {
    this.socket = null;
    clearTimeout(this.alive);
    this.outbox.length = 0;
    const [state, message] = CLOSED[code] ?? ["waiting", "The connection was lost."];
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

  control(message) {
    switch (message.type) {
      case "screen":
        // Cleared in the order of the stream, after what was still to be drawn.
        this.term.write("\x1bc");
        this.pause = FIRST_PAUSE_MS;
        this.tell("open", "Connected");
        this.resizeTo(message);
        break;
      case "size":
        this.resizeTo(message);
        break;
      case "role":
        this.answers = message.answers;
        break;
      case "notice":
        this.tell(this.state, message.text);
        break;
    }
  }

  show(bytes, socket) {
    this.term.write(bytes, () => {
      if (socket !== this.socket) return;
      this.drawn += bytes.length;
      if (this.drawn >= ACK_BYTES) this.acknowledge();
      else this.ackTimer ??= setTimeout(() => this.acknowledge(), ACK_AFTER_MS);
    });
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
  send(bytes) {
    if (this.state === "ended") {
      if (bytes[0] === 13) this.connect();
      return;
    }
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    if (!this.outbox.length && bytes.length <= FRAME_BYTES) {
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
    while (this.outbox.length && this.socket && this.socket.bufferedAmount < BUFFERED_BYTES) {
      this.socket.send(this.outbox.shift());
    }
    if (this.outbox.length && this.socket) this.draining = setTimeout(() => this.drain(), 20);
  }

  beforePaste(event) {
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (text.length <= LONG_PASTE) return;
    const lines = text.split("\n").length;
    const question = `Paste ${text.length} characters in ${lines} lines into ${this.machine}?`;
    if (window.confirm(question)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  isForTerminal(event) {
    // F6 moves between the parts of the page, so that nobody is caught in the terminal.
    if (event.key === "F6") return false;
    if (event.type !== "keydown" || !event.ctrlKey || !event.shiftKey) return true;
    const act = {
      C: () => this.copy(), F: () => this.find(true), "+": () => this.grow(1), _: () => this.grow(-1),
    }[event.key.toUpperCase()];
    if (event.key.toUpperCase() === "V") return false;
    if (!act) return true;
    event.preventDefault();
    act();
    return false;
  }

  copy() {
    const text = this.term.getSelection();
    if (text) navigator.clipboard?.writeText(text).catch(() => document.execCommand("copy"));
  }

  // --- size ---------------------------------------------------------------------------------
  refit() {
    if (!this.term || !this.screen.clientWidth) return;
    const size = this.fit.proposeDimensions();
    if (!size || !Number.isFinite(size.cols)) return;
    if (size.cols === this.wanted?.cols && size.rows === this.wanted?.rows) return;
    this.wanted = { cols: size.cols, rows: size.rows };
    this.say({ type: "resize", ...this.wanted });
    if (this.state !== "open") this.resizeTo(this.wanted);
  }

  // Every page on a console shows the size the console has, which may be a smaller page's.
  resizeTo({ cols, rows }) {
    if (cols !== this.term.cols || rows !== this.term.rows) this.term.resize(cols, rows);
  }

  grow(by) {
    const size = changeFontSize(by);
    for (const other of consoles) {
      if (other.term) other.term.options.fontSize = size;
      other.refit();
    }
  }

  // --- what stands around the terminal ------------------------------------------------------
  tell(state, message) {
    this.state = state;
    this.element.dataset.state = state;
    if (this.line.textContent !== message) this.line.textContent = message;
    this.element.querySelector("[data-console-retry]").hidden = !["refused", "ended"].includes(state);
    this.element.dispatchEvent(new CustomEvent("muster:console-state", {
      bubbles: true, detail: { machine: this.machine, state, message },
    }));
  }

  find(open) {
    const bar = this.element.querySelector("[data-console-find]");
    bar.hidden = !open;
    if (open) bar.querySelector("input").select();
    else this.search.clearDecorations();
    if (!open) this.term.focus();
  }

  findNext(back) {
    const text = this.element.querySelector("[data-console-find] input").value;
    if (!text) return;
    const found = back ? this.search.findPrevious(text) : this.search.findNext(text);
    this.line.textContent = found ? `Found “${text}”` : `“${text}” is not on this terminal`;
  }

  toggleReader(button) {
    const on = !readerMode();
    setReaderMode(on);
    button.setAttribute("aria-pressed", String(on));
    for (const other of consoles) if (other.term) other.term.options.screenReaderMode = on;
  }

  dispose() {
    clearTimeout(this.retry);
    clearTimeout(this.alive);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
    this.term?.forget();
    this.term?.dispose();
  }
}

function act(live, button) {
  const name = button.dataset.consoleAct;
  if (name === "find") live.find(live.element.querySelector("[data-console-find]").hidden);
  else if (name === "find-next") live.findNext(false);
  else if (name === "find-back") live.findNext(true);
  else if (name === "find-close") live.find(false);
  else if (name === "larger") live.grow(1);
  else if (name === "smaller") live.grow(-1);
  else if (name === "reader") live.toggleReader(button);
  else if (name === "retry") live.connect();
}

// A terminal in a hidden tab has no size, so it is opened when it is first seen.
const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const live = target.live;
    if (!live || !target.clientWidth) continue;
    if (!live.term) live.open();
    else {
      clearTimeout(live.fitting);
      live.fitting = setTimeout(() => live.refit(), 60);
    }
  }
});

function prepare(element) {
  if (element.live) return;
  const live = (element.live = new LiveConsole(element));
  consoles.add(live);
  element.querySelector("[data-console-act=reader]").setAttribute("aria-pressed", String(readerMode()));
  element.addEventListener("click", (event) => {
    const button = event.target.closest("[data-console-act]");
    if (button) act(live, button);
  });
  element.querySelector("[data-console-find]").addEventListener("keydown", (event) => {
    if (event.key === "Enter") live.findNext(event.shiftKey);
    else if (event.key === "Escape") live.find(false);
    else return;
    event.preventDefault();
  });
  sizes.observe(element);
}

function sweep() {
  for (const live of consoles) {
    if (live.element.isConnected) continue;
    live.dispose();
    consoles.delete(live);
  }
  document.querySelectorAll(".terminal[data-console-url]").forEach(prepare);
  const state = document.getElementById("sandbox-panel")?.dataset.state;
  if (state !== sandboxState) for (const live of consoles) live.hurry();
  sandboxState = state;
}

document.addEventListener("htmx:afterSettle", sweep);
document.addEventListener("muster:shown", () => consoles.forEach((live) => live.refit()));
fontsReady().then(sweep);
