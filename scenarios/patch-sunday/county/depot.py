"""The patch depot: keeps the findings, applies patches, and keeps the book of the Sunday."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread

from services import Ring, handler

SETTINGS = json.loads((Path(__file__).parent / "settings.json").read_text())
FINDINGS = {each["id"]: each for each in SETTINGS["findings"]}
SHOWN = ("id", "service", "title", "score", "used", "reach", "note", "minutes", "address")
ROLLBACK_MINUTES, GUARD_MINUTES = 10, 5


class Refused(Exception):
    """What was asked for is not done; the message says why."""


class Sunday:
    """One maintenance window, from its beginning."""

    def __init__(self):
        names = SETTINGS["services"]
        self.rings = {
            name: Ring(name, names, FINDINGS, SETTINGS["mark"]) for name in ("canary", "live")
        }
        self.used, self.book = 0, []

    def again(self):
        """Begin anew."""
        for ring in self.rings.values():
            ring.patched.clear()
            ring.guarded.clear()
        self.used, self.book = 0, []
        return "The Sunday begins anew: no patch, no guard, the whole window."

    def patch(self, name, ring):
        """Apply a finding's patch to a ring."""
        if name in self.rings[ring].patched:
            raise Refused(f"{name} is patched there already.")
        if ring == "live":
            self._take(FINDINGS[name]["minutes"])
        self.rings[ring].patched.add(name)
        self._note("patch", name, ring)
        return f"{name}: patched on {ring}."

    def rollback(self, name, ring):
        """Take a patch back."""
        if name not in self.rings[ring].patched:
            raise Refused(f"{name} is not patched there.")
        if ring == "live":
            self._take(ROLLBACK_MINUTES)
        self.rings[ring].patched.remove(name)
        self._note("rollback", name, ring)
        return f"{name}: rolled back on {ring}."

    def guard(self, name):
        """Close the weak address of a finding to residents, and the service's search with it."""
        if name in self.rings["live"].guarded:
            raise Refused(f"{name} is guarded already.")
        self._take(GUARD_MINUTES)
        self.rings["live"].guarded.add(name)
        self._note("guard", name, "live")
        return f"{name}: its address is closed on live, and the search of the service with it."

    def unguard(self, name):
        """Take a guard away."""
        if name not in self.rings["live"].guarded:
            raise Refused(f"{name} is not guarded.")
        self.rings["live"].guarded.remove(name)
        self._note("unguard", name, "live")
        return f"{name}: its address and the search are open again."

    def test(self, service, ring):
        """Try what residents do with a service."""
        if service not in self.rings[ring].services:
            return {}
        found = self.rings[ring].tests(service)
        self._note("passed" if all(found.values()) else "failed", service, ring)
        return found

    def state(self):
        """Return what was done so far."""
        return {
            "minutes": SETTINGS["window"],
            "left": SETTINGS["window"] - self.used,
            "live_patched": len(self.rings["live"].patched),
            "guards": len(self.rings["live"].guarded),
            "findings": {name: self._of(name) for name in sorted(FINDINGS)},
            "book": [f"{what} {name} {ring}" for what, name, ring in self.book],
        }

    def _of(self, name):
        return {
            **{
                key: "patched" if name in ring.patched else "open"
                for key, ring in self.rings.items()
            },
            "guard": "on" if name in self.rings["live"].guarded else "off",
            "order": self._order(name),
        }

    def _order(self, name):
        """Say in which order a finding's patch went where, by the book."""
        service, steps = FINDINGS[name]["service"], []
        for what, who, ring in self.book:
            tested = ring == "canary" and who == service and what in ("passed", "failed")
            if who == name and what in ("patch", "rollback"):
                steps.append(f"{what} {ring}")
            elif tested and steps and steps[-1] in ("patch canary", "failed", "passed"):
                steps.append(what)
        if "patch live" in steps:
            before = steps[: steps.index("patch live")]
            return "canary first" if before[-1:] == ["passed"] else "not tried first"
        if steps[-1:] == ["rollback canary"]:
            return "tried, taken back" if "failed" in steps else "taken back untried"
        return "on the canary only" if steps else "untouched"

    def _take(self, minutes):
        left = SETTINGS["window"] - self.used
        if minutes > left:
            raise Refused(f"That takes {minutes} minutes, and the window has {left} left.")
        self.used += minutes

    def _note(self, what, name, ring):
        self.book.append((what, name, ring))


SUNDAY, ONE_AT_A_TIME = Sunday(), Lock()


def done(asked):
    """Carry out one request and return what to tell."""
    verb, name, ring = (str(asked.get(key, "")) for key in ("verb", "id", "ring"))
    if verb == "again":
        return SUNDAY.again()
    if name not in FINDINGS:
        raise Refused(f"There is no finding {name or 'without an id'}.")
    if verb in ("guard", "unguard"):
        return getattr(SUNDAY, verb)(name)
    if ring not in SUNDAY.rings:
        raise Refused("Say where: canary or live.")
    if verb == "test":
        return SUNDAY.test(FINDINGS[name]["service"], ring)
    if verb in ("patch", "rollback"):
        return getattr(SUNDAY, verb)(name, ring)
    raise Refused(f"The depot does not know {verb!r}.")


class Depot(BaseHTTPRequestHandler):
    """Answers the tool on the desk."""

    def do_GET(self):
        if self.path == "/findings":
            found = [{key: each[key] for key in SHOWN} for each in FINDINGS.values()]
            return self.tell(200, sorted(found, key=lambda each: each["id"]))
        with ONE_AT_A_TIME:
            return self.tell(200, SUNDAY.state())

    def do_POST(self):
        try:
            asked = json.loads(self.rfile.read(min(int(self.headers["Content-Length"]), 4096)))
            with ONE_AT_A_TIME:
                return self.tell(200, {"said": done(asked)})
        except Refused as error:
            return self.tell(409, {"error": str(error)})
        except (ValueError, TypeError, AttributeError):
            return self.tell(400, {"error": "The depot did not understand that."})

    def tell(self, status, data):
        body = json.dumps(data).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


def serve(port, answers):
    """Serve in the background."""
    server = ThreadingHTTPServer(("0.0.0.0", port), answers)
    Thread(target=server.serve_forever).start()


if __name__ == "__main__":
    serve(8080, handler(SUNDAY.rings["live"], SETTINGS["retired"]))
    serve(8081, handler(SUNDAY.rings["canary"], SETTINGS["retired"]))
    serve(9000, Depot)
