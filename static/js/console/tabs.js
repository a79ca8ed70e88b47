// The tabs above the terminals: which one or two panels are shown, side by side or one above the
// other, and how tabs come and go. A panel may hold something else than a terminal.
import { armSplitter, arrowKeys } from "../rove.js";
import { store, stored } from "../terminal.js";
import { ask } from "./ask.js";

const KEY = "muster.consoles";
const STEP = 5;
const WHOLE = { split: "", share: 50, shown: [], active: 0 };

let layout = { ...WHOLE };
let known = new Set();
let splitNext = "";
const closing = new Set();

const area = () => document.getElementById("consoles-panel");
const panels = () => document.getElementById("console-panels");
const tabs = () => Array.from(document.querySelectorAll("[data-console-tab]"));
const panelOf = (tab) => document.getElementById(tab.getAttribute("aria-controls"));
const tabOf = (id) => tabs().find((tab) => tab.id === id);
const activeTab = () => tabOf(layout.shown[layout.active]);
const liveOf = (tab) => tab && panelOf(tab).querySelector("[data-console-url]")?.live;

export const activeLive = () => liveOf(activeTab());

// --- what is remembered ---------------------------------------------------------------------
function restore() {
  layout = { ...WHOLE };
  try {
    const saved = JSON.parse(stored(KEY, "{}"));
    if (saved.attempt === area().dataset.attempt) layout = { ...WHOLE, ...saved };
  } catch {
    // Something else than a layout lies there: every page starts with one terminal then.
  }
  known = new Set(tabs().map((tab) => tab.id));
}

function save() {
  store(KEY, JSON.stringify({ ...layout, attempt: area().dataset.attempt }));
}

// --- drawing --------------------------------------------------------------------------------
function draw() {
  const all = tabs();
  layout.shown = layout.shown.filter((id) => tabOf(id));
  if (!layout.shown.length) layout.shown = [all[0].id];
  if (layout.shown.length < 2) layout.split = "";
  layout.active = Math.min(layout.active, layout.shown.length - 1);
  for (const tab of all) drawTab(tab);
  document.getElementById("console-tabs").setAttribute("aria-multiselectable", String(!!layout.split));
  const splitter = document.getElementById("console-splitter");
  splitter.hidden = !layout.split;
  splitter.setAttribute("aria-orientation", layout.split === "down" ? "horizontal" : "vertical");
  panels().dataset.split = layout.split;
  setShare(layout.share);
  for (const act of ["right", "down"]) {
    for (const button of document.querySelectorAll(`[data-console-act=split-${act}]`)) {
      button.setAttribute("aria-pressed", String(layout.split === act));
    }
  }
  drawTools();
}

function drawTab(tab) {
  const slot = layout.shown.indexOf(tab.id);
  const panel = panelOf(tab);
  const isActive = slot === layout.active;
  const comes = panel.hidden && slot >= 0;
  panel.hidden = slot < 0;
  panel.dataset.slot = slot;
  panel.classList.toggle("is-active", isActive);
  tab.classList.toggle("is-active", isActive);
  tab.setAttribute("aria-selected", String(slot >= 0));
  if (isActive) tab.removeAttribute("tabindex");
  else tab.setAttribute("tabindex", "-1");
  if (comes) panel.dispatchEvent(new CustomEvent("muster:shown", { bubbles: true }));
}

