"""Gives the nightly export to whoever asks; only the server network is meant to reach it."""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

FOLDER = Path("/srv/export")
LISTING = "Export service of Riverside Clinic. Files: /nightly.csv\n"
asked = 0


class Export(BaseHTTPRequestHandler):
    def do_GET(self):
        global asked
        if self.path == "/alive":
            return self.answer(200, "yes\n")
        asked += 1
        if self.path == "/nightly.csv":
            return self.answer(200, (FOLDER / "nightly.csv").read_text())
        return self.answer(200, LISTING) if self.path == "/" else self.answer(404, "No such file.\n")

    def answer(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


class Count(Export):
    def do_GET(self):
        self.answer(200, f'{{"asked": "{asked}"}}\n')


address, port = sys.argv[1], int(sys.argv[2])
if len(sys.argv) > 3:
    counter = ThreadingHTTPServer(("0.0.0.0", int(sys.argv[3])), Count)
    Thread(target=counter.serve_forever, daemon=True).start()
ThreadingHTTPServer((address, port), Export).serve_forever()
