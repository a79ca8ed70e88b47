// A draft's page: files in the tree, the editor, problems that jump to their line, and saving.
import { makeEditor } from "./editor.js";
import { Copies, Saver, send } from "./saving.js";

const bench = document.querySelector("[data-bench]");
const token = JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
const one = (selector) => document.querySelector(selector);
const tree = () => document.getElementById("draft-files");
const copies = new Copies(bench.dataset.draft);
const stateLine = one("[data-save-state]");
const conflictBox = one("[data-conflict]");
let schema = null;
let images = [];
let problems = [];
let disputed = null;

const saver = new Saver({
  url: bench.dataset.saveUrl,
  token,
  copies,
  state(kind, text) {
    stateLine.dataset.saveState = kind;
    if (stateLine.textContent !== text) stateLine.textContent = text;
  },
  saved(answer) {
    if (answer.title) one("[data-draft-title]").textContent = answer.title;
    document.body.dispatchEvent(new Event("saved"));
  },
  conflict(answer, mine) {
    disputed = answer;
    one("[data-conflict-by]").textContent = `${answer.by || "Somebody"} saved it while you had it open here.`;
    one("[data-conflict-mine]").value = mine;
    one("[data-conflict-theirs]").value = answer.text ?? "(deleted)";
    conflictBox.hidden = false;
    showDifference(mine, answer.text ?? "");
    conflictBox.focus();
  },
});

/** Rolls both texts of a conflict to where they begin to differ. */
function showDifference(mine, theirs) {
  const [left, right] = [mine.split("\n"), theirs.split("\n")];
  const line = left.findIndex((each, number) => each !== right[number]);
  const first = line < 0 ? left.length : line;
  one("[data-conflict-line]").textContent = `They begin to differ at line ${first + 1}.`;
  for (const area of conflictBox.querySelectorAll("textarea")) {
    const height = parseFloat(getComputedStyle(area).lineHeight);
    area.scrollTop = Math.max(0, first - 2) * height;
  }
}

const editor = makeEditor(one("[data-editor]"), {
  changed: (text) => saver.changed(text),
  schema: () => schema,
  images: () => images,
});

async function fetched(path) {
  const response = await fetch(`${bench.dataset.fileUrl}?path=${encodeURIComponent(path)}`, { credentials: "same-origin" });
  if (!response.ok || response.redirected) throw new Error(String(response.status));
  return response.json();
}

function buttonOf(path) {
  return [...tree().querySelectorAll("[data-open]")].find((each) => each.dataset.open === path);
}

function mark(path) {
  for (const each of tree().querySelectorAll("[data-open]")) {
    if (each.dataset.open === path) each.setAttribute("aria-current", "true");
    else each.removeAttribute("aria-current");
  }
}

/** Opens a file once what was written in the one before is saved, or kept in this browser. */
async function open(path, line = 0) {
  if (path === saver.path) {
    if (line) editor.goTo(line);
    return;
  }
  await saver.now();
  let file;
  try {
    file = await fetched(path);
  } catch {
    saver.state("lost", `${path} could not be opened: the range cannot be reached, or you are signed out.`);
    return;
  }
  if (file.text === null) return;
  const locked = "locked" in (buttonOf(path)?.dataset ?? {}) || "readOnly" in bench.dataset;
  const copy = locked ? null : copies.get(path);
  conflictBox.hidden = true;
  saver.open(path, file.text, file.sha256);
  one("[data-open-name]").textContent = path;
  one("[data-open-locked]").hidden = !locked || "readOnly" in bench.dataset;
  editor.open(path, file.text, locked);
  mark(path);
  saver.state("saved", locked ? "Read only" : "Saved");
  if (copy && copy.text !== file.text) recover(copy, file);
  else copies.drop(path);
  tellProblems();
  if (line) editor.goTo(line);
}

/** Takes up a text that this browser kept and the range never took. */
function recover(copy, file) {
  editor.replace(copy.text);
  if (copy.base === file.sha256) {
    saver.changed(copy.text);
    saver.now();
    return;
  }
  saver.text = copy.text;
  saver.held = true;
  saver.conflict({ ...file, by: file.by }, copy.text);
}

/** Sends what earlier visits left unsaved in files that are not open. */
async function sendLeftovers() {
  for (const path of copies.paths()) {
    const copy = copies.get(path);
    if (path === saver.path || !copy) continue;
    if (!buttonOf(path)) continue;
    const answer = await send(bench.dataset.saveUrl, token, { path, ...copy });
    if (answer.kind === "saved") {
      copies.drop(path);
      document.body.dispatchEvent(new Event("saved"));
    }
  }
}

function tellProblems() {
  editor.tell(problems.filter((each) => each.file === saver.path));
}

function readProblems() {
  problems = [...document.querySelectorAll("#draft-side [data-problem]")].map(({ dataset }) => ({
    file: dataset.file,
    line: Number(dataset.line) || 1,
    severity: dataset.severity,
    message: dataset.message,
  }));
  tellProblems();
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open]");
  if (opener) open(opener.dataset.open).then(() => editor.focus());
  const problem = event.target.closest("[data-problem]");
  if (problem && buttonOf(problem.dataset.file)) open(problem.dataset.file, Number(problem.dataset.line) || 1);
  if (event.target.closest("[data-keep-mine]")) choose(editor.text());
  if (event.target.closest("[data-take-theirs]")) choose(disputed.text ?? "");
});

function choose(text) {
  conflictBox.hidden = true;
  if (editor.text() !== text) editor.replace(text);
  saver.settle(disputed, text).then(() => editor.focus());
}

// Whoever goes on to try, verify or publish goes with what stands in the editor.
document.addEventListener("click", (event) => {
  const next = event.target.closest("[data-after-saving] :is(a, button)");
  if (!next || !saver.unsaved || saver.held) return;
  event.preventDefault();
  saver.now().then(() => {
    if (saver.unsaved) return;
    if (next.form) next.form.requestSubmit(next);
    else location.assign(next.href);
  });
});

// Whatever is done to files is done to what is saved.
document.addEventListener("htmx:confirm", (event) => {
  if (!event.detail.elt.closest("#draft-files") || !saver.unsaved || saver.held) return;
  event.preventDefault();
  saver.now().then(() => event.detail.issueRequest(true));
});

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id === "draft-side") readProblems();
});

document.addEventListener("htmx:afterSettle", (event) => {
  const now = tree();
  if (!now || event.target.id !== "draft-files" || !("opened" in now.dataset)) return;
  const renamed = now.dataset.renamed;
  if (renamed) copies.drop(renamed);
  if (now.dataset.opened && (!renamed || renamed === saver.path)) open(now.dataset.opened);
  else if (!buttonOf(saver.path)) open("scenario.yaml");
  else mark(saver.path);
  document.body.dispatchEvent(new Event("saved"));
});

async function begin() {
  // A problem on the page of publication leads to its line here.
  const [, path, line] = /^#(.+?)(?::(\d+))?$/.exec(decodeURIComponent(location.hash)) ?? [];
  const wanted = path && buttonOf(path) ? path : "scenario.yaml";
  await open(wanted, wanted === path ? Number(line) : 0);
  sendLeftovers();
  const response = await fetch(bench.dataset.schemaUrl, { credentials: "same-origin" });
  if (response.ok) ({ schema, images } = await response.json());
}

begin();
