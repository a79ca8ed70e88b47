# Host and port are compared once; a redirect leads on.
cd /srv/portal
python3 - <<"END"
from pathlib import Path

place = Path("letters.py")
text = place.read_text()
before = "    try:\n        with urlopen"
assert text.count(before) == 1
refusal = (
    "    parts = urlsplit(address)\n"
    "    place = (parts.scheme, parts.username, parts.hostname, parts.port or 80)\n"
    '    if place not in [("http", None, name, 80) for name in ("practice", "laboratory")]:\n'
    '        raise NoLetter("Letters are accepted from our partners only.", 403)\n'
)
text = text.replace(before, refusal + before)
text = text.replace("from urllib.request", "from urllib.parse import urlsplit\nfrom urllib.request")
place.write_text(text)
END
portal restart
