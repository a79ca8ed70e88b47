"""The county's services, once for residents (live) and once for trying things out (canary)."""

import html
import json
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlsplit

# What a bad patch breaks: the old records, which nobody looks at first.
OLD_FROM = 5000


class Ring:
    """One copy of all services, with the patches it has and the guards before it.

    Args:
        findings: All findings by id; each names its service and the address that is weak.
        mark: What every right answer holds.
    """

    def __init__(self, name, services, findings, mark):
        self.name, self.services, self.findings, self.mark = name, services, findings, mark
        self.patched, self.guarded = set(), set()

    def answer(self, path):
        """Return status and data for a path such as /taxes/item/12."""
        service, _, rest = path.strip("/").partition("/")
        if service not in self.services:
            return 404, {"error": "The county has no such service."}
        return self._of(service, rest)

    def _of(self, service, rest):
        if rest == "":
            return 200, {"service": service, "state": "running"}
        if rest == "search":
            if any(self.findings[each]["service"] == service for each in self.guarded):
                return 503, {"error": "The search is closed for the public today."}
            return 200, {"service": service, "found": 3, "kept": self.mark}
        kind, _, number = rest.partition("/")
        if kind == "item" and number.isdigit():
            return self._item(service, int(number))
        return self._weak(service, rest)

    def _item(self, service, number):
        broken = any(
            self.findings[each]["breaks"] and self.findings[each]["service"] == service
            for each in self.patched
        )
        if broken and number >= OLD_FROM:
            return 500, {"error": "KeyError: 'district'"}
        return 200, {"service": service, "item": number, "kept": self.mark}

    def _weak(self, service, rest):
        for name, finding in self.findings.items():
            if (finding["service"], finding["address"]) != (service, rest):
                continue
            if name in self.guarded:
                return 403, {"error": "Closed by a guard."}
            if name not in self.patched:
                return 200, {"weak": name, "everything": self.mark}
        return 404, {"error": "There is no such address."}

    def tests(self, service):
        """Return the three things residents do with a service, and whether each works."""
        asked = {
            "first page": f"/{service}/",
            "a record of this year": f"/{service}/item/12",
            "a record of the archive": f"/{service}/item/{OLD_FROM + 812}",
        }
        return {what: self.answer(path)[0] == 200 for what, path in asked.items()}


def page(ring, retired):
    """Return the first page of a ring."""
    text = (Path(__file__).parent / "page.html").read_text()
    return text.replace("SERVICES", json.dumps(ring.services)).replace(
        "RETIRED", html.escape(", ".join(retired))
    )


def handler(ring, retired):
    """Return what answers the requests to a ring."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            path = urlsplit(self.path).path
            if path == "/":
                return self.send(200, page(ring, retired), "text/html")
            status, data = ring.answer(path)
            return self.send(status, json.dumps(data) + "\n", "application/json")

        def send(self, status, text, kind):
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words):
            pass

    return Handler
