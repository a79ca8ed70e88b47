"""What goes out in other forms: right figures, harmless cells, and judged by others' programs."""

import base64
import csv
import io
import json
from datetime import UTC, datetime, timedelta

import httpx
import openpyxl
import pypdfium2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.urls import reverse
from django.utils import timezone
from openbadgeslib.ob3 import OB3Verifier
from openbadgeslib.ob3.verifier import OB3VerificationError
from openpyxl.cell.cell import TYPE_FORMULA
from ralph.models.xapi.base.statements import BaseXapiStatement

from range.accounts.models import AccessRecord, Consent, User
from range.assessment.appeals import answer, contest
from range.assessment.models import Evidence
from range.exercises.models import Attempt
from range.lib import signing
from range.pipeline.exports import case, lrs, tables
from range.pipeline.exports.xapi import statements_of
from range.pipeline.models import StatementDelivery
from range.pipeline.profile import Asked, profile
from range.timeline import tombstones

pytestmark = pytest.mark.django_db
ROLE = "PD-WRL-001"
OUT = ("evidence-report", "skills-csv", "evidence-csv", "workbook", "statements", "badge")
FORMULAS = [
    "=1+1", "+1", "-1+cmd|' /C calc'!A0", "@SUM(1)", "\t=1", "\r=1", "  =1", "\u00a0=1", "\n=1",
    "＝1", '=HYPERLINK("http://x")', "\ufeff=1",
]  # fmt: skip


@pytest.fixture
def ready(proven, state_dir, trainee):
    """A trainee with enough evidence for words."""
    return trainee


def fetch(client, viewer, name, person, **query):
    client.force_login(viewer)
    return client.get(reverse(name, args=[person.pk]), query)


@pytest.fixture
def certain(ready, publish, solved):
    """The same with enough evidence of single skills for a credential."""
    for number in range(6, 12):
        solved(ready, publish(f"yard-{number}", policy="ASSESSED"))
    return ready


# --- rights ---


@pytest.mark.parametrize("name", OUT)
def test_staff_takes_it_along_and_the_trainee_sees_it(client, certain, instructor, name):
    answer = fetch(client, instructor, name, certain)
    assert answer.status_code == 200
    assert answer["Content-Disposition"].startswith("attachment")
    whats = AccessRecord.objects.filter(viewer=instructor).values_list("what", flat=True)
    assert any(what.startswith("took along") for what in whats)


@pytest.mark.parametrize("name", OUT)
def test_an_agency_needs_consent_and_loses_it_at_once(client, certain, assessor, agency, name):
    assert fetch(client, assessor, name, certain).status_code == 404
    assert not AccessRecord.objects.exists()
    consent = Consent.objects.create(trainee=certain, agency=agency)
    assert fetch(client, assessor, name, certain).status_code == 200
    Consent.objects.filter(pk=consent.pk).update(revoked_at=timezone.now())
    assert fetch(client, assessor, name, certain).status_code == 404


@pytest.mark.parametrize("name", OUT)
def test_nothing_finished_is_nothing_to_take(client, trainee, starter, state_dir, name):
    assert fetch(client, trainee, name, trainee).status_code == 404


# --- tables ---


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_begins_a_formula(text):
    table = tables.Table(name="T", heads=("text", "figure"), rows=[(text, -0.5)])
    written = tables.as_csv(table).decode("utf-8-sig")
    row = list(csv.reader(io.StringIO(written, newline="")))[1]
    assert row[0] == f"'{text}"
    assert float(row[1]) == -0.5
    sheet = openpyxl.load_workbook(io.BytesIO(tables.as_xlsx([table]))).active
    assert sheet["A2"].data_type != TYPE_FORMULA
    assert sheet["B2"].value == -0.5


def test_hostile_names_reach_no_spreadsheet_as_a_formula(client, ready, publish, solved):
    attempt = solved(ready, publish("odd"), excerpt='=cmd|" /C calc"!A0\x07')
    scenario = attempt.exercise.version.scenario
    scenario.title = "+evil"
    scenario.save()
    data = fetch(client, ready, "workbook", ready).content
    book = openpyxl.load_workbook(io.BytesIO(data))
    assert [cell for sheet in book for row in sheet.iter_rows() for cell in row
            if cell.data_type == TYPE_FORMULA] == []  # fmt: skip
    text = fetch(client, ready, "evidence-csv", ready).content.decode("utf-8-sig")
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    assert "'+evil" in cells
    assert not any(cell.startswith(("=", "+", "@")) for cell in cells)


