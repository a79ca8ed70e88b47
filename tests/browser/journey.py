"""What a person does in the browser, in words that the tests can be read in."""

import json
import re
import time
from collections import deque
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Error, Page, WebSocket

from tests.browser.site import Site

AXE = Path("static/vendor/axe-core/axe.min.js")
FLAG = re.compile(r"FLAG\{[A-Z0-9]+\}")
# What is looked for: the standard's rules, and what axe's authors call best practice.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
BUSY = ".htmx-request,.htmx-swapping,.htmx-settling"
ENDED = ("htmx:afterRequest", "htmx:sendAbort")
# How long anything may take to come: what is tested is that it comes, on the slowest machine too.
PATIENCE_SECONDS = 120
DESK = {"width": 1280, "height": 800}
# Everything the shown terminal holds, long lines put together again.
TERMINAL_TEXT = """() => {
  const terminal = document.querySelector(".console-panel:not([hidden]) .terminal");
  const buffer = terminal?.live?.term?.buffer.active;
  if (!buffer) return "";
  let text = "";
  for (let row = 0; row < buffer.length; row++) {
    const line = buffer.getLine(row);
    text += (line.isWrapped || row === 0 ? "" : "\\n") + line.translateToString(true);
  }
  return text;
}"""
# The reference, filled in for one attempt: what a trainee types, and what others do for it.
STEPS = """
import base64, gzip, json
from pathlib import Path
from uuid import UUID
from django.conf import settings
from range.catalog.services import attempt_spec, values_for
from range.catalog.templating import fill
from range.exercises.models import Attempt
attempt = Attempt.objects.get(pk=UUID(values["attempt"]))
spec = attempt_spec(attempt.exercise.version, attempt.pk, 1)
folder = Path(settings.RANGE_SCENARIOS_DIR) / attempt.version.scenario.slug
filled = values_for(attempt.version, attempt.pk, 1)

def lines(step):
    if hasattr(step, "run"):
        return step.run
    # What an editor would save, pasted in a form that no terminal changes.
    text = fill((folder / step.put).read_text(), filled, name=step.put)
    packed = base64.encodebytes(gzip.compress(text.encode(), mtime=0)).decode()
    return f"base64 -d <<. | gunzip > {step.to}\\n{packed}."

print(json.dumps([
    {
        "on": step.on,
        "run": lines(step),
        "is_typed": getattr(step, "account", None) in (None, spec.machines[step.on].console.user),
        "submit": step.submit.objective if getattr(step, "submit", None) else "",
    }
    for objective in spec.objectives for step in spec.reference[objective.key]
]))
"""
AS_ROOT = """
import json
from datetime import timedelta
from uuid import UUID
from range.runtime.driver import Handle
from range.runtime.registry import get_driver
from range.sandboxes.models import Sandbox
sandbox = Sandbox.objects.get(attempt=UUID(values["attempt"]), state="RUNNING")
argv = ["/bin/sh", "-c", values["script"]]
done = get_driver(sandbox.driver).exec(
    Handle.from_json(sandbox.handle), values["machine"], argv, user="root",
    timeout=timedelta(seconds=30),
)
shown = {"exit_code": done.exit_code, "timed_out": done.timed_out}
print(json.dumps(shown | {"said": (done.stdout + done.stderr).decode("utf-8", "replace")}))
"""


