// Lets the terminals have the whole screen; where the browser refuses, the whole page.
const pane = () => document.getElementById("pane-consoles");
const others = () =>
  document.querySelectorAll(".workspace__bar, .pane-tabs, .pane:not(#pane-consoles), .panes > .splitter");

export const isFull = () => !!pane()?.classList.contains("is-full");

function set(on) {
  pane().classList.toggle("is-full", on);
  // What is covered is out of reach for keys and readers too.
  for (const other of others()) other.inert = on;
  for (const button of document.querySelectorAll("[data-console-act=full]")) {
    button.setAttribute("aria-pressed", String(on));
  }
  const said = document.querySelector("[data-console-said]");
  if (said) said.textContent = on ? "Full screen. Ctrl+Shift+Enter or Escape leaves it." : "Full screen left.";
  window.dispatchEvent(new Event("resize"));
}

export async function enterFull() {
  set(true);
  try {
    // The whole document, so that dialogs and messages are seen as well.
    await document.documentElement.requestFullscreen();
    // An editor needs Escape; holding it still leaves, as the browser says.
    await navigator.keyboard?.lock?.(["Escape"]);
  } catch {
    // The page is covered instead.
  }
}

export function leaveFull() {
  if (!isFull()) return;
  set(false);
  navigator.keyboard?.unlock?.();
  if (document.fullscreenElement) document.exitFullscreen().catch(() => {});
}

export function toggleFull() {
  if (isFull()) leaveFull();
  else enterFull();
}

document.addEventListener("fullscreenchange", function () {
  if (!document.fullscreenElement) leaveFull();
});