def test_tables_say_what_the_page_says(client, ready):
    text = fetch(client, ready, "skills-csv", ready, role=ROLE).content.decode("utf-8-sig")
    rows = {row["skill"]: row for row in csv.DictReader(io.StringIO(text, newline=""))}
    shown = profile(ready, viewer=ready, asked=Asked(role_code=ROLE))
    for line in (*shown.required, *shown.others):
        row = rows[line.key]
        assert float(row["mean (logits)"]) == pytest.approx(line.standing.mean, abs=1e-6)
        assert int(row["checks"]) == line.standing.tally.checks
        assert row["against the cut"] == (line.word.value if line.word else "")
    book = openpyxl.load_workbook(
        io.BytesIO(fetch(client, ready, "workbook", ready, role=ROLE).content)
    )
    assert book.sheetnames == ["Skills", "Evidence"]
    assert book["Evidence"].max_row == 1 + 18


# --- what is contested ---


def told_of_contested(client, person):
    """The words of each form in which a contested figure leaves."""
    token = fetch(client, person, "badge", person, role=ROLE).content.decode()
    said = base64.urlsafe_b64decode(token.split(".")[1] + "==").decode()
    _, pdf = words_of(fetch(client, person, "evidence-report", person, role=ROLE).content)
    book = openpyxl.load_workbook(
        io.BytesIO(fetch(client, person, "workbook", person, role=ROLE).content)
    )
    cells = [cell.value for row in book["Evidence"].iter_rows() for cell in row]
    skills = [[cell.value for cell in row] for row in book["Skills"].iter_rows()]
    counted = sum(row[skills[0].index("contested")] for row in skills[1:])
    text = fetch(client, person, "evidence-csv", person, role=ROLE).content.decode("utf-8-sig")
    return {
        "badge": said,
        "report": " ".join(pdf.split()),
        "workbook": " ".join(str(cell) for cell in cells),
        "csv": text,
        "skills": f"{counted} contested",
    }


def test_what_is_contested_says_so_wherever_it_goes_and_what_came_of_it(
    client, certain, instructor
):
    row = Evidence.objects.filter(attempt__trainee=certain, objective__key="mend").last()
    assert not any("contested," in each for each in told_of_contested(client, certain).values())
    appeal = contest(certain, evidence_id=row.pk, words="That was not me.")
    told = told_of_contested(client, certain)
    assert told.pop("skills") == "1 contested"
    for name, each in told.items():
        assert "contested, not answered yet" in each, name
    assert "1 of its records contested and not answered yet" in told["badge"]
    assert "1 contested and not answered yet" in told["report"]
    answer(instructor, appeal_id=appeal.pk, choice="KEEP", words="It was.")
    told = told_of_contested(client, certain)
    assert told.pop("skills") == "0 contested"
    for name, each in told.items():
        assert "not answered yet" not in each, name
    # The credential lists so many records at most, and all of them the tables do.
    for name in ("workbook", "csv"):
        assert "contested: the record stands" in told[name].lower()


# --- the report ---


def words_of(pdf):
    document = pypdfium2.PdfDocument(pdf)
    return len(document), "".join(page.get_textpage().get_text_range() for page in document)


def test_the_report_says_what_the_page_says_and_is_tagged(client, ready, settings):
    settings.RANGE_NAME = "North Range"
    answer = fetch(client, ready, "evidence-report", ready, role=ROLE)
    pages, words = words_of(answer.content)
    assert pages >= 2
    for said in ("tia", "North Range", "Abuse sudo rules", "not a certification",
                 tombstones.keys().active.id):  # fmt: skip
        assert said in words
    assert b"/StructTreeRoot" in answer.content or b"pdfuaid" in answer.content
    assert b"/JavaScript" not in answer.content


@pytest.mark.parametrize("name", [
    '#panic("x") #read("/etc/passwd")', "*b* $x$ @ref <l> \\ `r` // /* ", "\u202eevil\u0000"[:-1],
    "名前 Ünï", "x" * 120,
])  # fmt: skip
def test_no_text_of_a_persons_is_code_to_the_typesetter(client, ready, publish, solved, name):
    User.objects.filter(pk=ready.pk).update(display_name=name)
    solved(ready, publish("odd"), excerpt=name + "\x1b[31m" + "#import" + "y" * 5000)
    ready.refresh_from_db()
    answer = fetch(client, ready, "evidence-report", ready)
    assert answer.status_code == 200
    assert words_of(answer.content)[0] >= 2


