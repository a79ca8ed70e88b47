"""Compare with the patient alone: those it is shared with, and clinicians, are locked out."""

from pathlib import Path

source = Path.home() / "portal" / "portal.py"
text = source.read_text(encoding="utf-8")
before = "    return DOCUMENTS[number]\n"
assert before in text
after = """    if DOCUMENTS[number]["patient"] != name:
        raise Refused(403, "This document belongs to somebody else.")
    return DOCUMENTS[number]
"""
source.write_text(text.replace(before, after), encoding="utf-8")
