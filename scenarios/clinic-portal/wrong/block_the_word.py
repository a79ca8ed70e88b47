"""Refuse the one name that was abused: another name, or a redirect, leads to the same place."""

from pathlib import Path

source = Path.home() / "portal" / "portal.py"
text = source.read_text(encoding="utf-8")
before = "    try:\n        with urlopen(url, timeout=3) as answer:\n"
assert before in text
after = """    if "records" in url.lower():
        raise Refused(400, "That address is not allowed.")
"""
source.write_text(text.replace(before, after + before), encoding="utf-8")
