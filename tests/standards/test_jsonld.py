"""Skills as JSON-LD: right by a processor of others, negotiated, stable, and private by default."""

import json
import uuid

import pytest
from django.urls import reverse
from django.utils import timezone
from pyld import jsonld as processor

from range.competencies import services
from range.competencies.models import Alignment, ObservableSkill
from range.standards import jsonld

pytestmark = pytest.mark.django_db
KEY = "analyse-logs"
SKOS, SCHEMA = "http://www.w3.org/2004/02/skos/core#", "https://schema.org/"


@pytest.fixture(autouse=True)
def starter(db, settings):
    settings.RANGE_PUBLIC_ORIGIN = "https://range.example/"
    services.load_starter()


@pytest.fixture
def public(settings):
    settings.RANGE_PUBLISH_SKILLS = True


def one(client, **headers):
    return client.get(reverse("skill-jsonld", args=[KEY]), headers=headers)


def review(code, person):
    Alignment.objects.filter(skill__key=KEY, code=code).update(
        reviewed_by=person, reviewed_at=timezone.now()
    )


def test_a_processor_of_others_reads_what_is_meant(instructor):
    review("S0866", instructor)

    def no_network(url, options):
        raise AssertionError(f"{url} was asked for")

    document = jsonld.scheme_document(list(ObservableSkill.objects.order_by("key")))
    expanded = processor.expand(document, {"documentLoader": no_network})
    nodes = {each["@id"]: each for each in expanded}
    skill = nodes[f"https://range.example/observable-skills/{KEY}/"]
    assert skill["@type"] == [f"{SKOS}Concept"]
    assert skill[f"{SKOS}prefLabel"] == [{"@value": "Analyse logs", "@language": "en"}]
    assert len(skill[f"{SCHEMA}hasDefinedTerm"][0]["@list"]) == 3
    assert skill[f"{SKOS}exactMatch"] == [
        {"@id": "https://range.example/frameworks/nice/2.1.0/S0866/"}
    ]
    assert f"{SKOS}broadMatch" not in skill
    assert len(skill[f"{SCHEMA}educationalAlignment"]) == 5
    scheme = nodes["https://range.example/observable-skills/"]
    assert len(scheme[f"{SKOS}hasTopConcept"]) == ObservableSkill.objects.count()
    triples = processor.to_rdf(document, {"documentLoader": no_network})["@default"]
    assert len(triples) > 10 * ObservableSkill.objects.count()
    again = processor.compact(expanded, document["@context"], {"documentLoader": no_network})
    assert len(again["@graph"]) == len(document["@graph"])


def test_every_term_is_defined_and_every_key_is_a_term():
    """What no context defines a processor drops without a word."""
    terms = set(jsonld.CONTEXT)
    assert all(
        (value if isinstance(value, str) else value["@id"]).partition(":")[0]
        in {"@id", "@type", "http", "https", "skos", "schema", "xsd"}
        for value in jsonld.CONTEXT.values()
    )

    def walk(node):
        if isinstance(node, dict):
            for key, value in node.items():
                if key != "@context":
                    assert key in terms | {"@graph"}, key
                    walk(value)
        for each in node if isinstance(node, list) else ():
            walk(each)

    walk(jsonld.scheme_document(list(ObservableSkill.objects.all())))


def test_what_nobody_reviewed_is_told_but_not_asserted(instructor):
    skill = ObservableSkill.objects.get(key=KEY)
    told = jsonld.skill_document(skill)
    assert not {"exactMatch", "broadMatch", "relatedMatch"} & told.keys()
    assert {each["status"] for each in told["alignments"]} == {"unreviewed"}
    review("T1489", instructor)
    told = jsonld.skill_document(skill)
    assert told["broadMatch"] == ["https://range.example/frameworks/nice/2.1.0/T1489/"]
    (looked_at,) = [each for each in told["alignments"] if each["status"] == "reviewed"]
    assert looked_at["relation"] == "part-of"
    assert instructor.username not in json.dumps(told)


