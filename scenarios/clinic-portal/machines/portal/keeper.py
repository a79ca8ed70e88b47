"""Keeps the portal running, and takes new versions of it from the security desk."""

import hmac
import json
import os
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import Request, urlopen

HOME = Path("/srv/portal")
DATA, SOURCE, KEY = HOME / "data.json", HOME / "portal.py", HOME / "deploy.key"
LIMIT = 64 * 1024
ACCOUNT = 990


class Keeper:
    """The portal's process, and the lock that lets one deployment happen at a time."""

    def __init__(self):
        self.lock = threading.Lock()
        self.child = None
        self.is_clean = False

    def run(self):
        """Start the portal again whenever it ends."""
        while True:
            with self.lock:
                self.start()
            self.child.wait()
            time.sleep(0.3)

    def start(self):
        self.child = subprocess.Popen(
            ["/usr/bin/python3", str(SOURCE)],
            user=ACCOUNT,
            group=ACCOUNT,
            extra_groups=[],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        )

    def deploy(self, source):
        """Put a new version to work; raise ValueError with a sentence if it cannot be."""
        try:
            compile(source, "portal.py", "exec")
        except (SyntaxError, ValueError) as error:
            raise ValueError(f"Python cannot read it: {error}") from error
        with self.lock:
            self.clean()
            SOURCE.write_bytes(source)
            self.child.kill()
        if not self.answers():
            raise ValueError("it was put in place, but the portal does not answer. Mend it.")

    def clean(self):
        """Go live: whatever the exercise had hidden in the records is taken out."""
        if self.is_clean:
            return
        data = json.loads(DATA.read_text(encoding="utf-8"))
        for document in data["documents"]:
            document.pop("reference", None)
        DATA.write_text(json.dumps(data), encoding="utf-8")
        key = KEY.read_text(encoding="utf-8").strip()
        urlopen(
            Request(f"{data['records']}/clean", data=b"", headers={"X-Key": key}), timeout=3
        ).close()
        self.is_clean = True

    @staticmethod
    def answers():
        for _ in range(40):
            time.sleep(0.2)
            try:
                with urlopen("http://127.0.0.1:8080/api/status", timeout=1):
                    return True
            except OSError:
                continue
        return False


KEEPER = Keeper()


class Door(BaseHTTPRequestHandler):
    """Takes deployments from whoever has the key."""

    timeout = 10

    def do_POST(self):
        key = KEY.read_text(encoding="utf-8").strip()
        length = int(self.headers.get("Content-Length") or 0)
        if self.path != "/deploy" or not 0 < length <= LIMIT:
            return self.answer(400, f"send portal.py, at most {LIMIT} bytes, to /deploy.")
        source = self.rfile.read(length)
        if not hmac.compare_digest(self.headers.get("X-Deploy-Key", "").encode(), key.encode()):
            return self.answer(403, "the deployment key is wrong.")
        try:
            KEEPER.deploy(source)
        except (ValueError, OSError) as error:
            return self.answer(400, str(error))
        return self.answer(200, "Deployed. The portal runs your version.")

    def answer(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Say nothing: nobody reads this machine's output."""


def main():
    os.umask(0o077)
    os.chown(DATA, ACCOUNT, ACCOUNT)
    os.chmod(DATA, 0o400)
    os.chown(SOURCE, 0, ACCOUNT)
    os.chmod(SOURCE, 0o640)
    threading.Thread(target=KEEPER.run, daemon=True).start()
    ThreadingHTTPServer(("0.0.0.0", 8081), Door).serve_forever()


if __name__ == "__main__":
    main()
