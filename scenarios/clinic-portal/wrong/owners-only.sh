# Owners only, whoever else may see a document.
cd /srv/portal
python3 - <<"END"
from pathlib import Path

place = Path("app.py")
text = place.read_text()
open_door = '    me()\n    document = store.document(number) or abort(404)\n'
checked = (
    "    document = store.document(number) or abort(404)\n"
    '    if document["owner"] != me()["id"]:\n'
    "        abort(403)\n"
)
assert text.count(open_door) == 4
text = text.replace(open_door, checked)
place.write_text(text)
END
portal restart