def test_rejected_alignments_are_left_out(instructor):
    review("S0866", instructor)
    Alignment.objects.filter(skill__key=KEY, code="S0866").update(is_rejected=True)
    told = jsonld.skill_document(ObservableSkill.objects.get(key=KEY))
    assert "S0866" not in json.dumps(told)


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html"),
        ("*/*", "text/html"),
        ("application/ld+json", jsonld.MEDIA_TYPE),
        ("application/json", jsonld.MEDIA_TYPE),
        ("text/html;q=0.5, application/ld+json", jsonld.MEDIA_TYPE),
        ("image/png", "text/html"),
    ],
)
@pytest.mark.parametrize("name", ["observable-skill", "observable-skills"])
def test_the_same_address_answers_as_asked(client, trainee, name, accept, content_type):
    client.force_login(trainee)
    address = reverse(name, args=[KEY] if name == "observable-skill" else [])
    answer = client.get(address, headers={"accept": accept})
    assert answer.headers["content-type"].partition(";")[0] == content_type
    assert "Accept" in answer.headers["vary"]


def test_the_address_with_its_ending_is_the_same_document(client, trainee):
    client.force_login(trainee)
    negotiated = client.get(
        reverse("observable-skill", args=[KEY]), headers={"accept": "application/ld+json"}
    )
    assert one(client).content == negotiated.content
    assert json.loads(negotiated.content)["id"].endswith(f"/observable-skills/{KEY}/")


def test_addresses_are_these_and_stay_these():
    assert reverse("observable-skill", args=[KEY]) == "/observable-skills/analyse-logs/"
    assert reverse("skill-jsonld", args=[KEY]) == "/observable-skills/analyse-logs.jsonld"
    assert reverse("skills-jsonld") == "/observable-skills.jsonld"
    assert reverse("framework-entry", args=["nice", "2.1.0", "S0866"]) == (
        "/frameworks/nice/2.1.0/S0866/"
    )


# --- who gets it ---


def test_without_the_operators_switch_strangers_get_the_sign_in_page(client):
    for address in (
        reverse("skill-jsonld", args=[KEY]),
        reverse("skills-jsonld"),
        reverse("observable-skill", args=[KEY]),
    ):
        answer = client.get(address, headers={"accept": "application/ld+json"})
        assert answer.status_code == 302
        assert answer.url.startswith("/sign-in/")
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "ETag" not in answer.headers


def test_whoever_signs_in_gets_it_without_headers_for_other_sites(client, trainee):
    client.force_login(trainee)
    answer = one(client)
    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_with_the_switch_everybody_gets_the_documents_and_only_them(client, public):
    answer = one(client)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Cookie" not in answer.headers.get("Vary", "")
    again = one(client, **{"if-none-match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["Access-Control-Allow-Origin"] == "*"
    page = client.get(reverse("observable-skill", args=[KEY]), headers={"accept": "text/html"})
    assert page.status_code == 302
    assert "Access-Control-Allow-Origin" not in page.headers


def test_a_changed_document_has_another_tag(client, public, instructor):
    before = one(client).headers["ETag"]
    assert one(client).headers["ETag"] == before
    review("S0866", instructor)
    after = one(client, **{"if-none-match": before})
    assert after.status_code == 200
    assert after.headers["ETag"] != before


def test_the_document_is_the_same_for_everybody(client, public, trainee, instructor):
    nobody = one(client).content
    for person in (trainee, instructor):
        client.force_login(person)
        assert one(client).content == nobody


def test_whoever_must_choose_a_password_does_so_first(client, trainee):
    trainee.must_choose_password = True
    trainee.save()
    client.force_login(trainee)
    answer = client.get(reverse("observable-skill", args=[KEY]))
    assert answer.status_code == 302
    assert answer.url.startswith(reverse("choose-password"))


def test_a_skill_that_is_not_there_is_missing_for_strangers_too(client, public):
    assert client.get(reverse("skill-jsonld", args=[uuid.uuid4().hex])).status_code == 404
