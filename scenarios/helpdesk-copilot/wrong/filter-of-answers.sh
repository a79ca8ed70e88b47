# Answers to the crew are searched for what must not leave.
cd /srv/mate
python3 - <<"END"
from pathlib import Path

place = Path("assistant.py")
text = place.read_text()
before = '            found.text = reply["say"]\n'
assert text.count(before) == 1
text = text.replace(
    before,
    before
    + '            if person.role == "crew" and (\n'
    '                settings["mate"]["desk_word"] in found.text\n'
    '                or any(a.text in found.text for a in store.all_articles() if a.audience == "staff")\n'
    "            ):\n"
    '                found.text = "I must not tell that."\n',
)
text = text.replace("import tools\n", "import store\nimport tools\n", 1)
place.write_text(text)
place = Path("store.py")
place.write_text(place.read_text() + "\n\ndef all_articles():\n    return _articles.values()\n")
END
next restart
