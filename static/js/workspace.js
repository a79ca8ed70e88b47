// The workspace: panes that resize, fold and become tabs; one terminal tab a machine.
(function () {
  "use strict";
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

  function armSplitter(panes, splitter, state) {
    const name = splitter.dataset.splitter;
    const direction = name === "brief" ? 1 : -1;
    const now = () => Number(splitter.getAttribute("aria-valuenow"));
    if (state[name]) setWidth(panes, splitter, state, state[name]);
    splitter.addEventListener("pointerdown", function (down) {
      const start = now();
      splitter.setPointerCapture(down.pointerId);
      splitter.classList.add("is-dragging");
      const move = (event) =>
        setWidth(panes, splitter, state, start + direction * (event.clientX - down.clientX));
      const stop = function () {
        splitter.classList.remove("is-dragging");
        splitter.removeEventListener("pointermove", move);
        save(state);
      };
      splitter.addEventListener("pointermove", move);
      splitter.addEventListener("pointerup", stop, { once: true });
      splitter.addEventListener("pointercancel", stop, { once: true });
    });
    splitter.addEventListener("keydown", function (event) {
      const grow = { ArrowRight: direction, ArrowLeft: -direction }[event.key];
      const ends = { Home: "aria-valuemin", End: "aria-valuemax" }[event.key];
      if (grow) setWidth(panes, splitter, state, now() + grow * STEP);
      else if (ends) setWidth(panes, splitter, state, Number(splitter.getAttribute(ends)));
      else return;
      event.preventDefault();
      save(state);
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

  function arrowKeys(event, tabs, choose) {
    const at = tabs.indexOf(event.target);
    const last = tabs.length - 1;
    const next = {
      ArrowRight: at === last ? 0 : at + 1,
      ArrowLeft: at === 0 ? last : at - 1,
      Home: 0,
      End: last,
    }[event.key];
    if (at < 0 || next === undefined) return;
    event.preventDefault();
    tabs[next].focus();
    choose(tabs[next]);
  }

  function consoleTabs() {
    return Array.from(document.querySelectorAll("[data-console-tab]"));
  }

  function showConsole(tab) {
    for (const other of consoleTabs()) {
      const panel = document.getElementById(other.getAttribute("aria-controls"));
      panel.hidden = other !== tab;
      if (!panel.hidden) panel.dispatchEvent(new CustomEvent("muster:shown", { bubbles: true }));
    }
  }

  function chooseConsole(tab) {
    select(consoleTabs(), tab, showConsole);
  }

  // --- moving between panes by keyboard ------------------------------------------------------
  // F6 moves on and Shift+F6 back, as in other programs with panes; a terminal leaves it alone.
  function cycle(panes, back) {
    const stops = [
      panes.querySelector("#brief-body"),
      panes.querySelector("#consoles-panel .console-panel:not([hidden]) textarea, #consoles-panel [data-console-tab]"),
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
    for (const splitter of panes.querySelectorAll("[data-splitter]")) armSplitter(panes, splitter, state);
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
    document.addEventListener("click", function (event) {
      const tab = event.target.closest("[data-console-tab]");
      if (tab) chooseConsole(tab);
    });
    document.addEventListener("keydown", function (event) {
      if (event.key === "F6") {
        event.preventDefault();
        cycle(panes, event.shiftKey);
      } else if (event.target.matches?.("[data-pane-tab]")) arrowKeys(event, paneTabs, choosePane);
      else if (event.target.matches?.("[data-console-tab]")) arrowKeys(event, consoleTabs(), chooseConsole);
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
})();
