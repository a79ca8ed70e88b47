// Saves a draft's files: a copy in this browser at once, the range a moment later, never silently.

const CALM_MS = 700;
const RETRY_MS = [1000, 2000, 4000, 8000, 15000, 30000];

/** Copies of texts that the range has not taken yet, by draft and path. */
export class Copies {
  constructor(draft) {
    this.prefix = `muster.draft.${draft}.`;
  }

  get(path) {
    try {
      return JSON.parse(localStorage.getItem(this.prefix + path));
    } catch {
      return null;
    }
  }

  /** Returns whether the browser keeps it. */
  keep(path, copy) {
    try {
      localStorage.setItem(this.prefix + path, JSON.stringify(copy));
      return true;
    } catch {
      return false;
    }
  }

  drop(path) {
    try {
      localStorage.removeItem(this.prefix + path);
    } catch {
      // Without storage there is nothing to drop.
    }
  }

  paths() {
    try {
      return Object.keys(localStorage)
        .filter((key) => key.startsWith(this.prefix))
        .map((key) => key.slice(this.prefix.length));
    } catch {
      return [];
    }
  }
}

/** Sends one text; returns what came of it: saved, conflict, refused, signed-out or lost. */
export async function send(url, token, body) {
  let response;
  try {
    response = await fetch(url, {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", "X-CSRFToken": token },
      body: JSON.stringify(body),
    });
  } catch {
    return { kind: "lost" };
  }
  const isJson = (response.headers.get("Content-Type") ?? "").includes("json");
  if (response.redirected || (response.status === 403 && !isJson)) return { kind: "signed-out" };
  if (response.status >= 500 || !isJson) return { kind: "lost" };
  const answer = await response.json();
  if (response.ok) return { kind: "saved", ...answer };
  return { kind: response.status === 409 && "sha256" in answer ? "conflict" : "refused", ...answer };
}

/** Saves the open file whenever its text has been left alone for a moment. */
export class Saver {
  /**
   * @param {{url: string, token: string, copies: Copies, state: (kind: string, text: string) => void,
   *   saved: (answer: object) => void, conflict: (answer: object, mine: string) => void}} given
   */
  constructor(given) {
    Object.assign(this, given);
    this.path = "";
    this.base = null;
    this.text = "";
    this.sent = "";
    this.failures = 0;
    this.timer = 0;
    this.busy = null;
    this.held = false;
    addEventListener("online", () => this.unsaved && this.now());
  }

  get unsaved() {
    return this.text !== this.sent;
  }

  /** Begins with a file as the range has it. */
  open(path, text, base) {
    clearTimeout(this.timer);
    Object.assign(this, { path, base, text, sent: text, failures: 0, held: false });
  }

  changed(text) {
    this.text = text;
    if (!this.unsaved) {
      this.copies.drop(this.path);
      if (!this.busy) this.state("saved", "Saved");
      return;
    }
    const kept = this.copies.keep(this.path, { text, base: this.base });
    this.state("waiting", kept ? "Not saved yet" : "Not saved yet; this browser keeps no copy");
    if (!this.held) this.soon(CALM_MS);
  }

  soon(ms) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.now(), ms);
  }

  /** Saves now; whoever asks meanwhile waits for the same answer. */
  async now() {
    clearTimeout(this.timer);
    if (this.busy) {
      await this.busy;
      return this.unsaved && !this.held ? this.now() : undefined;
    }
    if (!this.unsaved || this.held) return undefined;
    this.busy = this.sendOne();
    await this.busy;
    this.busy = null;
    if (this.unsaved && !this.held && !this.failures) this.soon(CALM_MS);
    return undefined;
  }

  async sendOne() {
    const { path, text, base } = this;
    this.state("saving", "Saving…");
    const answer = await send(this.url, this.token, { path, text, base });
    if (path !== this.path) return;
    if (answer.kind === "saved") {
      this.failures = 0;
      Object.assign(this, { base: answer.sha256, sent: text });
      if (this.unsaved) this.copies.keep(path, { text: this.text, base: this.base });
      else this.copies.drop(path);
      this.state(this.unsaved ? "waiting" : "saved", this.unsaved ? "Not saved yet" : "Saved");
      this.saved(answer);
    } else if (answer.kind === "conflict") {
      this.held = true;
      this.state("conflict", "Not saved: changed elsewhere");
      this.conflict(answer, this.text);
    } else if (answer.kind === "refused") {
      this.failures = RETRY_MS.length;
      this.state("refused", `Not saved: ${answer.message}`);
    } else {
      const words = answer.kind === "lost"
        ? "Not saved: the range cannot be reached. Your text is kept in this browser; trying again."
        : "Not saved: you are signed out. Sign in in another tab; your text is kept in this browser.";
      this.state("lost", words);
      this.soon(RETRY_MS[Math.min(this.failures++, RETRY_MS.length - 1)]);
    }
  }

  /** Ends a conflict: what the range has is now known, and one of both texts is kept. */
  settle(answer, text) {
    Object.assign(this, { held: false, base: answer.sha256, sent: answer.text ?? "" });
    this.changed(text);
    return this.now();
  }
}
