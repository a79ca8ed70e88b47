# Every call waits for a yes.
cd /srv/mate
python3 - <<"END"
from pathlib import Path

place = Path("assistant.py")
text = place.read_text()
before = "        result = tools.run(call)\n        found.done.append(call)\n"
assert text.count(before) == 1
text = text.replace(
    before,
    "        found.waiting.append(call)\n"
    '        result = "This waits for a yes of the person."\n',
)
place.write_text(text)
END
next restart
