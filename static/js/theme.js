// Applies the person's choice of theme before the first paint; loaded blocking in the head.
(function () {
  "use strict";
  const KEY = "muster.theme";
  const TERMINAL_KEY = "muster.console.colours";
  const root = document.documentElement;

  function stored(key) {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  }

  function apply(choice) {
    if (choice === "light" || choice === "dark") root.dataset.theme = choice;
    else delete root.dataset.theme;
  }

  function shown() {
    const chosen = root.dataset.theme;
    if (chosen) return chosen;
    return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }

  function label(button) {
    const dark = shown() === "dark";
    button.setAttribute("aria-pressed", String(dark));
    button.title = dark ? "Switch to the light theme" : "Switch to the dark theme";
  }

  apply(stored(KEY));
  // Terminals follow the page unless somebody chose otherwise.
  const terminal = stored(TERMINAL_KEY);
  if (terminal === "light" || terminal === "dark") root.dataset.terminal = terminal;
  document.addEventListener("DOMContentLoaded", function () {
    for (const button of document.querySelectorAll("[data-theme-toggle]")) {
      label(button);
      button.addEventListener("click", function () {
        const next = shown() === "dark" ? "light" : "dark";
        try {
          localStorage.setItem(KEY, next);
        } catch {
          // Private windows may refuse storage; the choice then lasts for this page.
        }
        apply(next);
        label(button);
        document.dispatchEvent(new CustomEvent("muster:theme", { detail: next }));
      });
    }
  });
})();
