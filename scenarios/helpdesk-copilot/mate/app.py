"""The helpdesk of Northwater Ferries: everything a browser or a program may ask for."""

from configparser import ConfigParser
from pathlib import Path

from flask import Flask, abort, g, jsonify, request

import assistant
import store
import tools
import waiting

HERE = Path(__file__).resolve().parent

settings = ConfigParser()
settings.read(HERE / "settings.ini")
store.begin(HERE)

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 64 * 1024


def me():
    """Return the person whose token came along, or end the request with 401."""
    if "person" not in g:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        g.person = store.signed_in(token) if kind == "Bearer" else None
    if g.person is None:
        abort(401, "Sign in first.")
    return g.person


def staff():
    """Return the person if they belong to the helpdesk, or end the request with 403."""
    if me().role != "staff":
        abort(403, "Only the helpdesk may do that.")
    return me()


def text_of(name, longest=4000):
    """Return a text of the request, or end it with 400."""
    data = request.get_json(silent=True)
    value = data.get(name) if isinstance(data, dict) else None
    if not isinstance(value, str) or not value.strip() or len(value) > longest:
        abort(400, f"The field {name} is missing or too long.")
    return value.strip()


# --- People -------------------------------------------------------------------------------------


@app.get("/")
def front_page():
    page = (HERE / "page.html").read_text(encoding="utf-8")
    return page.replace("VERSION", settings["mate"]["version"])


@app.post("/api/sign-in")
def sign_in():
    person = store.with_password(text_of("account", 40), text_of("password", 100))
    if person is None:
        abort(401, "That is not an account and password of ours.")
    return {"token": store.new_token(person), "name": person.name, "role": person.role}


@app.get("/api/me")
def my_profile():
    return {"account": me().account, "name": me().name, "role": me().role}


@app.post("/api/people")
def add_person():
    staff()
    person, password = store.add_person(text_of("name", 80))
    return {"account": person.account, "password": password}, 201


@app.get("/api/messages")
def my_messages():
    return jsonify(store.messages_of(me().account))


# --- Tickets and articles -----------------------------------------------------------------------


@app.get("/api/tickets")
def tickets():
    return jsonify([each.shown() for each in store.tickets_for(me())])


@app.post("/api/tickets")
def open_ticket():
    ticket = store.add_ticket(me().account, text_of("subject", 120), text_of("text"))
    return {"number": ticket.number}, 201


@app.get("/api/tickets/<int:number>")
def read_ticket(number):
    mine = (each for each in store.tickets_for(me()) if each.number == number)
    return (next(mine, None) or abort(404)).shown()


@app.post("/api/tickets/<int:number>/note")
def note_ticket(number):
    staff()
    (store.ticket(number) or abort(404)).note = text_of("text")
    return {}


@app.get("/api/articles")
def articles():
    found = store.articles_for(me())
    return jsonify([{"name": each.name, "title": each.title} for each in found])


@app.get("/api/articles/<name>")
def read_article(name):
    mine = (each for each in store.articles_for(me()) if each.name == name)
    return (next(mine, None) or abort(404)).shown()


@app.post("/api/articles/<name>/remarks")
def add_remark(name):
    mine = (each for each in store.articles_for(me()) if each.name == name)
    article = next(mine, None) or abort(404)
    article.remarks.append({"from": me().account, "text": text_of("text"), "note": ""})
    return {}, 201


@app.delete("/api/articles/<name>/remarks")
def clear_remarks(name):
    staff()
    (store.article(name) or abort(404)).remarks.clear()
    return {}


@app.post("/api/articles/<name>/remarks/<int:place>/note")
def note_remark(name, place):
    staff()
    article = store.article(name) or abort(404)
    if place >= len(article.remarks):
        abort(404)
    article.remarks[place]["note"] = text_of("text")
    return {}


# --- Mate ---------------------------------------------------------------------------------------


@app.post("/api/chat")
def chat():
    person = me()
    found = assistant.answer(person, text_of("text", 2000))
    waiting.hold(person, found.waiting)
    return {
        "answer": found.text,
        "done": [tools.in_words(call) for call in found.done],
        "waiting": [tools.in_words(call) for call in found.waiting],
    }


@app.post("/api/confirm")
def confirm():
    """The person says yes to what the last answer showed as waiting."""
    person = me()
    return {"done": [tools.run(call) for call in waiting.take(person)]}


@app.get("/api/health")
def health():
    return {"version": settings["mate"]["version"], "model": assistant.model_answers()}


@app.errorhandler(400)
@app.errorhandler(401)
@app.errorhandler(403)
@app.errorhandler(404)
@app.errorhandler(502)
def told(error):
    return {"error": error.description}, error.code
