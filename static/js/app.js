// Behaviour every page shares: relative times, clocks, dialogs, menus, toasts.
(function () {
  "use strict";

  // --- times -------------------------------------------------------------------------
  const UNITS = [
    ["year", 31536000],
    ["month", 2592000],
    ["day", 86400],
    ["hour", 3600],
    ["minute", 60],
  ];
  const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

  // For whoever chose no time zone here: their browser's, named.
  const local = new Intl.DateTimeFormat("en-GB", {
    weekday: "short",
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    timeZoneName: "short",
  });

  function ago(seconds) {
    for (const [unit, size] of UNITS) {
      if (Math.abs(seconds) >= size) return relative.format(Math.round(seconds / size), unit);
    }
    return "just now";
  }

  function clockText(seconds) {
    const left = Math.max(0, Math.round(seconds));
    const hours = Math.floor(left / 3600);
    const minutes = String(Math.floor((left % 3600) / 60)).padStart(hours ? 2 : 1, "0");
    const rest = String(left % 60).padStart(2, "0");
    return hours ? `${hours}:${minutes}:${rest}` : `${minutes}:${rest}`;
  }

  function refreshTimes() {
    const now = Date.now();
    for (const time of document.querySelectorAll("time[data-relative]")) {
      const at = new Date(time.dateTime);
      time.title = exact.format(at);
      time.textContent = ago((at - now) / 1000);
    }
    for (const time of document.querySelectorAll("time[data-local]")) {
      time.textContent = local.format(new Date(time.dateTime));
      delete time.dataset.local;
    }
    for (const time of document.querySelectorAll("time[data-countdown]")) {
      const left = (new Date(time.dateTime) - now) / 1000;
      time.title = "Until " + exact.format(new Date(time.dateTime));
      time.textContent = clockText(left);
      time.closest("[data-clock]")?.classList.toggle("clock--low", left < 300);
    }
  }

  // --- toasts ------------------------------------------------------------------------
  const LIFE_MS = 8000;

  function armToast(toast) {
    if (toast.dataset.armed) return;
    toast.dataset.armed = "1";
    // An error stays until it is read; the rest leaves by itself unless someone is on it.
    if (toast.classList.contains("toast--error")) return;
    const leave = () => (toast.matches(":hover, :focus-within") ? setTimeout(leave, 2000) : toast.remove());
    setTimeout(leave, LIFE_MS);
  }

  function addToast(text, kind) {
    const template = document.getElementById("toast-template");
    const region = document.getElementById("toasts");
    if (!template || !region) return;
    const toast = template.content.firstElementChild.cloneNode(true);
    toast.classList.add("toast--" + kind);
    toast.querySelector("[data-toast-text]").textContent = text;
    region.append(toast);
    armToast(toast);
  }

  function armToasts() {
    for (const toast of document.querySelectorAll(".toast")) armToast(toast);
  }

  // --- dialogs, menus ------------------------------------------------------------------
  document.addEventListener("click", function (event) {
    const opener = event.target.closest("[data-dialog-open]");
    // What is focused now is focused again when the dialog closes; by then the menu is closed.
    opener?.closest("details.menu")?.querySelector("summary").focus();
    if (opener) document.getElementById(opener.dataset.dialogOpen)?.showModal();
    const closer = event.target.closest("[data-dialog-close]");
    if (closer) closer.closest("dialog")?.close();
    const toastCloser = event.target.closest("[data-toast-close]");
    if (toastCloser) toastCloser.closest(".toast").remove();
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target) || event.target.closest(".menu__item")) menu.open = false;
    }
  });

  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") return;
    const menu = document.querySelector("details.menu[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });

  // --- htmx ---------------------------------------------------------------------------
  document.addEventListener("htmx:afterSettle", function () {
    refreshTimes();
    armToasts();
  });
  document.addEventListener("htmx:afterRequest", function (event) {
    const dialog = event.detail.elt.closest("dialog");
    if (dialog && event.detail.successful) dialog.close();
  });
  // A part of a page is never replaced by a whole one, such as an error page.
  document.addEventListener("htmx:beforeSwap", function (event) {
    if (!/^\s*<!doctype/i.test(event.detail.serverResponse)) return;
    event.detail.shouldSwap = false;
    event.detail.isError = event.detail.xhr.status >= 400;
    // Whoever is signed out by now is sent to sign in, and comes back here afterwards.
    if (!event.detail.isError) location.reload();
  });
  // A part that comes along with another one stays while nothing it shows has changed: whoever is
  // about to press a button of it must find it there. In a changed one an open menu is open too.
  document.addEventListener("htmx:oobBeforeSwap", function (event) {
    const { target, fragment } = event.detail;
    const shows = fragment.firstElementChild?.dataset.unchangedWhile;
    if (shows && shows === target.dataset.unchangedWhile) event.detail.shouldSwap = false;
    for (const menu of target.querySelectorAll("details[open][id]")) {
      const same = fragment.getElementById(menu.id);
      if (same) same.open = true;
    }
  });
  document.addEventListener("htmx:afterRequest", function (event) {
    const { elt, successful } = event.detail;
    if (successful && elt.matches("form[data-clears]")) elt.reset();
  });
  // What a press goes down on must still be there when it comes up, or there was none: a refresh
  // of that part waits so long.
  let pressed = null;
  const waiting = new Set();
  function release() {
    pressed = null;
    for (const part of waiting)
      if (part.isConnected) htmx.ajax("GET", part.getAttribute("hx-get"), { source: part, target: part, swap: "outerHTML" });
    waiting.clear();
  }
  document.addEventListener("pointerdown", (event) => (pressed = event.target), true);
  for (const end of ["pointerup", "pointercancel"])
    document.addEventListener(end, () => setTimeout(release), true);
  document.addEventListener("htmx:beforeSwap", function (event) {
    const { elt, target } = event.detail.requestConfig;
    // Only what refreshes itself: what was asked for by hand comes after the press.
    if (!pressed || elt !== target || !target.contains(pressed)) return;
    event.detail.shouldSwap = false;
    waiting.add(target);
  });
  // What somebody opened or closed stays so while the part of the page around it is refreshed.
  let stays = new Map();
  document.addEventListener("htmx:beforeSwap", function (event) {
    const parts = event.detail.target.querySelectorAll("details[data-stays][id]");
    stays = new Map(Array.from(parts, (part) => [part.id, part.open]));
  });
  document.addEventListener("htmx:afterSwap", function () {
    for (const [id, open] of stays) {
      const part = document.getElementById(id);
      if (part) part.open = open;
    }
    stays.clear();
  });
  let lastLost = 0;
  document.addEventListener("htmx:sendError", function (event) {
    // Polls that fail say nothing: the next one tells. A press that fails must not be silent.
    if (event.detail.requestConfig?.verb === "get" || Date.now() - lastLost < 5000) return;
    lastLost = Date.now();
    addToast("The range could not be reached. Nothing you did here is lost; try again in a moment.", "error");
  });
  document.addEventListener("htmx:responseError", function (event) {
    const status = event.detail.xhr.status;
    if (event.detail.requestConfig?.verb === "get" && status >= 500) return;
    if (status === 403) addToast("You may not do that. If you signed out elsewhere, reload the page.", "error");
    else if (status >= 500) addToast("Something went wrong on the range's side. It has been logged.", "error");
  });

  // --- pages on the way to another one ------------------------------------------------
  function goOn() {
    const next = document.querySelector("a[data-opens-after]");
    // What was posted must not be posted again by whoever goes back.
    if (next) setTimeout(() => location.replace(next.href), Number(next.dataset.opensAfter));
  }

  document.addEventListener("DOMContentLoaded", function () {
    goOn();
    refreshTimes();
    armToasts();
    setInterval(refreshTimes, 1000);
  });
  window.muster = Object.assign(window.muster || {}, { toast: addToast });
})();
