// Looks at a trainee's console, types along or takes over; the trainee's page says so.
import { beforePaste } from "./console/ask.js";
import { TerminalLine } from "./console/line.js";
import { fontsReady, makeTerminal, openTerminal, readerMode } from "./terminal.js";

const stage = document.querySelector("[data-look]");
const part = (name) => stage.querySelector(`[data-look-${name}]`);
const encoder = new TextEncoder();

// Height of a line of the terminal for each pixel of its letters.
const LINE = 1.4;

const CLOSINGS = {
  1000: ["waiting", "The trainee has left, so nothing is open here."],
  4403: ["refused", "You are signed out, or may no longer look at this trainee's terminals."],
  4404: ["refused", "This machine has no terminal."],
  4409: ["waiting", "The machines do not run now."],
  4410: ["waiting", "The shell ended. The trainee may open a new one."],
  4411: ["waiting", "Nothing is open here now."],
  4412: ["closed", "The trainee closed this terminal."],
  4413: ["refused", "That was more than a terminal takes at once."],
  4429: ["refused", "You look at too many terminals at a time. Close a page first."],
};

class Look {
  constructor({ url, trainee, label }) {
    this.trainee = trainee;
    this.label = label;
    this.hands = "look";
    this.answers = false;
    this.closings = CLOSINGS;
    this.line = new TerminalLine(url, this);
  }

  open() {
    const term = (this.term = makeTerminal({ cols: 80, rows: 24 }, () => this.answers));
    openTerminal(term, part("screen"));
    term.options.screenReaderMode = readerMode();
    term.textarea.setAttribute("aria-label", `Terminal of ${this.trainee} on ${this.label}.`);
    // While one only looks, every key is the page's: Tab goes on, nothing is swallowed.
    term.attachCustomKeyEventHandler((event) => this.isForTerminal(event));
    term.onData((data) => this.send(encoder.encode(data)));
    term.onBinary((data) => this.send(Uint8Array.from(data, (c) => c.charCodeAt(0))));
    part("screen").addEventListener("paste", (event) => {
      if (this.hands !== "look") beforePaste(event, term, this.label);
    }, true);
    term.onResize(() => this.fit());
    new ResizeObserver(() => this.fit()).observe(part("screen"));
    document.addEventListener("muster:theme", () => this.fit());
    this.allow();
    this.fit();
    this.line.connect();
  }

  isForTerminal(event) {
    if (this.hands === "look") return false;
    if (event.key !== "F6") return true;
    if (event.type === "keydown") part("hands").focus();
    event.preventDefault();
    return false;
  }

  send(bytes) {
    if (this.hands !== "look") this.line.send(bytes);
  }

  // --- what the connection brings -----------------------------------------------------------
  size() {
    return {};
  }

  control(message) {
    switch (message.type) {
      case "hands":
        this.setHands(message.hands, message.because);
        break;
      case "company":
        this.showOthers(message.people);
        break;
      case "message":
        this.say(`${message.sender} wrote: ${message.text}`);
        break;
      case "notice":
        this.say(message.text);
        break;
    }
  }

  tell(state, message) {
    stage.dataset.state = state;
    // A new connection begins with looking, whatever was before.
    if (state !== "open") this.setHands("look");
    this.say(state === "open" ? this.words() : message);
    this.allow();
  }

  say(text) {
    const line = part("state");
    if (line.textContent !== text) line.textContent = text;
  }

  words() {
    if (this.hands === "over") return `You have the keys. Those of ${this.trainee} do nothing until you hand back.`;
    if (this.hands === "along") return `You and ${this.trainee} both type.`;
    return "You look. Your keys do nothing.";
  }

  // --- hands ----------------------------------------------------------------------------------
  ask(hands) {
    this.wanted = hands;
    this.line.say({ type: "keys", hands });
  }

  setHands(hands, because = "") {
    const changed = hands !== this.hands;
    this.hands = stage.dataset.hands = hands;
    for (const button of stage.querySelectorAll("button[data-look-hands]")) {
      button.setAttribute("aria-pressed", String(button.dataset.lookHands === hands));
    }
    part("back").textContent = hands === "look" ? "Only look" : "Hand back";
    if (this.line.state === "open") this.say([because, this.words()].filter(Boolean).join(" "));
    if (!changed) return;
    this.term.options.cursorBlink = hands !== "look";
    if (hands !== "look" && this.wanted === hands) this.term.focus();
  }

  allow() {
    const open = this.line.state === "open";
    for (const button of stage.querySelectorAll("button")) button.disabled = !open;
  }

  showOthers(people) {
    const does = { look: "looks", along: "types along", over: "has taken over" };
    // One of them is this page; who else is there matters.
    const mine = people.findIndex((each) => each.hands === this.hands);
    const others = people.filter((_, at) => at !== mine);
    const line = document.querySelector("[data-look-others]");
    line.hidden = !others.length;
    line.textContent = `Also here: ${others.map((each) => `${each.name} ${does[each.hands]}`).join(", ")}.`;
  }

  // --- size: always the trainee's; the letters give way ---------------------------------------
  fit() {
    const widest = (part("screen").clientWidth - 24) / (this.term.cols * 0.61);
    const above = part("screen").getBoundingClientRect().top + scrollY;
    const below = stage.querySelector(".look__bar").offsetHeight;
    const tallest = Math.max(220, innerHeight - above - below - 48) / (this.term.rows * LINE);
    const size = Math.max(6, Math.floor(Math.min(widest, tallest, 15) * 2) / 2);
    if (this.term.options.fontSize !== size) this.term.options.fontSize = size;
  }
}

async function begin() {
  await fontsReady();
  const look = (stage.look = new Look(stage.dataset));
  look.open();
  stage.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-look-hands]");
    if (button) look.ask(button.dataset.lookHands);
  });
  part("message").addEventListener("submit", (event) => {
    event.preventDefault();
    const field = event.target.querySelector("input");
    const text = field.value.trim();
    if (!text) return;
    look.line.say({ type: "message", text });
    field.value = "";
  });
}

if (stage) begin();