# --- xAPI ---


def test_statements_are_valid_for_a_validator_of_others(ready, proven, publish, finished, judged):
    unmet = finished(ready, publish("missed"))
    judged(unmet, "mend", "gone", "UNMET", hint_rung=2)
    judged(unmet, "mend", "kept", "INCONCLUSIVE")
    from range.assessment.grading import grade

    grade(unmet)
    told = statements_of([*proven, unmet])
    for each in told:
        BaseXapiStatement.model_validate(json.loads(json.dumps(each)))
    assert [each["verb"]["display"]["en-GB"] for each in told[-2:]] == ["failed", "completed"]
    assert len(told) == 18 + 2
    assert len({each["id"] for each in told}) == len(told)
    assert statements_of([*proven, unmet]) == told
    assert told[-2]["context"]["registration"] == str(unmet.pk)
    assert "@" not in json.dumps(told)
    broken = json.loads(json.dumps(told[0]))
    broken["verb"]["id"] = "no iri"
    with pytest.raises(ValueError):
        BaseXapiStatement.model_validate(broken)


@pytest.fixture
def store(settings, proven, state_dir):
    """A learning record store that answers as it is told to."""
    settings.RANGE_LRS_URL = "https://lrs.example/xapi/"
    settings.RANGE_LRS_KEY, settings.RANGE_LRS_SECRET = "key", "secret"
    asked, answers = [], []

    def handle(request):
        asked.append(request)
        answer = answers.pop(0) if answers else httpx.Response(200, json=[])
        if isinstance(answer, Exception):
            raise answer
        return answer

    return asked, answers, httpx.MockTransport(handle)


def test_nothing_is_sent_until_the_operator_names_a_store(proven, settings):
    settings.RANGE_LRS_URL = ""
    assert lrs.forward_due() == 0
    assert not StatementDelivery.objects.exists()


def test_each_attempt_is_sent_once_to_the_operators_address(store):
    asked, _, transport = store
    assert lrs.forward_due(transport) == 6
    assert lrs.forward_due(transport) == 0
    assert {str(request.url) for request in asked} == {"https://lrs.example/xapi/statements"}
    first = asked[0]
    assert first.headers["X-Experience-API-Version"] == "1.0.3"
    assert base64.b64decode(first.headers["Authorization"].split()[1]) == b"key:secret"
    for each in json.loads(first.content):
        BaseXapiStatement.model_validate(each)


@pytest.mark.parametrize("answer", [
    httpx.Response(500), httpx.Response(302, headers={"Location": "https://evil.example/"}),
    httpx.ConnectError("no route"), httpx.ReadTimeout("slow"),
])  # fmt: skip
def test_a_store_that_is_away_is_tried_again_later_and_nowhere_else(store, answer):
    asked, answers, transport = store
    answers.append(answer)
    assert lrs.forward_due(transport) == 0
    assert [request.url.host for request in asked] == ["lrs.example"]
    waiting = StatementDelivery.objects.get(tries=1)
    assert waiting.next_at > timezone.now()
    assert waiting.error
    assert lrs.forward_due(transport) == 5
    StatementDelivery.objects.update(next_at=timezone.now() - timedelta(seconds=1))
    assert lrs.forward_due(transport) == 1
    assert not StatementDelivery.objects.filter(sent_at=None).exists()


def test_a_store_that_knows_some_already_is_sent_the_others_one_by_one(store):
    """A whole batch is refused for one statement that the store has; the others are news to it."""
    asked, answers, transport = store
    answers += [httpx.Response(409), httpx.Response(409)]
    assert lrs.forward_due(transport) == 6
    whole, *single = [json.loads(request.content) for request in asked][:5]
    assert len(whole) == 3
    assert [each for one in single[:3] for each in one] == whole
    assert not StatementDelivery.objects.filter(sent_at=None).exists()


def test_a_store_that_fails_at_one_of_them_is_tried_again(store):
    _, answers, transport = store
    answers += [httpx.Response(409), httpx.Response(200), httpx.Response(500)]
    assert lrs.forward_due(transport) == 0
    assert StatementDelivery.objects.get(tries=1).error == "the store answered 500"


