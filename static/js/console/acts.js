// What can be done to terminals, by button and by key. Shells use neither Ctrl+Shift with a letter
// nor with Enter or the arrows to the sides.
import { nextColours } from "../terminal.js";
import { askAbout } from "../tutor.js";
import { isFull, leaveFull, toggleFull } from "./full.js";
import { growAll, toggleReader } from "./live.js";
import { activeLive, closeConsole, openConsole, split, step } from "./tabs.js";

// Each takes the terminal it was asked for on, or the active one.
const ACTS = {
  copy: (live) => live?.copy(),
  find: (live) => live?.find(live.element.querySelector("[data-console-find]").hidden),
  "find-next": (live) => live.findNext(false),
  "find-back": (live) => live.findNext(true),
  "find-close": (live) => live.find(false),
  larger: () => growAll(1),
  smaller: () => growAll(-1),
  reader: () => say(toggleReader() ? "Output is read aloud." : "Output is not read aloud."),
  colours: () => say(`Colours of terminals: ${nextColours()}.`),
  retry: (live) => live.connect(),
  open: () => openConsole(),
  close: () => closeConsole(),
  next: () => step(1),
  previous: () => step(-1),
  "split-right": () => split("right"),
  "split-down": () => split("down"),
  full: () => toggleFull(),
  "ask-tutor": (live) => askAbout(live),
  help: () => document.getElementById("keys-dialog")?.showModal(),
};

const KEYS = {
  C: "copy",
  F: "find",
  "+": "larger",
  _: "smaller",
  S: "reader",
  D: "colours",
  A: "open",
  X: "close",
  ARROWRIGHT: "next",
  ARROWLEFT: "previous",
  E: "split-right",
  O: "split-down",
  ENTER: "full",
  L: "ask-tutor",
  H: "help",
};

// What the keys of a touch screen's row type; arrows depend on what the program asked for.
const TYPED = { escape: "\x1b", tab: "\t", pipe: "|", tilde: "~", slash: "/", minus: "-" };
const ARROWS = { up: "A", down: "B", right: "C", left: "D" };

function say(text) {
  const said = document.querySelector("[data-console-said]");
  if (said) said.textContent = text;
}

function type(live, name) {
  if (name === "ctrl") return live.holdCtrl(!live.holdsCtrl);
  const lead = live.term.modes.applicationCursorKeysMode ? "\x1bO" : "\x1b[";
  live.term.input(TYPED[name] ?? lead + ARROWS[name]);
}

function liveAround(element) {
  return element.closest("[data-console-url]")?.live ?? activeLive();
}

document.addEventListener("click", function (event) {
  const button = event.target.closest("[data-console-act], [data-console-key]");
  if (!button) return;
  const live = liveAround(button);
  // A menu closes by a choice: what is focused must not vanish with it.
  button.closest("details.menu")?.querySelector("summary").focus();
  if (button.dataset.consoleKey) type(live, button.dataset.consoleKey);
  else ACTS[button.dataset.consoleAct](live);
});

// A key of the row must not take the focus, or the touch screen's keyboard would go away.
document.addEventListener("pointerdown", function (event) {
  if (event.target.closest("[data-console-key]")) event.preventDefault();
});

document.addEventListener("keydown", function (event) {
  const here = event.target.closest?.("[data-console-url], #pane-consoles");
  if (!here) return;
  const live = liveAround(event.target);
  if (event.key === "F6") leaveFull();
  if (event.key === "Escape" && isFull() && !live?.full && !event.target.closest("[data-console-find], .menu[open]")) {
    leaveFull();
  } else if (event.ctrlKey && event.shiftKey && KEYS[event.key.toUpperCase()]) {
    ACTS[KEYS[event.key.toUpperCase()]](live);
  } else return;
  event.preventDefault();
  event.stopPropagation();
}, true);

document.addEventListener("keydown", function (event) {
  const bar = event.target.closest?.("[data-console-find]");
  if (!bar) return;
  const live = bar.closest("[data-console-url]").live;
  if (event.key === "Enter") live.findNext(event.shiftKey);
  else if (event.key === "Escape") live.find(false);
  else return;
  event.preventDefault();
});
