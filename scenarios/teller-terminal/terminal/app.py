"""The teller terminal of Lantern Savings Bank: looks customers up for the people at the counter."""

import json
import sqlite3
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

HERE = Path(__file__).parent
SETTINGS = json.loads((HERE / "settings.json").read_text())
COLUMNS = SETTINGS["columns"]
PAGE = (HERE / "page.html").read_text()


def customers(name):
    """Return the customers whose name holds these letters."""
    with sqlite3.connect("file:/var/lib/teller/teller.db?mode=ro", uri=True) as database:
        rows = database.execute(
            f"SELECT {', '.join(COLUMNS)} FROM customers WHERE name LIKE '%{name}%' ORDER BY name"
        ).fetchall()
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows]


class Terminal(BaseHTTPRequestHandler):
    """Answers the page and its one question."""

    def do_GET(self):
        parts = urlsplit(self.path)
        if parts.path == "/":
            return self.answer(200, PAGE, "text/html")
        if parts.path != "/search":
            return self.tell(404, {"error": "There is only / and /search?name=LETTERS."})
        name = parse_qs(parts.query, keep_blank_values=True).get("name", [""])[0]
        try:
            return self.tell(200, {"customers": customers(name)})
        except (sqlite3.Error, sqlite3.Warning) as error:
            return self.tell(500, {"error": f"database: {error}"})

    def tell(self, status, data):
        """Answer with JSON."""
        self.answer(status, json.dumps(data, indent=1) + "\n", "application/json")

    def answer(self, status, text, kind):
        """Send one answer."""
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        """Say nothing."""


if __name__ == "__main__":
    ThreadingHTTPServer(("0.0.0.0", SETTINGS["port"]), Terminal).serve_forever()
