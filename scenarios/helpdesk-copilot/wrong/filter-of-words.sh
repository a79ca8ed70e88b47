# Texts with certain words are refused.
cd /srv/mate
python3 - <<"END"
from pathlib import Path

place = Path("assistant.py")
text = place.read_text()
before = "        messages.append({"
assert text.count(before) == 1
text = text.replace(before, '        if suspicious(result):\n            result = "Removed."\n' + before)
text = text.replace(
    "    messages = [\n",
    '    if suspicious(question):\n        return Answer("I must not answer that.")\n    messages = [\n',
)
text += '''

WORDS = ("ignore", "disregard", "previous instructions", "system", "assistant", "reset the password")


def suspicious(text):
    return any(word in text.lower() for word in WORDS)
'''
place.write_text(text)
END
next restart
