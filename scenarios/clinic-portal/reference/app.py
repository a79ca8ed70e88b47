"""The patient portal of Riverside Clinic: everything a browser or an app may ask for."""

from configparser import ConfigParser
from pathlib import Path
from urllib.request import urlopen

from flask import Flask, Response, abort, g, jsonify, request, session

import letters
import store

HERE = Path(__file__).resolve().parent

settings = ConfigParser()
settings.read(HERE / "settings.ini")

app = Flask(__name__)
app.config.update(
    SECRET_KEY=settings["portal"]["secret_key"],
    SESSION_COOKIE_HTTPONLY=True,
    SESSION_COOKIE_SAMESITE="Lax",
    MAX_CONTENT_LENGTH=256 * 1024,
)
store.open_at(settings["portal"]["database"], fixtures=HERE / "fixtures.json")


def me():
    """Return the person who is signed in, or end the request with 401."""
    if "person" not in g:
        g.person = store.person(session.get("person"))
    if g.person is None:
        abort(401, "Sign in first.")
    return g.person


def asked():
    """Return the JSON object of the request, or end it with 400."""
    data = request.get_json(silent=True)
    if not isinstance(data, dict):
        abort(400, "Send a JSON object.")
    return data


def text_of(data, name, longest=20_000):
    """Return a text of the request, or end it with 400."""
    value = data.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > longest:
        abort(400, f"The field {name} is missing or too long.")
    return value.strip()


def visible(number):
    """Return a document that the person who is signed in may see, or end the request with 404."""
    mine = (each for each in store.documents_for(me()["id"]) if each["id"] == number)
    return next(mine, None) or abort(404)


def own(number):
    """Return a document of the person who is signed in, or end the request with 403 or 404."""
    document = visible(number)
    if document["owner"] != me()["id"]:
        abort(403, "Only the owner may do that.")
    return document


# --- Signing in ---------------------------------------------------------------------------------


@app.get("/")
def front_page():
    page = (HERE / "page.html").read_text(encoding="utf-8")
    return page.replace("VERSION", settings["portal"]["version"])


@app.post("/api/sign-in")
def sign_in():
    data = asked()
    person = store.sign_in(text_of(data, "email", 200), text_of(data, "password", 200))
    if person is None:
        abort(401, "That is not a name and password of ours.")
    session.clear()
    session["person"] = person["id"]
    return {"name": person["name"], "role": person["role"]}


@app.post("/api/sign-out")
def sign_out():
    session.clear()
    return {}


@app.get("/api/me")
def my_profile():
    return {key: me()[key] for key in ("id", "name", "email", "role", "phone")}


@app.patch("/api/me")
def change_profile():
    store.set_phone(me()["id"], text_of(asked(), "phone", 40))
    return {}


# --- Documents ----------------------------------------------------------------------------------


@app.get("/api/documents")
def my_documents():
    found = store.documents_for(me()["id"])
    return jsonify([{key: each[key] for key in ("id", "title", "kind")} for each in found])


@app.post("/api/documents")
def add_document():
    data = asked()
    title, text = text_of(data, "title", 200), text_of(data, "text")
    return {"id": store.add_document(me()["id"], title, "upload", text)}, 201


@app.get("/api/documents/<int:number>")
def read_document(number):
    document = visible(number)
    return {key: document[key] for key in ("id", "title", "kind", "text")}


@app.get("/api/documents/<int:number>/text")
def download_document(number):
    document = visible(number)
    return Response(document["text"], mimetype="text/plain")


@app.post("/api/documents/<int:number>/share")
def share_document(number):
    document = own(number)
    reader = store.person_by_email(text_of(asked(), "with", 200)) or abort(404)
    store.share(document["id"], reader["id"])
    return {}


@app.delete("/api/documents/<int:number>")
def delete_document(number):
    document = own(number)
    store.delete_document(document["id"])
    return {}


# --- Appointments -------------------------------------------------------------------------------


@app.get("/api/appointments")
def my_appointments():
    return jsonify(store.appointments_of(me()["id"]))


@app.post("/api/appointments")
def ask_for_appointment():
    data = asked()
    number = store.add_appointment(me()["id"], text_of(data, "day", 40), text_of(data, "reason", 400))
    return {"id": number}, 201


@app.get("/api/appointments/<int:number>")
def read_appointment(number):
    found = store.appointment(number)
    if found is None or found["person"] != me()["id"]:
        abort(404)
    return found


# --- Letters of referral ------------------------------------------------------------------------


@app.get("/api/partners")
def partners():
    me()
    return dict(settings["partners"])


@app.post("/api/referrals")
def import_letter():
    person = me()
    address = text_of(asked(), "url", 2000)
    try:
        letter = letters.fetch(address, settings["partners"].values())
    except letters.NoLetter as error:
        abort(error.status, str(error))
    number = store.add_document(person["id"], letter.title, "referral", letter.text)
    return {"id": number, "title": letter.title}, 201


# --- Operation ----------------------------------------------------------------------------------


@app.get("/api/health")
def health():
    try:
        with urlopen(settings["export"]["url"] + "alive", timeout=2) as answer:
            export = "reachable" if answer.status == 200 else "strange"
    except OSError:
        export = "unreachable"
    return {"version": settings["portal"]["version"], "export": export}


@app.errorhandler(400)
@app.errorhandler(401)
@app.errorhandler(403)
@app.errorhandler(404)
@app.errorhandler(502)
def told(error):
    return {"error": error.description}, error.code
