"""Look at how the address begins: what stands before an @ is not the host that is asked."""

from pathlib import Path

source = Path.home() / "portal" / "portal.py"
text = source.read_text(encoding="utf-8")
before = "    try:\n        with urlopen(url, timeout=3) as answer:\n"
assert before in text
after = """    if not url.startswith("http://referrals:8000"):
        raise Refused(400, "Letters come from partners of the clinic only.")
"""
source.write_text(text.replace(before, after + before), encoding="utf-8")
