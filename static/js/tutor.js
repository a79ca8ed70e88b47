// Brings what is marked on a terminal to the tutor's question, and leaves an offer alone while
// somebody is about to answer it.
const MARKED_CHARACTERS = 800;
const SCREEN_LINES = 12;

let marked = "";

const form = () => document.querySelector("#tutor-panel .tutor__ask");

// What is marked, or the last lines on the screen: not everybody has a mouse.
function textOf(live) {
  const chosen = live.term.getSelection().trim();
  if (chosen) return chosen;
  const buffer = live.term.buffer.active;
  const lines = [];
  for (let row = 0; row < live.term.rows; row += 1) {
    lines.push(buffer.getLine(buffer.viewportY + row)?.translateToString(true) ?? "");
  }
  return lines.filter((line) => line.trim()).slice(-SCREEN_LINES).join("\n");
}

function show() {
  const box = form()?.querySelector("[data-marked]");
  if (!box || !marked) return;
  box.querySelector("[name=marked]").value = marked;
  box.querySelector("[data-marked-shown]").textContent = marked;
  box.hidden = false;
}

function openPane() {
  const tab = document.querySelector("[data-pane-tab=tutor]");
  if (tab?.offsetParent) tab.click();
  const fold = document.querySelector("[data-fold=tutor][aria-expanded=false]");
  if (fold?.offsetParent) fold.click();
}

export function askAbout(live) {
  if (!live?.term) return;
  if (!form()) {
    window.muster.toast("The tutor takes no questions here.", "info");
    return;
  }
  marked = textOf(live).slice(0, MARKED_CHARACTERS);
  openPane();
  show();
  form().querySelector("[name=question]").focus();
}

// Something is marked: the button that asks about it stands where the eye is.
document.addEventListener("muster:marked", function (event) {
  const button = event.target.querySelector("[data-console-act=ask-tutor]");
  if (button) button.hidden = !event.detail || !form();
});

document.addEventListener("click", function (event) {
  if (!event.target.closest("[data-marked-drop]")) return;
  marked = "";
  const box = form().querySelector("[data-marked]");
  box.querySelector("[name=marked]").value = "";
  box.hidden = true;
  form().querySelector("[name=question]").focus();
});

document.addEventListener("htmx:beforeRequest", function (event) {
  // Once asked, it stands at the hint; a refusal brings it back with the panel.
  if (event.detail.elt.matches(".tutor__ask")) marked = "";
});

document.addEventListener("htmx:afterSettle", show);

document.addEventListener("htmx:beforeSwap", function (event) {
  const { target, serverResponse } = event.detail;
  if (target.id !== "tutor-offer") return;
  const same = serverResponse.includes(`data-unchanged-while="${target.dataset.unchangedWhile}"`);
  const used = target.contains(document.activeElement) || target.querySelector("details[open]");
  if (same || used) event.detail.shouldSwap = false;
});
