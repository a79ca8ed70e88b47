"""What patients do every day. Run with `portal test`; needs the portal running on this desk."""

import json
import unittest
import urllib.error
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path

PORTAL = "http://127.0.0.1:8080"
PEOPLE = {each["id"]: each for each in json.loads(Path("fixtures.json").read_text())["people"]}
PATIENT, OTHER, CHILD, DOCTOR = 1, 2, 3, 4


class Visitor:
    """Somebody with a browser of their own."""

    def __init__(self, number=None):
        handler = urllib.request.HTTPCookieProcessor(CookieJar())
        self.opener = urllib.request.build_opener(handler)
        if number:
            person = PEOPLE[number]
            self.ask("POST", "/api/sign-in", email=person["email"], password="only-for-tests")

    def ask(self, method, path, **fields):
        """Return status and answer."""
        body = json.dumps(fields).encode() if fields else None
        request = urllib.request.Request(PORTAL + path, body, method=method)
        request.add_header("Content-Type", "application/json")
        try:
            with self.opener.open(request, timeout=10) as answer:
                status, text = answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read().decode()
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text

    def upload(self, title="A note", text="Some words."):
        return self.ask("POST", "/api/documents", title=title, text=text)[1]["id"]

    def titles(self):
        return [each["title"] for each in self.ask("GET", "/api/documents")[1]]


class Signing(unittest.TestCase):
    def test_the_front_page_shows_the_clinic(self):
        status, page = Visitor().ask("GET", "/")
        self.assertEqual(status, 200)
        self.assertIn("Riverside Clinic", page)

    def test_a_wrong_password_is_refused(self):
        email = PEOPLE[PATIENT]["email"]
        self.assertEqual(Visitor().ask("POST", "/api/sign-in", email=email, password="x")[0], 401)

    def test_a_patient_sees_their_name(self):
        self.assertEqual(Visitor(PATIENT).ask("GET", "/api/me")[1]["name"], PEOPLE[PATIENT]["name"])

    def test_after_signing_out_nothing_is_shown(self):
        visitor = Visitor(PATIENT)
        visitor.ask("POST", "/api/sign-out")
        self.assertEqual(visitor.ask("GET", "/api/me")[0], 401)

    def test_a_telephone_number_can_be_changed(self):
        visitor = Visitor(PATIENT)
        visitor.ask("PATCH", "/api/me", phone="0100 200")
        self.assertEqual(visitor.ask("GET", "/api/me")[1]["phone"], "0100 200")


class Documents(unittest.TestCase):
    def test_a_patient_lists_and_reads_their_documents(self):
        visitor = Visitor(PATIENT)
        self.assertIn("Vaccination card", visitor.titles())
        first = visitor.ask("GET", "/api/documents")[1][0]["id"]
        self.assertEqual(visitor.ask("GET", f"/api/documents/{first}")[0], 200)

    def test_an_upload_can_be_read_and_downloaded(self):
        visitor = Visitor(PATIENT)
        number = visitor.upload(text="Written today.")
        self.assertEqual(visitor.ask("GET", f"/api/documents/{number}")[1]["text"], "Written today.")
        self.assertEqual(visitor.ask("GET", f"/api/documents/{number}/text"), (200, "Written today."))

    def test_a_shared_document_can_be_read_by_the_other(self):
        number = Visitor(PATIENT).upload(title="For you")
        owner = Visitor(PATIENT)
        owner.ask("POST", f"/api/documents/{number}/share", **{"with": PEOPLE[OTHER]["email"]})
        self.assertIn("For you", Visitor(OTHER).titles())
        self.assertEqual(Visitor(OTHER).ask("GET", f"/api/documents/{number}")[0], 200)

    def test_a_guardian_reads_what_belongs_to_the_child(self):
        number = Visitor(CHILD).upload(title="Of the child")
        self.assertEqual(Visitor(PATIENT).ask("GET", f"/api/documents/{number}")[0], 200)

    def test_a_doctor_reads_what_belongs_to_a_patient_of_theirs(self):
        number = Visitor(PATIENT).upload(title="For the doctor")
        self.assertEqual(Visitor(DOCTOR).ask("GET", f"/api/documents/{number}/text")[0], 200)

    def test_a_deleted_document_is_gone(self):
        visitor = Visitor(PATIENT)
        number = visitor.upload()
        self.assertEqual(visitor.ask("DELETE", f"/api/documents/{number}")[0], 200)
        self.assertEqual(visitor.ask("GET", f"/api/documents/{number}")[0], 404)


class Appointments(unittest.TestCase):
    def test_an_appointment_can_be_asked_for_and_read(self):
        visitor = Visitor(PATIENT)
        number = visitor.ask("POST", "/api/appointments", day="Monday", reason="A check")[1]["id"]
        self.assertEqual(visitor.ask("GET", f"/api/appointments/{number}")[1]["reason"], "A check")
        self.assertEqual(Visitor(OTHER).ask("GET", f"/api/appointments/{number}")[0], 404)


class Letters(unittest.TestCase):
    def test_letters_of_every_partner_can_be_imported(self):
        visitor = Visitor(PATIENT)
        for address in ("http://practice/letters/17", "http://laboratory/results/18"):
            status, made = visitor.ask("POST", "/api/referrals", url=address)
            self.assertEqual(status, 201)
            text = visitor.ask("GET", f"/api/documents/{made['id']}")[1]["text"]
            self.assertIn("Reference", text)

    def test_a_letter_that_is_not_there_is_told(self):
        asked = Visitor(PATIENT).ask("POST", "/api/referrals", url="http://practice/nothing")
        self.assertEqual(asked[0], 502)

    def test_the_export_is_reachable(self):
        self.assertEqual(Visitor().ask("GET", "/api/health")[1]["export"], "reachable")


if __name__ == "__main__":
    unittest.main(verbosity=2)