class Person:
    """Somebody with a browser, signed in; what the browser complains of is kept."""

    def __init__(self, browser: Browser, site: Site, name: str, **context) -> None:
        self.site = site
        self.context = browser.new_context(base_url=site.url, **({"viewport": DESK} | context))
        self.context.set_default_timeout(PATIENCE_SECONDS * 1000)
        self.page = self.context.new_page()
        self.troubles: list[str] = []
        self._handed_in: list[str] = []
        # What went over the lines of the page's terminals, the newest last.
        self._line = deque[str](maxlen=60)
        self.page.on("websocket", self._follow)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self._sign_in(name)

    def _hear(self, message: ConsoleMessage) -> None:
        # An answer handed in ends the refresh that was under way, which htmx calls an error.
        if message.type == "error" and not message.text.startswith(ENDED):
            self.troubles.append(f"{message.text} {message.location}, on {self.page.url}")

    def _follow(self, socket: WebSocket) -> None:
        def note(what: str, data: str | bytes = "") -> None:
            text = data if isinstance(data, str) else data.decode(errors="replace")
            self._line.append(f"{time.monotonic():.3f} {what} {text[:300]!r}")

        note("opens", socket.url)
        socket.on("framesent", lambda data: note("sent", data))
        socket.on("framereceived", lambda data: note("got", data))
        socket.on("close", lambda _: note("closed"))

    def _sign_in(self, name: str) -> None:
        self.page.goto("/")
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password").fill(self.site.accounts[name])
        self.page.get_by_role("button", name="Sign in").click()
        self.page.get_by_role("link", name="Muster, home").wait_for()

    def close(self) -> None:
        self.context.close()

    # --- an attempt ---------------------------------------------------------------------------

    def launch(self, scenario: str) -> str:
        """Launch or resume a scenario, wait for its terminal, and return the attempt."""
        page = self.page
        page.goto(f"/scenarios/{scenario}/")
        start = page.locator("#launch-panel")
        start.get_by_role("button", name="Launch").or_(
            start.get_by_role("link", name="Resume")
        ).click()
        page.wait_for_url(re.compile(r"/attempts/"))
        self.wait_for_text(r"[$#] ?$")
        return re.search(r"/attempts/([0-9a-f-]+)/", page.url)[1]

    def take_a_hint(self) -> str:
        """Take the next rung: at once where it is offered, else by asking all the same."""
        page = self.page
        page.locator(".offer").wait_for()
        soon = page.get_by_text("I want it now")
        if soon.count():
            soon.click()
            page.get_by_role("button", name=re.compile("^Unlock rung")).click()
        else:
            page.get_by_role("button", name=re.compile("^Take rung")).click()
        page.locator(".hint__answer").first.wait_for()
        return page.locator(".hint__answer").first.inner_text()

    def solve(self, attempt: str) -> None:
        """Type what the reference types; what it does as root is done as root, in its place."""
        for step in json.loads(self.site.ask(STEPS, attempt=attempt)):
            if not step["is_typed"]:
                values = {"attempt": attempt, "machine": step["on"], "script": step["run"]}
                done = json.loads(self.site.ask(AS_ROOT, **values))
                assert done["exit_code"] == 0, (step, done)
                continue
            for line in step["run"].strip().splitlines():
                self.type_line(line)
            if step["submit"]:
                self.hand_in_flag(step["submit"])

    def hand_in_flag(self, objective: str) -> None:
        """Copy the newest flag from the terminal into the objective's field."""
        unknown = "".join(f"(?!{re.escape(flag)})" for flag in self._handed_in)
        pattern = FLAG.pattern.replace("FLAG", f"{unknown}FLAG", 1)
        flag = re.search(pattern, self.wait_for_text(pattern))[0]
        self._handed_in.append(flag)
        item = self.page.locator(f"#objective-{objective}")
        item.get_by_role("textbox").fill(flag)
        item.get_by_role("button").click()
        self.page.locator(f"#objective-{objective}.objective--met").wait_for()

    def check_now(self, *, met: int) -> None:
        """Ask for a check and wait until so many objectives have ticked themselves."""
        self.page.get_by_role("button", name="Check now").click()
        ticked = self.page.locator(".objective--met").nth(met - 1)
        # Some checks take long enough by themselves.
        ticked.wait_for(timeout=3 * PATIENCE_SECONDS * 1000)

    def finish(self) -> None:
        """Finish, confirm, and wait for the grade on the debrief."""
        page = self.page
        page.get_by_role("button", name="Finish").click()
        page.get_by_role("dialog").get_by_role("button", name="Finish").click()
        page.get_by_role("heading", name=re.compile("^(Passed|Not passed)")).wait_for()

    # --- the terminal -------------------------------------------------------------------------

    def terminal_text(self) -> str:
        return self.page.evaluate(TERMINAL_TEXT)

    def wait_for_text(self, pattern: str, *, seconds: float = PATIENCE_SECONDS) -> str:
        """Wait until the terminal shows something and return all it holds."""
        try:
            self.page.wait_for_function(
                f"([pattern]) => new RegExp(pattern, 'm').test(({TERMINAL_TEXT})())",
                arg=[pattern],
                timeout=seconds * 1000,
                # By the clock: a page that draws no frame would never be asked again.
                polling=100,
            )
        except Error as error:
            self.page.screenshot(path="var/screenshots/failed.png")
            raise AssertionError(
                f"{pattern} did not appear; {self.troubles}\n"
                f"{self.page.locator('main').inner_text()[-1500:]}\n\n"
                f"The terminal shows {self.terminal_text()[-1500:]!r}\n\n"
                + "\n".join(self._line)
                + f"\n\nThe console role says:\n{self.site.log('console')[-4000:]}"
            ) from error
        return self.terminal_text()

    def type_text(self, text: str) -> None:
        # A terminal may hold a prompt while its pane still tells that machines start: nobody sees
        # it then, and what cannot be seen cannot be focused.
        terminal = self.page.locator(".console-panel:not([hidden]) .xterm")
        terminal.wait_for()
        terminal.locator("textarea").focus()
        self.page.keyboard.insert_text(text)

    def type_line(self, line: str) -> None:
        self.type_text(line)
        self.page.keyboard.press("Enter")


def choose(page: Page, name: str) -> None:
    """Choose from the Sandbox menu."""
    page.locator("summary", has_text="Sandbox").click()
    page.get_by_role("button", name=name).first.click()


def violations(page: Page) -> list[str]:
    """Return what axe finds wrong with a page, one line each."""
    # The page's own policy rightly refuses foreign script; this one is the test's.
    session = page.context.new_cdp_session(page)
    session.send("Page.setBypassCSP", {"enabled": True})
    page.evaluate(AXE.read_text() + ";0")
    # A swap under way, or a theme that was just changed, would be judged half in the old colours.
    page.wait_for_function(f"() => !document.querySelector('{BUSY}')")
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    found = page.evaluate("(rules) => axe.run(document, {runOnly: rules})", RULES)
    session.detach()
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def weight(page: Page) -> int:
    """Return the bytes a page takes on the wire, each address once."""
    return page.evaluate(
        """() => {
          const seen = new Map();
          for (const kind of ["navigation", "resource"])
            for (const entry of performance.getEntriesByType(kind))
              seen.set(entry.name.split("#")[0], entry.encodedBodySize);
          return [...seen.values()].reduce((sum, bytes) => sum + bytes, 0);
        }"""
    )
