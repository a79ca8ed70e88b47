"""Answers fixed pages from a file: the clinic's records service and its referral exchange."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CONTENT = json.loads(Path("/srv/service/content.json").read_text(encoding="utf-8"))
PAGES = CONTENT["pages"]


class Pages(BaseHTTPRequestHandler):
    """One page an address."""

    timeout = 10

    def do_GET(self):
        page = PAGES.get(self.path)
        if page is None:
            return self.answer(404, "There is nothing here.\n", {})
        return self.answer(page.get("status", 200), page.get("body", ""), page.get("headers", {}))

    def do_POST(self):
        if self.path != "/clean" or self.headers.get("X-Key") != CONTENT.get("key"):
            return self.answer(404, "There is nothing here.\n", {})
        for page in PAGES.values():
            page["body"] = page.get("clean", page.get("body", ""))
        return self.answer(200, "Cleaned.\n", {})

    def answer(self, status, body, headers):
        data = body.encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        """Say nothing: nobody reads this machine's output."""


if __name__ == "__main__":
    ThreadingHTTPServer(("0.0.0.0", int(CONTENT["port"])), Pages).serve_forever()
    sys.exit(0)
