// One terminal of the page: what is typed, pasted and shown in it, its size and what stands around it.
import { FitAddon } from "../../vendor/@xterm/addon-fit/lib/addon-fit.mjs";
import { SearchAddon } from "../../vendor/@xterm/addon-search/lib/addon-search.mjs";
import { WebLinksAddon } from "../../vendor/@xterm/addon-web-links/lib/addon-web-links.mjs";
import {
  changeFontSize, makeTerminal, openLink, openTerminal, readerMode, setReaderMode,
} from "../terminal.js";
import { beforePaste } from "./ask.js";
import { TerminalLine } from "./line.js";

const encoder = new TextEncoder();
export const consoles = new Set();

export class LiveConsole {
  constructor(element) {
    this.element = element;
    this.screen = element.querySelector("[data-console-screen]");
    this.status = element.querySelector("[data-console-state]");
    this.machine = element.dataset.machine;
    this.label = element.dataset.label ?? this.machine;
    this.answers = true;
    this.mark = "";
    this.holdsCtrl = false;
    this.wantsFocus = false;
    this.line = new TerminalLine(element.dataset.consoleUrl, this, { counted: true });
    consoles.add(this);
  }

  get socket() {
    return this.line.socket;
  }

  get state() {
    return this.line.state;
  }

  // Whether the shell said last that it waits for a command; without its marks nobody knows.
  get idle() {
    return this.state === "ended" || (this.mark !== "" && this.mark !== "C");
  }

  // Whether an editor or another program has the whole screen, and with it every key.
  get full() {
    return this.term?.buffer.active.type === "alternate";
  }

  open() {
    const term = (this.term = makeTerminal({}, () => this.answers));
    this.fit = new FitAddon();
    this.search = new SearchAddon();
    for (const addon of [this.fit, this.search, new WebLinksAddon(openLink)]) term.loadAddon(addon);
    openTerminal(term, this.screen);
    term.textarea.setAttribute(
      "aria-label", `Terminal on ${this.label}. F6 leaves it for the next part of the page.`);
    this.useGraphics();
    // F6 moves between the parts of the page, so that nobody is caught in the terminal.
    term.attachCustomKeyEventHandler((event) => event.key !== "F6" && !isPaste(event));
    term.onData((data) => this.typed(data));
    term.onBinary((data) => this.line.send(Uint8Array.from(data, (c) => c.charCodeAt(0))));
    term.parser.registerOscHandler(133, (data) => {
      this.mark = data[0];
      return false;
    });
    term.onSelectionChange(() => this.element.dispatchEvent(
      new CustomEvent("muster:marked", { bubbles: true, detail: term.hasSelection() })));
    this.screen.addEventListener("paste", (event) => beforePaste(event, term, this.label), true);
    this.fit.fit();
    this.line.connect();
    if (this.wantsFocus) this.focus();
  }

  // Drawing on the graphics card is fastest; where there is none, or it is lost, elements serve.
  async useGraphics() {
    if (this.element.dataset.renderer === "dom") return;
    try {
      const { WebglAddon } = await import("../../vendor/@xterm/addon-webgl/lib/addon-webgl.mjs");
      const webgl = new WebglAddon();
      webgl.onContextLoss(() => webgl.dispose());
      this.term.loadAddon(webgl);
    } catch {
      // The terminal already draws with elements.
    }
  }

  focus() {
    this.wantsFocus = !this.term;
    this.term?.focus();
  }

  connect() {
    this.line.connect();
  }

  hurry() {
    this.line.hurry();
  }

  // --- what the connection brings -----------------------------------------------------------
  size() {
    const { cols, rows } = this.wanted ?? this.term;
    return { cols, rows };
  }

  control(message) {
    if (message.type === "notice") {
      this.tell(this.state, message.text);
      return;
    }
    // Who else is at the console, and what they write, stands beside it: company.js.
    this.element.dispatchEvent(
      new CustomEvent("muster:console-control", { bubbles: true, detail: message }));
  }

  tell(state, message) {
    this.element.dataset.state = state;
    if (this.status.textContent !== message) this.status.textContent = message;
    this.element.querySelector("[data-console-retry]").hidden = !["refused", "ended"].includes(state);
    this.element.dispatchEvent(new CustomEvent("muster:console-state", {
      bubbles: true, detail: { machine: this.machine, state, message },
    }));
  }

  // --- typing -------------------------------------------------------------------------------
  typed(data) {
    if (this.state === "ended") {
      if (data[0] === "\r") this.connect();
      return;
    }
    this.line.send(encoder.encode(this.withCtrl(data)));
  }

  // A touch screen has no Ctrl to hold: its button holds it for one key.
  withCtrl(data) {
    if (!this.holdsCtrl || data.length !== 1) return data;
    this.holdCtrl(false);
    return /[@-_a-z]/.test(data) ? String.fromCharCode(data.toUpperCase().charCodeAt(0) & 31) : data;
  }

  holdCtrl(on) {
    this.holdsCtrl = on;
    this.element.querySelector("[data-console-key=ctrl]")?.setAttribute("aria-pressed", String(on));
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
    this.line.say({ type: "resize", ...this.wanted });
    // While it is open the console's size counts, which may be that of a smaller page.
    if (this.state !== "open") this.line.resize(this.wanted);
  }

  // --- looking for text -----------------------------------------------------------------------
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
    this.status.textContent = found ? `Found “${text}”` : `“${text}” is not on this terminal`;
  }

  dispose() {
    consoles.delete(this);
    this.line.close();
    this.term?.forget();
    this.term?.dispose();
  }
}

function isPaste(event) {
  return event.type === "keydown" && event.ctrlKey && event.shiftKey && event.key.toUpperCase() === "V";
}

// --- choices that hold for every terminal of the page -----------------------------------------
export function growAll(by) {
  const size = changeFontSize(by);
  for (const live of consoles) {
    if (live.term) live.term.options.fontSize = size;
    live.refit();
  }
}

export function toggleReader() {
  const on = !readerMode();
  setReaderMode(on);
  for (const button of document.querySelectorAll("[data-console-act=reader]")) {
    button.setAttribute("aria-pressed", String(on));
  }
  for (const live of consoles) if (live.term) live.term.options.screenReaderMode = on;
  return on;
}
