"""The gate's service: takes what arrives, asks the rules about it, and tells their verdict.

Every question is answered in a process of its own, with a time limit, which reads the rules anew:
a saved change counts at once, and a mistake in the rules is an answer and stops nothing.
"""

import base64
import glob
import io
import json
import os
import pickle
import pickletools
import re
import signal
import sys
import time
import traceback
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import ForkingMixIn

# Loaded once, so that rules which use them begin at once.
assert io and pickle and pickletools and re and zipfile
LIMIT_BYTES = 4 << 20
LIMIT_SECONDS = 8
KINDS = ("model", "release", "sbom")


class Gate(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(200, {"gate": "open for questions", "ask": [f"POST /{kind}" for kind in KINDS]})

    def do_POST(self):
        kind = self.path.strip("/")
        length = int(self.headers.get("Content-Length") or 0)
        if kind not in KINDS or length > LIMIT_BYTES:
            return self.answer(404 if kind not in KINDS else 413, {"error": "no such question"})
        signal.signal(signal.SIGALRM, too_long)
        signal.alarm(LIMIT_SECONDS)
        question = self.rfile.read(length)
        try:
            why = [str(each) for each in asked(kind, json.loads(question))]
            found = 200, {"verdict": "refuse" if why else "accept", "why": why}
        except BaseException:
            note(f"{kind}: " + traceback.format_exc().strip().splitlines()[-1])
            found = 500, {"error": "the rules failed; see: gate log"}
        if ran():
            note(f"{kind}: the rules ran what they were asked to judge")
            found = 500, {"error": "the rules ran what they were asked to judge"}
        return self.answer(*found)

    def answer(self, status, value):
        body = json.dumps(value).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


class Service(ForkingMixIn, HTTPServer):
    max_children = 24


def asked(kind, question):
    """Return the reasons that the rules give."""
    sys.path.insert(0, "/srv/gate")
    import rules

    if kind == "model":
        return rules.model(question["name"], base64.b64decode(question["content"], validate=True))
    if kind == "release":
        return rules.release(question["name"], question["sha256"])
    return rules.sbom(question)


def too_long(*_):
    raise TimeoutError("the rules took too long")


def ran():
    """Tell whether code of what was judged left its mark, and wipe the mark away."""
    marks = glob.glob("/var/tmp/ran-*")
    for mark in marks:
        os.unlink(mark)
    return bool(marks)


def note(text):
    with open("/var/log/gate.log", "a") as log:
        log.write(f"{time.strftime('%H:%M:%S')} {text}\n")


sys.dont_write_bytecode = True
os.umask(0o022)
open("/var/log/gate.log", "a").close()
os.chown("/var/log/gate.log", 1500, 1500)
service = Service(("0.0.0.0", 8080), Gate)
os.setgroups([])
os.setgid(1500)
os.setuid(1500)
service.serve_forever()
