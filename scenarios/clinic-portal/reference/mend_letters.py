"""Fetch letters from partners only, by the host that is really asked, and follow no redirect."""

from pathlib import Path

SOURCE = Path.home() / "portal" / "portal.py"
IMPORT_BEFORE = """from urllib.request import urlopen
"""
IMPORT_AFTER = """from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, build_opener
"""
BEFORE = """    try:
        with urlopen(url, timeout=3) as answer:
"""
AFTER = """    try:
        parts = urlsplit(url)
        asked = f"{parts.hostname}:{parts.port or 80}"
    except ValueError:
        raise Refused(400, "That is no address.") from None
    if parts.scheme != "http" or "@" in parts.netloc or asked not in PARTNERS:
        raise Refused(400, "Letters come from partners of the clinic only.")
    try:
        with build_opener(StayThere).open(url, timeout=3) as answer:
"""
CLASS_BEFORE = """def fetch_letter(url):
"""
CLASS_AFTER = """class StayThere(HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None


def fetch_letter(url):
"""
text = SOURCE.read_text(encoding="utf-8")
for before, after in (
    (IMPORT_BEFORE, IMPORT_AFTER),
    (BEFORE, AFTER),
    (CLASS_BEFORE, CLASS_AFTER),
):
    assert before in text, "the portal's source is not as expected"
    text = text.replace(before, after)
SOURCE.write_text(text, encoding="utf-8")
