// Says on a trainee's terminal who else is at it, whose keys count, and what somebody wrote.
const DOES = {
  look: (name) => `${name} is looking`,
  along: (name) => `${name} types along`,
  over: (name) => `${name} has taken over: your keys do nothing`,
};
const RANK = ["look", "along", "over"];

function strip(element) {
  let found = element.querySelector(".company");
  if (!found) {
    found = document.createElement("div");
    found.className = "company";
    const state = document.createElement("p");
    state.className = "company__state";
    state.setAttribute("role", "status");
    found.append(state);
    element.append(found);
  }
  return found;
}

function showCompany(element, people) {
  if (!people.length && !element.dataset.company) return;
  const strongest = RANK.findLast((hands) => people.some((each) => each.hands === hands));
  if (strongest) element.dataset.company = strongest;
  else delete element.dataset.company;
  const words = RANK.toReversed().flatMap((hands) =>
    people.filter((each) => each.hands === hands).map((each) => DOES[hands](each.name)));
  const state = strip(element).firstElementChild;
  // A live region speaks of what changes in it, not of what it came with.
  requestAnimationFrame(() => {
    state.textContent = words.join(" · ");
    fitBeside();
  });
}

// On a phone the words stand above the screen, which then has less room; elsewhere they lie on it,
// and whoever looks changes no size.
let takesRoom = false;

function fitBeside() {
  const strips = Array.from(document.querySelectorAll(".company"));
  const takes = strips.some((each) => getComputedStyle(each).position === "static");
  if (takes || takesRoom) document.dispatchEvent(new CustomEvent("muster:shown"));
  takesRoom = takes;
}

function showMessage(element, { text, sender }) {
  const card = document.createElement("div");
  card.className = "company__message";
  card.setAttribute("role", "status");
  const words = document.createElement("p");
  const who = document.createElement("strong");
  who.textContent = `${sender}: `;
  words.append(who, text);
  const close = document.createElement("button");
  close.type = "button";
  close.className = "terminal__act";
  close.textContent = "Dismiss";
  close.addEventListener("click", () => {
    card.remove();
    fitBeside();
  });
  card.append(words, close);
  strip(element).append(card);
  const spoken = words.cloneNode(true);
  words.replaceChildren();
  requestAnimationFrame(() => {
    words.replaceChildren(...spoken.childNodes);
    fitBeside();
  });
}

document.addEventListener("muster:console-control", ({ target, detail }) => {
  if (detail.type === "company") showCompany(target, detail.people);
  else if (detail.type === "message") showMessage(target, detail);
});
// Without a connection nobody knows; the next one tells.
document.addEventListener("muster:console-state", ({ target, detail }) => {
  if (detail.state !== "open") showCompany(target, []);
});
