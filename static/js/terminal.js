// What the live console and the replay share: xterm.js under a strict content policy, its
// colours from our tokens, and every sequence that could reach beyond the terminal made inert.
import { Terminal } from "../vendor/@xterm/xterm/lib/xterm.mjs";
import { Unicode11Addon } from "../vendor/@xterm/addon-unicode11/lib/addon-unicode11.mjs";
import { ask } from "./console/ask.js";

const FONT_KEY = "muster.console.font-size";
const READER_KEY = "muster.console.reader";
// Also read by theme.js, before the first paint.
const COLOURS_KEY = "muster.console.colours";
// Clears a terminal; a reset alone leaves a hidden cursor hidden.
export const CLEARED = "\x1bc\x1b[?25h";
// No screen has more lines or columns; what is to be done more often would only stop the page.
const MOST_TIMES = 500;
const SMALLEST = 9;
const LARGEST = 28;

// xterm.js writes its rules into <style> elements, which our policy refuses even while they are
// empty. It lets us name the document it makes elements with; ours makes an inert element instead,
// whose rules go through the CSS object model, which the policy allows.
function rulesElement() {
  const element = createElement("template");
  const sheet = new CSSStyleSheet();
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  let text = "";
  Object.defineProperty(element, "textContent", {
    get: () => text,
    set: (value) => sheet.replaceSync((text = value)),
  });
  element.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((other) => other !== sheet);
    Element.prototype.remove.call(element);
  };
  return element;
}

function createElement(tag, options) {
  const make = Document.prototype.createElement;
  return tag === "style" ? rulesElement() : make.call(document, tag, options);
}

// The scrollbar of a terminal asks the global document, but only while the terminal is opened.
export function openTerminal(term, element) {
  document.createElement = createElement;
  try {
    term.open(element);
  } finally {
    delete document.createElement;
  }
}

// It also sets true colours as style attributes of cells, with the global document's elements.
HTMLSpanElement.prototype.setAttribute = function (name, value) {
  if (name === "style") this.style.cssText = value;
  else Element.prototype.setAttribute.call(this, name, value);
};

const strictDocument = new Proxy(document, {
  get(target, name) {
    if (name === "createElement") return createElement;
    const value = Reflect.get(target, name, target);
    return typeof value === "function" ? value.bind(target) : value;
  },
  set: (target, name, value) => Reflect.set(target, name, value, target),
});

// Programs choose these sixteen themselves; each is readable on its background.
const ANSI = {
  dark: {
    black: "#3b4654", red: "#ff8f87", green: "#6fd79d", yellow: "#f0c674",
    blue: "#7fbdf0", magenta: "#c9a6f5", cyan: "#6fd3d6", white: "#dbe3ec",
    brightBlack: "#8795a5", brightRed: "#ffb3ad", brightGreen: "#98e8bb", brightYellow: "#ffdf9e",
    brightBlue: "#a9d5f9", brightMagenta: "#dfc8ff", brightCyan: "#9fe8ea", brightWhite: "#ffffff",
    selectionBackground: "#2f5d80",
  },
  light: {
    black: "#1d2733", red: "#b3261e", green: "#17734a", yellow: "#7a5200",
    blue: "#0d5c96", magenta: "#7a3fa0", cyan: "#0b6b74", white: "#5b6776",
    brightBlack: "#5f6b7a", brightRed: "#c4372d", brightGreen: "#1c7d51", brightYellow: "#855c00",
    brightBlue: "#1767a8", brightMagenta: "#8848b3", brightCyan: "#0f737d", brightWhite: "#39434f",
    selectionBackground: "#b9d9ef",
  },
};
const CHOICES = ["theme", "light", "dark"];
const CHOICE_WORDS = { theme: "as the page", light: "light", dark: "dark" };
const darkTheme = matchMedia("(prefers-color-scheme: dark)");

function scheme() {
  const root = document.documentElement.dataset;
  return root.terminal ?? root.theme ?? (darkTheme.matches ? "dark" : "light");
}

function theme() {
  const style = getComputedStyle(document.documentElement);
  const name = scheme();
  const token = (property) => {
    const both = /light-dark\(\s*([^,]+),\s*([^)]+)\)/.exec(style.getPropertyValue(property));
    return both[name === "light" ? 1 : 2].trim();
  };
  const text = token("--terminal-text");
  return { ...ANSI[name], background: token("--terminal"), foreground: text, cursor: text };
}

