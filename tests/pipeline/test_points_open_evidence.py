"""Every point that any page shows of a person opens its evidence in one click; all are crawled."""

import re
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest

from range.accounts.models import Consent
from range.pipeline.services import refresh
from tests.support.page_tree import tree

pytestmark = pytest.mark.django_db
EVIDENCE = re.compile(r"^/evidence/[0-9a-f-]{36}/$")
# What looks like a point must be marked as one, so that no new page is forgotten.
LOOKS_LIKE_A_POINT = {
    "interval",
    "is-met",
    "is-unmet",
    "verdict__ring",
    "growth__drawing",
    "claim",
    "cell--met",
    "cell--partial",
    "cell--open",
    "cell--waiting",
}
# Nothing was seen, so there is nothing to open.
WITHOUT_EVIDENCE = {"interval--scarce", "cell--none"}
# Downloads, ways out, and pages that speak of nobody in particular.
LEFT_OUT = re.compile(
    r"^/(static|sign-out|recordings|workshop|operations|frameworks|coverage|observable-skills|alignments|scenarios/.*/launch"
    r"|teaching/(cohorts|exercises/assign)|media)|export|\.(csv|xlsx|pdf|json|jsonld|zip|cast)"
)
PAGES_AT_MOST = 150
# Asks for skills that the attempts below tell of.
ROLE = "IO-WRL-005"


class Crawl:
    """Everything one person reaches by links, and the points found there."""

    def __init__(self, client):
        self.client = client
        self.pages = {}
        self.points = []
        self.faults = []

    def page(self, address):
        if address not in self.pages:
            answer = self.client.get(address, follow=True)
            is_page = answer.status_code == 200 and "html" in answer.get("Content-Type", "")
            self.pages[address] = tree(answer.content.decode()) if is_page else None
        return self.pages[address]

    def run(self, *starts):
        waiting, seen = list(starts), set(starts)
        while waiting and len(seen) < PAGES_AT_MOST:
            address = waiting.pop(0)
            page = self.page(address)
            if page is None:
                continue
            self.look(address, page)
            for link in page.links():
                target = urldefrag(urljoin(address, link)).url
                path = urlsplit(target).path
                known = target in seen or ("?" in target and urlsplit(target).path in seen)
                if not target.startswith("/") or LEFT_OUT.search(path) or known:
                    continue
                seen.add(target)
                seen.add(path)
                waiting.append(target)
        return self

    def look(self, address, page):
        for element in page.walk():
            if "data-point" in element.attributes:
                self.points.append((address, element))
                if not self.opens(address, element):
                    self.faults.append(f"{address}: no way to the evidence from {element!r}")
            elif element.classes & LOOKS_LIKE_A_POINT and not element.classes & WITHOUT_EVIDENCE:
                self.must_be_marked(address, element)

    def must_be_marked(self, address, element):
        around = list(element.ancestors())
        is_key = any(each.attributes.get("aria-hidden") == "true" for each in around)
        if not is_key and not any("data-point" in each.attributes for each in around):
            self.faults.append(f"{address}: looks like a point and is not marked: {element!r}")

    def opens(self, address, element):
        if EVIDENCE.match(urlsplit(address).path):
            return True
        return any(self.leads_to_evidence(address, link) for link in element.links())

    def leads_to_evidence(self, address, link):
        target, fragment = urldefrag(urljoin(address, link))
        if EVIDENCE.match(urlsplit(target).path):
            return self.page(target) is not None
        if LEFT_OUT.search(urlsplit(target).path):
            return False
        page = self.page(target)
        if page is None:
            return False
        place = page
        if fragment:
            named = [each for each in page.walk() if each.attributes.get("id") == fragment]
            if not named:
                return False
            # A heading stands for the section it opens.
            around = [each for each in named[0].ancestors() if each.tag in ("section", "article")]
            place = around[0] if around else named[0]
        return any(EVIDENCE.match(urlsplit(each).path) for each in place.links())


@pytest.fixture
def everything(proven, trainee, other_trainee, agency, cohort, publish, solved, finished, judged):
    """A trainee with six good attempts and one that went half wrong, in a class, with consent."""
    from range.exercises.models import Attempt, Exercise

    half = finished(trainee, publish("yard-half"))
    judged(half, "gain", "flag", "UNMET", kind="flag")
    judged(half, "mend", "gone")
    judged(half, "mend", "kept", "INCONCLUSIVE")
    for attempt in Attempt.objects.all():
        attempt.grades.create(
            share=0.5, passed=attempt != half, provisional=False, grader_version="1"
        )
    Exercise.objects.filter(pk=half.exercise_id).update(cohort=cohort)
    Consent.objects.create(trainee=trainee, agency=agency)
    refresh(trainee)
    return half


@pytest.mark.parametrize(
    ("who", "kinds"),
    [
        ("trainee", ("/skills/", "/attempts/", "/evidence/")),
        ("instructor", ("/people/", "/teaching/exercises/", "/review/attempts/", "/evidence/")),
        ("assessor", ("/people/", "/candidates/", "/evidence/")),
    ],
)
def test_every_point_opens_its_evidence(request, client, everything, who, kinds):
    client.force_login(request.getfixturevalue(who))
    crawl = Crawl(client).run(
        "/", f"/people/?role={ROLE}", f"/people/{everything.trainee_id}/?role={ROLE}"
    )
    assert crawl.faults == []
    for kind in kinds:
        assert any(address.startswith(kind) for address, _ in crawl.points), (kind, crawl.pages)
