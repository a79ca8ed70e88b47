// The workspace: panes that resize, fold and become tabs.
import { armSplitter, arrowKeys } from "./rove.js";


const KEY = "muster.panes";
const STEP = 24;

function load() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) || {};
  } catch {
    return {};
  }
}

function save(state) {
  try {
    localStorage.setItem(KEY, JSON.stringify(state));
  } catch {
    // Without storage the layout lasts for this page.
  }
}

// A terminal measures itself anew after every change of layout.
function relayout() {
  window.dispatchEvent(new Event("resize"));
}

// --- splitters and folding -----------------------------------------------------------
function setWidth(panes, splitter, state, width) {
  const low = Number(splitter.getAttribute("aria-valuemin"));
  const high = Number(splitter.getAttribute("aria-valuemax"));
  const pixels = Math.round(Math.min(high, Math.max(low, width)));
  panes.style.setProperty(`--${splitter.dataset.splitter}-width`, `${pixels}px`);
  splitter.setAttribute("aria-valuenow", String(pixels));
  state[splitter.dataset.splitter] = pixels;
  relayout();
}

function arm(panes, splitter, state) {
  const name = splitter.dataset.splitter;
  const set = (width) => setWidth(panes, splitter, state, width);
  if (state[name]) set(state[name]);
  armSplitter(splitter, {
    now: () => Number(splitter.getAttribute("aria-valuenow")),
    set,
    done: () => save(state),
    // The tutor's pane grows to the left.
    measure: (pixels) => (name === "brief" ? pixels : -pixels),
    step: STEP,
  });
}

function fold(panes, button, state, folded) {
  const name = button.dataset.fold;
  if (folded) panes.dataset[name] = "folded";
  else delete panes.dataset[name];
  button.setAttribute("aria-expanded", String(!folded));
  state[name + "Folded"] = folded;
  relayout();
}

// --- tabs ------------------------------------------------------------------------------
function select(tabs, tab, show) {
  for (const other of tabs) {
    const chosen = other === tab;
    other.setAttribute("aria-selected", String(chosen));
    if (chosen) other.removeAttribute("tabindex");
    else other.setAttribute("tabindex", "-1");
  }
  show(tab);
  relayout();
}

// --- moving between panes by keyboard ------------------------------------------------------
// F6 moves on and Shift+F6 back, as in other programs with panes; a terminal leaves it alone.
function cycle(panes, back) {
  const stops = [
    panes.querySelector("#brief-body"),
    panes.querySelector(
      "#consoles-panel .console-panel.is-active textarea, #consoles-panel [data-console-tab].is-active",
    ),
    panes.querySelector("#tutor-body"),
  ].filter((stop) => stop && getComputedStyle(stop).visibility === "visible");
  const at = stops.findIndex((stop) => stop.closest(".pane").contains(document.activeElement));
  const next = stops[(at + (back ? stops.length - 1 : 1) + stops.length) % stops.length];
  const name = next.closest(".pane").id.replace("pane-", "");
  const tab = panes.parentElement.querySelector(`[data-pane-tab="${name}"]`);
  if (tab.offsetParent) tab.click();
  next.focus();
}

// An objective may tick itself while its pane is folded, scrolled away or another tab.
const announced = new Set();
function announce() {
  for (const item of document.querySelectorAll(".objective--fresh")) {
    if (announced.has(item.id)) continue;
    announced.add(item.id);
    const title = item.querySelector(".objective__title").textContent;
    window.muster.toast(`Objective met: ${title}`, "success");
  }
}

document.addEventListener("DOMContentLoaded", function () {
  const panes = document.querySelector("[data-panes]");
  if (!panes) return;
  const state = load();
  for (const splitter of panes.querySelectorAll("[data-splitter]")) arm(panes, splitter, state);
  for (const button of panes.querySelectorAll("[data-fold]")) {
    if (state[button.dataset.fold + "Folded"]) fold(panes, button, state, true);
    button.addEventListener("click", function () {
      fold(panes, button, state, button.getAttribute("aria-expanded") === "true");
      save(state);
    });
  }
  const paneTabs = Array.from(document.querySelectorAll("[data-pane-tab]"));
  const choosePane = (tab) =>
    select(paneTabs, tab, () => (panes.dataset.shown = tab.dataset.paneTab));
  for (const tab of paneTabs) tab.addEventListener("click", () => choosePane(tab));
  document.addEventListener("keydown", function (event) {
    if (event.key === "F6") {
      event.preventDefault();
      cycle(panes, event.shiftKey);
    } else if (event.target.matches?.("[data-pane-tab]")) arrowKeys(event, paneTabs, choosePane);
  }, true);
  document.addEventListener("htmx:afterSettle", relayout);
  document.addEventListener("htmx:afterSettle", announce);
  // A long story is read once; whether it is open is remembered like the panes.
  const story = document.querySelector("[data-story]");
  if (state.storyClosed) story.open = false;
  story.addEventListener("toggle", function () {
    state.storyClosed = !story.open;
    save(state);
  });
});
