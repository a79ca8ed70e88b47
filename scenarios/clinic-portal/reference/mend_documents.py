"""Let a document be read only by those it is for."""

from pathlib import Path

SOURCE = Path.home() / "portal" / "portal.py"
BEFORE = """    return DOCUMENTS[number]
"""
AFTER = """    document = DOCUMENTS[number]
    if not may_read(name, document):
        # The same answer as for a number that does not exist: it tells nobody what there is.
        raise Refused(404, "There is no such document.")
    return document
"""
text = SOURCE.read_text(encoding="utf-8")
assert BEFORE in text, "the portal's source is not as expected"
SOURCE.write_text(text.replace(BEFORE, AFTER), encoding="utf-8")
