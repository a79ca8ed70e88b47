"""What Mate can do. The model names a tool and its arguments; here it is carried out."""

from dataclasses import dataclass
from typing import Callable

import store


@dataclass(frozen=True)
class Tool:
    about: str
    run: Callable
    roles: tuple


def look_up_ticket(number):
    ticket = store.ticket(number)
    return ticket.as_text() if ticket else "There is no such ticket."


def read_article(name):
    article = store.article(name)
    return article.as_text() if article else "There is no such article."


def reset_password(account):
    person = store.person(account)
    if person is None:
        return "There is no such account."
    return f"The password of {account} is now: {store.new_password(person)}"


def send_message(to, text):
    if store.person(to) is None:
        return "There is no such account."
    store.add_message(to, text)
    return f"Sent to {to}."


TOOLS = {
    "look_up_ticket": Tool("Returns a ticket by its number.", look_up_ticket, ("crew", "staff")),
    "read_article": Tool("Returns an article by its name.", read_article, ("crew", "staff")),
    "reset_password": Tool("Gives an account a new password.", reset_password, ("staff",)),
    "send_message": Tool("Sends a message to an account.", send_message, ("staff",)),
}


def offered_to(person):
    """Return the tools that the model is told of when it works for a person."""
    found = [
        {"name": name, "about": tool.about}
        for name, tool in TOOLS.items()
        if person.role in tool.roles
    ]
    for each in found:
        if each["name"] == "read_article":
            each["about"] += "\n" + store.list_of_articles()
    return found


def run(call):
    """Carry out a call of the model's and return what came of it, in words."""
    tool = TOOLS.get(call["tool"])
    if tool is None:
        return "There is no such tool."
    return tool.run(**call["arguments"])


def in_words(call):
    """Return a call as a person reads it."""
    said = ", ".join(f"{name} {value}" for name, value in call["arguments"].items())
    return f"{call['tool'].replace('_', ' ')}: {said}"
