"""The patient portal of the clinic: sign-in, documents, appointments, letters from partners."""

import json
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from flask import Flask, jsonify, request, session

DATA = json.loads(Path("/srv/portal/data.json").read_text(encoding="utf-8"))
ACCOUNTS = {account["name"]: account for account in DATA["accounts"]}
DOCUMENTS = {document["id"]: document for document in DATA["documents"]}
# Partners whose letters patients may bring in, as host:port.
PARTNERS = DATA["partners"]
APPOINTMENTS = []

app = Flask(__name__)
app.secret_key = DATA["session_key"]
app.config["MAX_CONTENT_LENGTH"] = 16 * 1024


class Refused(Exception):
    """An answer other than success: status and a sentence."""


@app.errorhandler(Refused)
def refused(error):
    status, reason = error.args
    return jsonify({"error": reason}), status


def signed_in():
    name = session.get("name")
    if name not in ACCOUNTS:
        raise Refused(401, "Please sign in first.")
    return name


def may_read(name, document):
    """A document is for its patient, for those it is shared with, and for clinicians."""
    if ACCOUNTS[name]["role"] == "clinician":
        return True
    return name == document["patient"] or name in document["shared_with"]


def document_for(name, number):
    if number not in DOCUMENTS:
        raise Refused(404, "There is no such document.")
    return DOCUMENTS[number]


def fetch_letter(url):
    """Return the text of a letter that a partner offers under an address."""
    if not url.startswith("http://"):
        raise Refused(400, "Give an address that begins with http://")
    try:
        with urlopen(url, timeout=3) as answer:
            return answer.read(20_000).decode("utf-8", errors="replace")
    except (URLError, ValueError, OSError):
        raise Refused(400, "That address gave no letter.") from None


@app.get("/")
def home():
    return (
        "<!doctype html><title>Hollins Clinic</title><h1>Hollins Clinic patient portal</h1>"
        "<p>POST name and password to /api/sign-in, then look at /api/documents. "
        "What this portal talks to is shown at /api/status.</p>"
    )


@app.get("/api/status")
def status():
    return jsonify({"portal": "up", "partners": PARTNERS, "records": DATA["records"]})


@app.post("/api/sign-in")
def sign_in():
    given = request.get_json(silent=True) or request.form
    account = ACCOUNTS.get(str(given.get("name", "")))
    if account is None or account["password"] != str(given.get("password", "")):
        raise Refused(401, "Name and password do not match.")
    session["name"] = account["name"]
    return jsonify({"name": account["name"], "role": account["role"]})


@app.post("/api/sign-out")
def sign_out():
    session.clear()
    return jsonify({"signed_out": True})


@app.get("/api/documents")
def documents():
    name = signed_in()
    mine = [each for each in DOCUMENTS.values() if may_read(name, each)]
    return jsonify([{"id": each["id"], "title": each["title"]} for each in mine])


@app.get("/api/documents/<int:number>")
def document(number):
    return jsonify(document_for(signed_in(), number))


@app.get("/api/appointments")
def appointments():
    name = signed_in()
    return jsonify([each for each in APPOINTMENTS if each["patient"] == name])


@app.post("/api/appointments")
def book():
    name = signed_in()
    wish = str((request.get_json(silent=True) or {}).get("day", "")).strip()
    if not wish:
        raise Refused(400, "Say when you would like to come.")
    APPOINTMENTS.append({"patient": name, "day": wish[:40]})
    return jsonify(APPOINTMENTS[-1]), 201


@app.post("/api/letters")
def letters():
    name = signed_in()
    url = str((request.get_json(silent=True) or {}).get("url", ""))
    if not url:
        raise Refused(400, "Give the address of the letter.")
    text = fetch_letter(url)
    return jsonify({"patient": name, "text": text}), 201


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=8080, threaded=True)
