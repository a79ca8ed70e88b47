# Only reading asks whose document it is.
cd /srv/portal
python3 - <<"END"
from pathlib import Path

place = Path("app.py")
text = place.read_text()
open_door = '    me()\n    document = store.document(number) or abort(404)\n'
checked = (
    '    if number not in [each["id"] for each in store.documents_for(me()["id"])]:\n'
    "        abort(404)\n"
    "    document = store.document(number)\n"
)
assert text.count(open_door) == 4
text = text.replace(open_door, checked, 1)
place.write_text(text)
END
portal restart
