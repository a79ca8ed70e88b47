// Finds the page's terminals: each is opened when it is first seen, and let go with its element.
import { fontsReady, readerMode } from "./terminal.js";
import "./console/acts.js";
import { LiveConsole, consoles } from "./console/live.js";
import { dropTwins, followTabs } from "./console/tabs.js";

let sandboxState;

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
  element.live = new LiveConsole(element);
  for (const button of document.querySelectorAll("[data-console-act=reader]")) {
    button.setAttribute("aria-pressed", String(readerMode()));
  }
  sizes.observe(element);
}

function sweep() {
  for (const live of consoles) if (!live.element.isConnected) live.dispose();
  dropTwins();
  document.querySelectorAll(".terminal[data-console-url]").forEach(prepare);
  followTabs();
  const state = document.getElementById("sandbox-panel")?.dataset.state;
  if (state !== sandboxState) for (const live of consoles) live.hurry();
  sandboxState = state;
}

document.addEventListener("htmx:afterSettle", sweep);
document.addEventListener("muster:consoles-changed", sweep);
document.addEventListener("muster:shown", () => consoles.forEach((live) => live.refit()));
fontsReady().then(sweep);
