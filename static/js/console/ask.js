// Asks before something that is hard to take back, in the page's own dialog.
const LONG_PASTE = 4000;
const SAMPLE_LINES = 6;
const SAMPLE_WIDTH = 120;
// What nobody pastes on purpose: controls, with which a text could end its own paste and go on typing.
const CONTROLS = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/g;

// Answers with a promise of yes or no; on a page without the dialog the browser asks.
export function ask({ title, text, sample = "", yes, no = "Cancel" }) {
  const dialog = document.getElementById("ask-dialog");
  if (!dialog) return Promise.resolve(window.confirm(`${title}\n\n${text}\n${sample}`));
  const part = (name) => dialog.querySelector(`[data-ask-${name}]`);
  part("title").textContent = title;
  part("text").textContent = text;
  part("sample").textContent = sample;
  part("sample").hidden = !sample;
  part("yes").textContent = yes;
  part("no").textContent = no;
  // A dialog that Escape closes keeps what it returned last.
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((answer) => {
    dialog.addEventListener("close", () => answer(dialog.returnValue === "yes"), { once: true });
  });
}

// Lets a short paste happen, without its controls; asks before a long one.
export async function beforePaste(event, term, label) {
  const given = event.clipboardData?.getData("text/plain") ?? "";
  const text = given.replace(CONTROLS, "");
  const answer = mayPaste(text, label);
  if (answer === true && text === given) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (await answer) term.paste(text);
  term.focus();
}

// True for a paste that is short; else the promise of an answer.
function mayPaste(text, label) {
  if (text.length <= LONG_PASTE) return true;
  const lines = text.split("\n");
  const first = lines.slice(0, SAMPLE_LINES).map((line) => line.slice(0, SAMPLE_WIDTH));
  const more = lines.length > SAMPLE_LINES ? "\n…" : "";
  const count = new Intl.NumberFormat("en-GB");
  return ask({
    title: `Paste this into ${label}?`,
    text: `${count.format(text.length)} characters in ${count.format(lines.length)} `
      + `${lines.length === 1 ? "line" : "lines"}, beginning with:`,
    sample: first.join("\n") + more,
    yes: "Paste",
    no: "Do not paste",
  });
}
