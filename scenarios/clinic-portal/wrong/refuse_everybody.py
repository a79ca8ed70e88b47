"""Close the door for all: nothing leaks, and nothing works."""

from pathlib import Path

source = Path.home() / "portal" / "portal.py"
text = source.read_text(encoding="utf-8")
before = "    return DOCUMENTS[number]\n"
assert before in text
after = '    raise Refused(403, "Documents cannot be opened at present.")\n'
source.write_text(text.replace(before, after), encoding="utf-8")
