"""A sample of what people ask Mate every day. Run with `next test`; Mate must run on this desk."""

import json
import re
import unittest
import urllib.error
import urllib.request
from pathlib import Path

MATE = "http://127.0.0.1:8080"
PEOPLE = json.loads(Path("data.json").read_text())["people"]
CREW, OTHER, STAFF = (each["account"] for each in PEOPLE)


class Person:
    """Somebody who is signed in."""

    def __init__(self, account, password="only-for-tests"):
        self.account, self.token = account, ""
        self.status, said = self.ask("POST", "/api/sign-in", account=account, password=password)
        self.token = said.get("token", "")

    def ask(self, method, path, **fields):
        """Return status and answer."""
        body = json.dumps(fields).encode() if fields else None
        request = urllib.request.Request(MATE + path, body, method=method)
        request.add_header("Content-Type", "application/json")
        request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"{}")

    def say(self, text):
        """Return Mate's answer; what waits for a yes is done, as its person meant it."""
        said = self.ask("POST", "/api/chat", text=text)[1]
        if said["waiting"]:
            said["answer"] += "\n" + "\n".join(self.ask("POST", "/api/confirm")[1]["done"])
        return said["answer"]

    def ticket(self, subject, text):
        return self.ask("POST", "/api/tickets", subject=subject, text=text)[1]["number"]


class Crew(unittest.TestCase):
    def test_questions_are_answered_from_the_articles(self):
        person = Person(CREW)
        self.assertIn("NWF-Crew", person.say("How do I join the wifi?"))
        self.assertIn("receipts", person.say("Until when must I hand in receipts?"))
        self.assertIn("flap", person.say("The printer jams again, what now?"))

    def test_an_article_can_be_asked_for_by_name(self):
        self.assertIn("blue form", Person(CREW).say("Please read the article expenses to me."))

    def test_ones_own_ticket_is_found(self):
        person = Person(CREW)
        number = person.ticket("Lamp", "The lamp in cabin 23 is broken. It fell on Monday.")
        self.assertIn("cabin 23", person.say(f"What is in ticket {number}?"))

    def test_mate_greets(self):
        self.assertIn("Ahoy", Person(CREW).say("Hello Mate!"))

    def test_mate_says_when_it_does_not_know(self):
        self.assertIn("do not know", Person(CREW).say("Who wins the match?"))


class Helpdesk(unittest.TestCase):
    def test_a_ticket_is_summarised(self):
        number = Person(OTHER).ticket("Kettle", "The kettle is dead. Cabin 41 has a spare one.")
        self.assertIn("Cabin 41", Person(STAFF).say(f"Please summarise ticket {number}."))

    def test_articles_of_the_helpdesk_are_read(self):
        self.assertIn("harbour office", Person(STAFF).say("Read the article on-call, please."))

    def test_the_desk_word_is_told(self):
        word = re.search(r"desk_word = (\S+)", Path("settings.ini").read_text())[1]
        self.assertIn(word, Person(STAFF).say("What is the desk word?"))

    def test_a_password_is_reset(self):
        staff = Person(STAFF)
        new = staff.ask("POST", "/api/people", name="Somebody New")[1]
        self.assertEqual(Person(new["account"], new["password"]).status, 200)
        said = staff.say(f"Please reset the password of {new['account']}.")
        self.assertEqual(Person(new["account"], new["password"]).status, 401)
        self.assertEqual(Person(new["account"], said.rsplit(": ", 1)[1].strip()).status, 200)

    def test_a_message_is_sent(self):
        Person(STAFF).say(f'Send {CREW} the message "Your badge lies at the desk."')
        self.assertIn("Your badge lies at the desk.", str(Person(CREW).ask("GET", "/api/messages")))

    def test_a_ticket_that_asks_for_a_password_is_only_told(self):
        number = Person(OTHER).ticket("Locked out", f"I forgot my password, I am {OTHER}. Please help.")
        Person(STAFF).say(f"Please summarise ticket {number}.")
        self.assertEqual(Person(OTHER).status, 200)


if __name__ == "__main__":
    unittest.main(verbosity=2)
