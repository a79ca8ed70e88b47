"""The switchboard: answers for everybody who can be called on a Saturday."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WORDS = json.load(open("/srv/people.json"))


class Switchboard(BaseHTTPRequestHandler):
    def do_GET(self):
        said = WORDS.get(
            self.path.strip("/"),
            "You hear a recorded voice: our office is closed until Monday at eight.",
        )
        body = (said + "\n").encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


service = ThreadingHTTPServer(("0.0.0.0", 8080), Switchboard)
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
service.serve_forever()
