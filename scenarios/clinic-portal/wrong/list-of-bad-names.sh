# Some names of inside places are refused.
cd /srv/portal
python3 - <<"END"
from pathlib import Path

place = Path("letters.py")
text = place.read_text()
before = "    try:\n        with urlopen"
assert text.count(before) == 1
refusal = (
    '    if any(name in address.lower() for name in ("127.0.0.1", "localhost", "records", "0.0.0.0")):\n'
    '        raise NoLetter("This address is not allowed.", 403)\n'
)
text = text.replace(before, refusal + before)
place.write_text(text)
END
portal restart
