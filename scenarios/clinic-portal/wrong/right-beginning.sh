# An address must begin like that of a partner.
cd /srv/portal
python3 - <<"END"
from pathlib import Path

place = Path("letters.py")
text = place.read_text()
before = "    try:\n        with urlopen"
assert text.count(before) == 1
refusal = (
    '    if not address.startswith(("http://practice", "http://laboratory")):\n'
    '        raise NoLetter("Letters are accepted from our partners only.", 403)\n'
)
text = text.replace(before, refusal + before)
place.write_text(text)
END
portal restart
