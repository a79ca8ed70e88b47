// A machine's web page in the workspace: a frame on an origin of its own, and a bar around it.
// Another origin tells nothing of itself, so the view role says which path the frame shows.
const AGAIN_MS = 3000;
const ENDED = "This page has ended: the machines changed, or you signed out elsewhere.";
const UNREACHED = "The page could not be opened in this browser. Open it again, or in a new tab.";

class WebView {
  constructor(element) {
    this.element = element;
    this.form = element.querySelector("[data-view-form]");
    this.path = element.querySelector("[data-view-path]");
    this.line = element.querySelector("[data-view-state]");
    this.frame = element.querySelector("[data-view-frame]");
    this.state = "idle";
    this.forget();
    element.addEventListener("click", (event) => {
      const button = event.target.closest("[data-view-act]");
      if (button) this[button.dataset.viewAct]();
    });
    this.path.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      this.go(this.path.value.trim());
    });
    this.frame.addEventListener("load", () => this.listen());
  }

  // --- opening and ending --------------------------------------------------------------------
  async open() {
    if (this.state === "opening" || this.state === "open") return;
    clearTimeout(this.later);
    this.tell("opening", "Opening the page…");
    let said;
    try {
      const answer = await fetch(this.form.action, {
        method: "POST",
        body: new URLSearchParams(new FormData(this.form)),
        headers: { Accept: "application/json" },
      });
      said = await answer.json();
      if (answer.ok) this.show(said);
      else if (answer.status === 409) this.wait(said.message);
      else this.tell("ended", said.message);
    } catch {
      this.wait(said ? ENDED : "The range could not be reached. Trying again…");
    }
  }

  show(address) {
    this.address = address;
    this.forget();
    this.frame.src = address.enter;
    this.tell("open", "");
  }

  wait(message) {
    this.tell("waiting", message);
    this.later = setTimeout(() => this.seen(), AGAIN_MS);
  }

  seen() {
    if (this.element.clientWidth && ["idle", "waiting"].includes(this.state)) this.open();
  }

  end(state, message) {
    clearTimeout(this.later);
    this.where?.close();
    this.where = null;
    this.frame.src = "about:blank";
    this.tell(state, message);
  }

  tell(state, message) {
    this.state = state;
    this.element.dataset.state = state;
    this.line.textContent = message;
    this.frame.hidden = state !== "open";
    this.element.querySelector("[data-view-act=open]").hidden = state !== "ended";
  }

  // --- where the frame is --------------------------------------------------------------------
  listen() {
    if (this.state !== "open" || this.where) return;
    let reached = false;
    this.where = new EventSource(this.address.where, { withCredentials: true });
    this.where.onopen = () => (reached = true);
    this.where.onmessage = (event) => this.heard(JSON.parse(event.data).path);
    this.where.onerror = () => {
      // A lost connection is tried again by itself; a refused one is over.
      const over = this.where?.readyState === EventSource.CLOSED;
      if (over || !reached) this.end("ended", reached ? ENDED : UNREACHED);
    };
  }

  heard(path) {
    if (!path) return;
    if (this.been[this.at] !== path) {
      this.been.splice(this.at + 1, Infinity, path);
      this.at += 1;
    }
    if (document.activeElement !== this.path) this.path.value = path;
    this.act();
  }

  forget() {
    this.been = [];
    this.at = -1;
    this.act();
  }

  act() {
    this.element.querySelector("[data-view-act=back]").disabled = this.at <= 0;
    this.element.querySelector("[data-view-act=forward]").disabled = this.at >= this.been.length - 1;
  }

  go(path) {
    if (this.state !== "open") return;
    const wanted = path.startsWith("/") ? path : `/${path}`;
    this.frame.contentWindow.location.replace(this.address.origin + wanted);
    this.path.value = wanted;
  }

  step(by) {
    if (this.been[this.at + by] === undefined) return;
    this.at += by;
    this.act();
    this.go(this.been[this.at]);
  }

  back() {
    this.step(-1);
  }

  forward() {
    this.step(1);
  }

  reload() {
    if (this.state === "open") this.go(this.been[this.at] ?? this.path.value);
    else this.seen();
  }
}

// A page that nobody looks at is not asked for.
const sizes = new ResizeObserver((entries) => entries.forEach(({ target }) => target.view.seen()));

function sweep() {
  for (const element of document.querySelectorAll("[data-web-view]")) {
    if (element.view) continue;
    element.view = new WebView(element);
    sizes.observe(element);
  }
  const running = document.getElementById("sandbox-panel")?.dataset.state === "RUNNING";
  for (const element of document.querySelectorAll("[data-web-view]")) {
    const view = element.view;
    if (running) view.seen();
    else if (view.state === "open") view.end("idle", "The page opens when the machines run.");
  }
}

document.addEventListener("htmx:afterSettle", sweep);
sweep();