// Goes on to the next choice of colours and says which it is.
export function nextColours() {
  const root = document.documentElement.dataset;
  const at = CHOICES.indexOf(root.terminal ?? "theme");
  const next = CHOICES[(at + 1) % CHOICES.length];
  if (next === "theme") delete root.terminal;
  else root.terminal = next;
  store(COLOURS_KEY, next);
  document.dispatchEvent(new CustomEvent("muster:theme", { detail: scheme() }));
  return CHOICE_WORDS[next];
}

export function stored(key, fallback) {
  try {
    return localStorage.getItem(key) ?? fallback;
  } catch {
    return fallback;
  }
}

export function store(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Private windows may have no storage; the choice then lasts as long as the page.
  }
}

async function openLink(_event, address) {
  let target;
  try {
    target = new URL(address);
  } catch {
    return;
  }
  if (target.protocol !== "http:" && target.protocol !== "https:") return;
  const sure = await ask({
    title: "Open this link?",
    text: "A program in this terminal offers it. It opens in a new tab.",
    sample: target.href,
    yes: "Open it",
    no: "Do not open it",
  });
  if (sure) window.open(target.href, "_blank", "noopener,noreferrer");
}

// A program may ask the terminal to write the clipboard, rename the window or answer by typing.
// Clipboard and titles never; answers only where `answers()` says that this page gives them.
function tame(term, answers) {
  const swallow = () => true;
  for (const code of [0, 1, 2, 7, 9, 50, 51, 52, 99, 633, 777, 1337]) {
    term.parser.registerOscHandler(code, swallow);
  }
  const asked = () => !answers();
  for (const prefix of ["", "?", ">", "="]) {
    for (const final of ["c", "n"]) {
      // DECSTR and the like share finals with other intermediates; these ask.
      term.parser.registerCsiHandler(prefix ? { prefix, final } : { final }, asked);
    }
  }
  term.parser.registerCsiHandler({ intermediates: "$", final: "p" }, asked);
  term.parser.registerCsiHandler({ prefix: "?", intermediates: "$", final: "p" }, asked);
  term.parser.registerCsiHandler({ prefix: ">", final: "q" }, asked);
  term.parser.registerCsiHandler({ final: "t" }, swallow);
  for (const final of "@ILMPSTXZb") {
    term.parser.registerCsiHandler({ final }, ([times]) => times > MOST_TIMES);
  }
  term.parser.registerDcsHandler({ intermediates: "$", final: "q" }, asked);
  term.parser.registerDcsHandler({ intermediates: "+", final: "q" }, swallow);
  for (const code of [4, 10, 11, 12]) {
    term.parser.registerOscHandler(code, (data) => data.includes("?") && !answers());
  }
}

export function fontSize() {
  const size = Number(stored(FONT_KEY, "14"));
  return size >= SMALLEST && size <= LARGEST ? size : 14;
}

export function changeFontSize(by) {
  const size = Math.min(LARGEST, Math.max(SMALLEST, fontSize() + by));
  store(FONT_KEY, String(size));
  return size;
}

export function readerMode() {
  return stored(READER_KEY, "no") === "yes";
}

export function setReaderMode(on) {
  store(READER_KEY, on ? "yes" : "no");
}

// Font files come with the page; a terminal measured before they are there would never line up.
export async function fontsReady() {
  const family = getComputedStyle(document.documentElement).getPropertyValue("--font-mono");
  try {
    await document.fonts.load(`14px ${family.split(",")[0]}`);
  } catch {
    // The next face of the family serves.
  }
}

export function makeTerminal(options, answers = () => false) {
  const style = getComputedStyle(document.documentElement);
  const term = new Terminal({
    allowProposedApi: true,
    cursorBlink: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    documentOverride: strictDocument,
    fontFamily: style.getPropertyValue("--font-mono").trim() || "monospace",
    fontSize: fontSize(),
    linkHandler: { activate: openLink, allowNonHttpProtocols: false },
    macOptionIsMeta: true,
    minimumContrastRatio: 4.5,
    screenReaderMode: readerMode(),
    scrollback: 5000,
    theme: theme(),
    ...options,
  });
  term.loadAddon(new Unicode11Addon());
  term.unicode.activeVersion = "11";
  tame(term, answers);
  const repaint = () => (term.options.theme = theme());
  document.addEventListener("muster:theme", repaint);
  darkTheme.addEventListener("change", repaint);
  term.forget = () => {
    document.removeEventListener("muster:theme", repaint);
    darkTheme.removeEventListener("change", repaint);
  };
  return term;
}

export { openLink };