// What the tools act on is the active tab.
function drawTools() {
  const tab = activeTab();
  const machine = tab.dataset.machine || tabs()[0].dataset.machine;
  const form = document.getElementById("open-console");
  if (form) {
    form.elements.machine.value = machine;
    const words = `New terminal on ${machine}`;
    form.querySelector("button").setAttribute("aria-label", words);
  }
  for (const button of document.querySelectorAll("[data-console-act=close]")) {
    button.disabled = !tab.dataset.closable;
  }
  tab.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function setShare(share) {
  const splitter = document.getElementById("console-splitter");
  layout.share = Math.min(80, Math.max(20, Math.round(share)));
  panels().style.setProperty("--share", layout.share);
  splitter.setAttribute("aria-valuenow", String(layout.share));
  splitter.setAttribute("aria-valuetext", `${layout.share} % for the first`);
}

// --- choosing -------------------------------------------------------------------------------
function choose(tab) {
  const slot = layout.shown.indexOf(tab.id);
  if (slot >= 0) layout.active = slot;
  else layout.shown[layout.active] = tab.id;
  draw();
  save();
}

// A touch screen would bring its keyboard along with the focus.
function enter(tab) {
  choose(tab);
  if (!matchMedia("(pointer: coarse)").matches) liveOf(tab)?.focus();
}

export function step(by) {
  const all = tabs();
  const at = all.indexOf(activeTab());
  enter(all[(at + by + all.length) % all.length]);
}

// Beside the active tab comes the next one that is not shown; where there is none, a new terminal.
export function split(direction) {
  if (layout.split === direction) {
    layout.shown = [layout.shown[layout.active]];
    layout.split = "";
  } else if (layout.split) layout.split = direction;
  else {
    const all = tabs();
    const at = all.indexOf(activeTab());
    const other = [...all.slice(at + 1), ...all.slice(0, at)][0];
    if (!other) {
      splitNext = direction;
      openConsole();
      return;
    }
    layout.shown.push(other.id);
    layout.split = direction;
  }
  draw();
  save();
}

// --- coming and going -----------------------------------------------------------------------
export function openConsole() {
  document.getElementById("open-console")?.requestSubmit();
}

export async function closeConsole(tab = activeTab()) {
  if (!tab?.dataset.closable) {
    window.muster.toast("The first terminal of a machine stays open.", "info");
    return;
  }
  const name = tab.dataset.label;
  const sure = liveOf(tab)?.idle || (await ask({
    title: `Close ${name}?`,
    text: "Its shell ends, with whatever runs in it. Its recording is kept.",
    yes: `Close ${name}`,
    no: "Keep it",
  }));
  if (!sure) return;
  const form = document.getElementById("close-console");
  form.elements.machine.value = tab.dataset.machine;
  form.elements.console.value = tab.dataset.console;
  closing.add(tab.id);
  form.requestSubmit();
}

function remove(tab) {
  const all = tabs();
  const had = panelOf(tab).contains(document.activeElement) || tab === document.activeElement;
  const next = all[all.indexOf(tab) - 1] ?? all[all.indexOf(tab) + 1];
  const slot = layout.shown.indexOf(tab.id);
  panelOf(tab).remove();
  tab.remove();
  if (slot >= 0) layout.shown.splice(slot, 1);
  if (!layout.shown.length) layout.shown = [next.id];
  known.delete(tab.id);
  closing.delete(tab.id);
  draw();
  save();
  document.dispatchEvent(new Event("muster:consoles-changed"));
  if (had) enter(activeTab());
}

// Opened elsewhere, perhaps: it takes neither place nor keys from what is at work here.
function arrived(tab) {
  known.add(tab.id);
  draw();
  document.querySelector("[data-console-said]").textContent = `${tab.dataset.label} was opened.`;
}

function openedHere(tab) {
  if (splitNext) {
    layout.shown = [layout.shown[layout.active], tab.id];
    layout.split = splitNext;
    layout.active = 1;
  }
  splitNext = "";
  enter(tab);
}

function closedElsewhere(tab) {
  if (!tab?.dataset.closable || closing.has(tab.id)) return;
  window.muster.toast(`${tab.dataset.label} was closed.`, "info");
  remove(tab);
}

// What is opened here comes twice: with the answer, and with the news of it.
export function dropTwins() {
  for (const tab of tabs().filter((each) => tabOf(each.id) !== each)) {
    const panel = `#console-panels > #${CSS.escape(tab.getAttribute("aria-controls"))}`;
    Array.from(document.querySelectorAll(panel)).at(-1).remove();
    tab.remove();
  }
}

// --- the page -------------------------------------------------------------------------------
export function followTabs() {
  const strip = document.getElementById("console-tabs");
  if (!strip) return;
  if (!strip.dataset.ready) {
    strip.dataset.ready = "yes";
    restore();
    armSplitter(document.getElementById("console-splitter"), {
      now: () => layout.share,
      set: setShare,
      done: save,
      axis: () => (layout.split === "down" ? "y" : "x"),
      measure: (pixels) => (100 * pixels) / sideLength(),
      step: STEP,
    });
    draw();
  }
  tabs().filter((tab) => !known.has(tab.id)).forEach(arrived);
}

function sideLength() {
  return layout.split === "down" ? panels().clientHeight : panels().clientWidth;
}

document.addEventListener("click", function (event) {
  const tab = event.target.closest("[data-console-tab]");
  if (tab && event.target.closest("[data-tab-close]")) closeConsole(tab);
  else if (tab) enter(tab);
});
document.addEventListener("keydown", function (event) {
  const tab = event.target.closest?.("[data-console-tab]");
  if (tab && event.key === "Delete") closeConsole(tab);
  else if (tab) arrowKeys(event, tabs(), choose);
});
document.addEventListener("focusin", function (event) {
  const slot = Number(event.target.closest?.("#console-panels [role=tabpanel]")?.dataset.slot ?? -1);
  if (slot < 0 || slot === layout.active) return;
  layout.active = slot;
  draw();
  save();
});
document.addEventListener("htmx:afterRequest", function (event) {
  const { elt, successful, requestConfig } = event.detail;
  if (elt.id === "open-console" && !successful) splitNext = "";
  if (elt.id !== "close-console") return;
  const { machine, console } = requestConfig.parameters;
  const tab = tabOf(`console-tab-${machine}-${console}`);
  if (tab && successful) remove(tab);
  else if (tab) closing.delete(tab.id);
});
// In another window of the same person, or by somebody else.
document.addEventListener("console-opened", function (event) {
  openedHere(tabOf(`console-tab-${event.detail.value}`));
});
document.addEventListener("consoles-gone", function (event) {
  for (const key of event.detail.value) closedElsewhere(tabOf(`console-tab-${key}`));
});
document.addEventListener("muster:console-state", function (event) {
  if (event.detail.state !== "closed") return;
  closedElsewhere(tabs().find((each) => panelOf(each).contains(event.target)));
});