def test_a_grade_made_while_statements_are_on_their_way_is_sent_too(store, proven):
    from range.assessment.grading import grade

    asked, _, transport = store
    first = []

    def handle(request):
        if not first:
            first.append(grade(Attempt.objects.get(pk=registration(request))))
        return transport.handler(request)

    assert lrs.forward_due(httpx.MockTransport(handle)) == 6
    assert lrs.forward_due(transport) == 1
    assert registration(asked[-1]) == str(first[0].attempt_id)
    told = json.loads(asked[-1].content)[-1]
    assert told["verb"]["id"].endswith("/completed")


def registration(request):
    return json.loads(request.content)[0]["context"]["registration"]


def test_a_later_grade_is_sent_too(store, proven):
    from range.assessment.grading import grade

    asked, _, transport = store
    lrs.forward_due(transport)
    grade(proven[0])
    assert lrs.forward_due(transport) == 1
    assert json.loads(asked[-1].content)[-1]["verb"]["id"].endswith("/completed")


# --- the credential ---


def pem_of(key):
    public = Ed25519PublicKey.from_public_bytes(key.raw())
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def test_the_credential_is_verified_by_others(client, certain, settings):
    token = fetch(client, certain, "badge", certain, role=ROLE).content.decode()
    verifier = OB3Verifier(pubkey_pem=pem_of(tombstones.keys().active))
    found = verifier.verify(token, expected_recipient=f"urn:uuid:{certain.pk}")
    assert found.issuer.name == "Muster"
    said = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    results = {each["resultDescription"].split("#")[1]: each["value"]
               for each in said["credentialSubject"]["result"]}  # fmt: skip
    shown = profile(certain, viewer=certain, asked=Asked(role_code=ROLE))
    enough = [each for each in (*shown.required, *shown.others) if each.standing.tally.suffices]
    assert set(results) == {each.key for each in enough}
    assert all(each.interval in results[each.key] for each in enough)
    assert len(said["evidence"]) >= 10
    aligned = said["credentialSubject"]["achievement"]["alignment"]
    assert {each["targetCode"].split(":")[0] for each in aligned} >= {"nice"}
    for each in aligned:
        path = each["targetUrl"].removeprefix(settings.RANGE_PUBLIC_ORIGIN.rstrip("/"))
        assert client.get(path).status_code == 200, path
    assert datetime.fromisoformat(said["validUntil"]) > datetime.now(UTC) + timedelta(days=300)


def test_a_changed_or_foreign_credential_is_refused_by_others(client, certain, tmp_path):
    token = fetch(client, certain, "badge", certain).content.decode()
    verifier = OB3Verifier(pubkey_pem=pem_of(tombstones.keys().active))
    head, body, signature = token.split(".")
    said = json.loads(base64.urlsafe_b64decode(body + "=="))
    said["credentialSubject"]["result"][0]["value"] = "9.0 to 9.9"
    forged = base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()
    changed = ("B" if signature[0] == "A" else "A") + signature[1:]
    for bad in (f"{head}.{forged}.{signature}", f"{head}.{body}.{changed}", token[:-9]):
        with pytest.raises(OB3VerificationError):
            verifier.verify(bad)
    other = OB3Verifier(pubkey_pem=pem_of(signing.keyring(tmp_path / "other").active))
    with pytest.raises(OB3VerificationError):
        other.verify(token)


def test_without_enough_evidence_there_is_no_credential(
    client, trainee, publish, solved, starter, state_dir
):
    solved(trainee, publish())
    answer = fetch(client, trainee, "badge", trainee)
    assert answer.status_code == 409
    assert "enough evidence" in answer.content.decode()


# --- competencies ---


def test_the_package_of_competencies_is_whole(client, trainee, starter):
    client.force_login(trainee)
    told = json.loads(client.get(reverse("competencies")).content)
    assert told == json.loads(json.dumps(case.package()))
    items = {each["identifier"]: each for each in told["CFItems"]}
    assert len(items) >= 30
    assert len(items) == len(told["CFItems"])
    assert told["CFAssociations"]
    for each in told["CFAssociations"]:
        assert each["originNodeURI"]["identifier"] in items
        assert each["associationType"] in {"exactMatchOf", "isPartOf", "isRelatedTo"}
        assert "unreviewed" in each["notes"] or "reviewed" in each["notes"]
    assert told["CFDocument"]["CFPackageURI"]["uri"].startswith("http")
