"""What Mate can do. The model names a tool and its arguments; here it is carried out."""

from dataclasses import dataclass
from typing import Callable

import store


@dataclass(frozen=True)
class Tool:
    about: str
    run: Callable
    roles: tuple


# These change something or leave the house; they wait for the yes of the person they are done for.
ACTING = {"reset_password", "send_message"}


def look_up_ticket(person, number):
    mine = (each for each in store.tickets_for(person) if str(each.number) == str(number))
    ticket = next(mine, None)
    return ticket.as_text() if ticket else "There is no such ticket for this person."


def read_article(person, name):
    article = next((each for each in store.articles_for(person) if each.name == name), None)
    return article.as_text() if article else "There is no such article for this person."


def reset_password(_, account):
    person = store.person(account)
    if person is None:
        return "There is no such account."
    return f"The password of {account} is now: {store.new_password(person)}"


def send_message(_, to, text):
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
            each["about"] += "\n" + "\n".join(
                f"- {a.name} ({a.audience}): {a.title}" for a in store.articles_for(person)
            )
    return found


def run(person, call):
    """Carry out a call for a person and return what came of it, in words."""
    tool = TOOLS.get(call["tool"])
    if tool is None or person.role not in tool.roles:
        return "There is no such tool for this person."
    return tool.run(person, **call["arguments"])


def in_words(call):
    """Return a call as a person reads it."""
    said = ", ".join(f"{name} {value}" for name, value in call["arguments"].items())
    return f"{call['tool'].replace('_', ' ')}: {said}"
