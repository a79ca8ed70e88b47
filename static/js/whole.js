// A page that lost a part of itself on its way here loads once more; loaded blocking in the head.
// Chromium drops what it is loading whenever its machine gains or loses a network, and where range
// and browser share a machine, every launch of a sandbox is such a moment.
(function () {
  "use strict";
  const KEY = "muster.loaded-again";
  // Two losses within this time are no accident: what is left of the page then stays.
  const PAUSE_MS = 5000;
  let lost = false;

  function mayLoadAgain() {
    try {
      const before = Number(sessionStorage.getItem(KEY));
      sessionStorage.setItem(KEY, String(Date.now()));
      return Date.now() - before > PAUSE_MS;
    } catch {
      return false;
    }
  }

  addEventListener(
    "error",
    function (event) {
      if (event.target instanceof HTMLScriptElement) lost = true;
      else if (event.target instanceof HTMLLinkElement && event.target.rel === "stylesheet") lost = true;
    },
    true,
  );
  addEventListener("load", function () {
    if (lost && mayLoadAgain()) location.reload();
  });
})();
