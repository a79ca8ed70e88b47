"""Every address as nobody, as another trainee and in the wrong role: the answer, and no change.

An address that is not in the table fails. Each line says what a stranger of each sort gets with
GET and with POST; whatever the answer, no row may have changed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.apps import apps
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from range.accounts.invitations import invite
from range.accounts.models import Organisation
from range.assessment.models import Appeal, Evidence, ReviewItem
from range.authoring.draft_opening import from_skeleton
from range.authoring.models import Draft, DraftTrial, VerificationRun
from range.catalog.models import AllowedImage
from range.catalog.source import File, packed
from range.competencies.models import Alignment, Framework
from range.competencies.services import load_starter
from range.console.models import Recording
from range.exercises.models import Exercise
from range.pipeline.models import Candidacy, CandidacyEntry, ImpactReport, SavedSearch
from range.sandboxes.models import Trial
from tutor.models import Hint, Source, Upload

pytestmark = pytest.mark.django_db

SIGN_IN, MISSING, FORBIDDEN, WRONG_METHOD, SEEN = 302, 404, 403, 405, 200
NOT_FOR_ROLE = (FORBIDDEN, MISSING)
# Tables that a mere visit may touch, and that hold nothing of anybody's work.
VOLATILE = {"sessions.session", "accounts.signinfailure"}


@dataclass(frozen=True)
class Address:
    """What strangers get at one address; nobody signed in always gets the sign-in page.

    Args:
        get: For another trainee of the same cohort.
        post: The same with POST.
        assessor_get: For an assessor whom nobody consented to; as `get` when None.
        arguments: Names of the world's objects that fill in the address.
    """

    get: int | tuple[int, ...]
    post: int | tuple[int, ...]
    assessor_get: int | tuple[int, ...] | None = None
    arguments: tuple[str, ...] = ()
    is_public: bool = False
    data: tuple[tuple[str, str], ...] = ()


def own(*, get: int = MISSING, post: int = WRONG_METHOD) -> Address:
    """A page or fragment of one attempt."""
    return Address(get=get, post=post, arguments=("attempt",))


def of_person() -> Address:
    """Something of a person, for whoever may see their skills."""
    return Address(get=NOT_FOR_ROLE, post=WRONG_METHOD, arguments=("trainee",))


def act(**data: str) -> Address:
    """Something done to one attempt."""
    return Address(get=WRONG_METHOD, post=MISSING, arguments=("attempt",), data=tuple(data.items()))


def of_scenario(*, get: int, post: int, assessor_get: int) -> Address:
    return Address(get=get, post=post, assessor_get=assessor_get, arguments=("slug",))


def of_cohort(*more: str, get: int = WRONG_METHOD, post: int = MISSING, **data: str) -> Address:
    """A page of one cohort, or something done to it."""
    return Address(get=get, post=post, arguments=("cohort", *more), data=tuple(data.items()))


def of_exercise(*more: str, get: int = WRONG_METHOD, post: int = MISSING, **data: str) -> Address:
    """A page of one assigned exercise, or something done to it."""
    return Address(get=get, post=post, arguments=("given", *more), data=tuple(data.items()))


def of_draft(*more: str, get: int = WRONG_METHOD, post: int = FORBIDDEN, **data: str) -> Address:
    """A page of one draft of a scenario, or something done to it."""
    return Address(get=get, post=post, arguments=("draft", *more), data=tuple(data.items()))


TABLE = {
    "home": Address(get=302, post=WRONG_METHOD, assessor_get=302),
    "sign-in": Address(get=302, post=302, is_public=True),
    "sign-out": Address(get=WRONG_METHOD, post=302, is_public=True),
    "healthz": Address(get=(200, 503), post=WRONG_METHOD, is_public=True),
    # Loopback, where tests come from, may read metrics; everybody else has tests of their own.
    "metrics": Address(get=SEEN, post=WRONG_METHOD, is_public=True),
    "capacity": Address(get=FORBIDDEN, post=WRONG_METHOD),
    "capacity-panel": Address(get=FORBIDDEN, post=WRONG_METHOD),
    "under-way": Address(get=FORBIDDEN, post=WRONG_METHOD),
    "under-way-panel": Address(get=FORBIDDEN, post=WRONG_METHOD),
    "choose-password": Address(get=302, post=302),
    # A link that is none: those that lead somewhere have tests of their own.
    "join": Address(get=MISSING, post=MISSING, arguments=("token",), is_public=True),
    "teaching": Address(get=FORBIDDEN, post=WRONG_METHOD),
    "roles-asked": Address(get=FORBIDDEN, post=WRONG_METHOD),
    "role-requirements": Address(
        get=FORBIDDEN, post=FORBIDDEN, arguments=("role_code",), data=(("reason", "Because."),)
    ),
    "make-cohort": Address(get=WRONG_METHOD, post=FORBIDDEN, data=(("name", "Mine"),)),
    "cohort": of_cohort(get=MISSING, post=WRONG_METHOD),
    "change-cohort": of_cohort(name="Mine"),
    "invite": of_cohort(days="7", uses="5"),
    "revoke-invitation": of_cohort("invitation"),
    "add-people": of_cohort(get=MISSING, csv="username,name\nx,X\n", confirm="1"),
    "change-member": of_cohort("trainee", "member_action", get=MISSING),
    "assign-exercise": Address(get=FORBIDDEN, post=FORBIDDEN),
    "exercise": of_exercise(get=MISSING, post=WRONG_METHOD),
    "exercise-panel": of_exercise(get=MISSING, post=WRONG_METHOD),
    "change-exercise": of_exercise(get=MISSING),
    "extend-window": of_exercise(until="2031-01-01T00:00"),
    "close-exercise": of_exercise(get=MISSING),
    "send-message": of_exercise(text="Hello"),
    "steer-all": of_exercise("action", get=MISSING),
    "exercise-trainee": of_exercise("trainee", get=MISSING, post=WRONG_METHOD),
    "steer-one": of_exercise("trainee", "action", get=MISSING),
    "tutor-exercises": Address(get=FORBIDDEN, post=WRONG_METHOD),
    "tutor-class": of_exercise(get=MISSING, post=WRONG_METHOD),
    "tutor-lately": of_exercise(get=MISSING, post=WRONG_METHOD),
    "tutor-hints": of_exercise(get=MISSING, post=WRONG_METHOD),
    "tutor-hint": of_exercise("hint", get=MISSING, post=WRONG_METHOD),
    "note-hint": of_exercise("hint", text="Seen."),
    "tutor-settings": of_exercise(get=MISSING, mode="OFF", tone="brief", model="any"),
    "workshop": Address(get=FORBIDDEN, post=WRONG_METHOD),
    "new-draft": Address(get=WRONG_METHOD, post=FORBIDDEN, data=(("slug", "mine"),)),
    "import-drafts": Address(get=FORBIDDEN, post=FORBIDDEN),
    "scenario-schema": Address(get=FORBIDDEN, post=WRONG_METHOD),
    "draft": of_draft(get=FORBIDDEN, post=WRONG_METHOD),
    "draft-side": of_draft(get=FORBIDDEN, post=WRONG_METHOD),
    "draft-file": of_draft(get=FORBIDDEN, post=WRONG_METHOD),
    "download-file": of_draft(get=FORBIDDEN, post=WRONG_METHOD),
    "draft-changes": of_draft(get=FORBIDDEN, post=WRONG_METHOD),
    "draft-history": of_draft(get=FORBIDDEN, post=WRONG_METHOD),
    "export-draft": of_draft(get=FORBIDDEN, post=WRONG_METHOD),
    "archive-draft": of_draft(),
    "put-report-away": of_draft(),
    "change-revision": of_draft("number", restore="1"),
    "save-draft": of_draft(),
    "draft-files": of_draft(action="delete", path="brief.md"),
    "publish-draft": of_draft(get=FORBIDDEN, revision="1"),
    "scenario-versions": of_scenario(get=FORBIDDEN, post=WRONG_METHOD, assessor_get=FORBIDDEN),
    "compare-versions": of_scenario(get=FORBIDDEN, post=WRONG_METHOD, assessor_get=FORBIDDEN),
    "retire-scenario": of_scenario(get=FORBIDDEN, post=FORBIDDEN, assessor_get=FORBIDDEN),
    "open-version": Address(get=WRONG_METHOD, post=FORBIDDEN, arguments=("version",)),
    "export-version": Address(get=FORBIDDEN, post=WRONG_METHOD, arguments=("version",)),
    "catalogue": Address(get=SEEN, post=WRONG_METHOD, assessor_get=(SEEN, FORBIDDEN)),
    "scenario": of_scenario(get=SEEN, post=WRONG_METHOD, assessor_get=MISSING),
    "scenario-card": of_scenario(get=SEEN, post=WRONG_METHOD, assessor_get=MISSING),
    "launch-panel": of_scenario(get=SEEN, post=WRONG_METHOD, assessor_get=MISSING),
    "exercise-wall": Address(get=MISSING, post=WRONG_METHOD, arguments=("exercise",)),
    "look": own(),
    "workspace": own(),
    "attempt-stream": own(),
    "sandbox-panel": own(),
    "consoles-panel": own(),
    "console-news": own(),
    "open-console": act(machine="box"),
    "close-console": act(machine="box", console="2"),
    "objectives-panel": own(),
    "messages-panel": own(),
    "dismiss-message": act(number="1"),
    "open-web-view": act(machine="box"),
    "submit-answer": act(objective="enter", check="flag", value="FLAG{x}"),
    "run-checks": act(),
    "stop-sandbox": act(),
    "reset-sandbox": act(),
    "reset-machine": act(machine="box"),
    "extend-sandbox": act(),
    "finish-attempt": act(),
    "debrief": own(),
    "grade-panel": own(),
    "replay": own(),
    "recording": Address(get=MISSING, post=WRONG_METHOD, arguments=("recording",)),
    "review-queue": Address(get=FORBIDDEN, post=WRONG_METHOD),
    "review-agreement": Address(get=FORBIDDEN, post=WRONG_METHOD),
    "review-item": Address(
        get=MISSING, post=MISSING, arguments=("review_item",), data=(("level", "2"),)
    ),
    "grade-review": Address(get=MISSING, post=MISSING, arguments=("attempt",)),
    "my-skills": Address(get=SEEN, post=WRONG_METHOD),
    "consent": Address(get=SEEN, post=(302, 400, 404)),
    "people": Address(get=FORBIDDEN, post=WRONG_METHOD, assessor_get=SEEN),
    "tutor-panel": own(),
    "ask-hint": act(question="What now?", objective="enter"),
    "hint-stream": Address(get=MISSING, post=WRONG_METHOD, arguments=("attempt", "hint")),
    "tutor-offer": own(),
    "hint-rating": Address(
        get=WRONG_METHOD,
        post=MISSING,
        arguments=("attempt", "hint"),
        data=(("rating", "NOT_HELPFUL"),),
    ),
    "citation": Address(get=MISSING, post=WRONG_METHOD, arguments=("attempt", "hint", "number")),
    "debrief-account": own(),
    "evidence-keys": Address(get=SEEN, post=WRONG_METHOD, is_public=True),
    "verify-program": Address(get=SEEN, post=WRONG_METHOD, is_public=True),
    "evidence-file": of_person(),
    "evidence-report": of_person(),
    "skills-csv": of_person(),
    "evidence-csv": of_person(),
    "workbook": of_person(),
    "statements": of_person(),
    "badge": of_person(),
    # Frameworks and our own words about skills, for whoever signs in.
    "frameworks": Address(get=SEEN, post=WRONG_METHOD),
    "framework": Address(get=SEEN, post=WRONG_METHOD, arguments=("framework", "release")),
    "framework-changes": Address(get=SEEN, post=WRONG_METHOD, arguments=("framework", "release")),
    "framework-entry": Address(
        get=SEEN, post=WRONG_METHOD, arguments=("framework", "release", "statement")
    ),
    "gaps": Address(get=FORBIDDEN, post=WRONG_METHOD, assessor_get=SEEN),
    "skill-gap": Address(
        get=FORBIDDEN, post=WRONG_METHOD, assessor_get=(SEEN, MISSING), arguments=("skill",)
    ),
    "coverage": Address(get=SEEN, post=WRONG_METHOD),
    "observable-skills": Address(get=SEEN, post=WRONG_METHOD),
    "observable-skill": Address(get=SEEN, post=WRONG_METHOD, arguments=("skill",)),
    "skills-jsonld": Address(get=SEEN, post=WRONG_METHOD),
    "skill-jsonld": Address(get=SEEN, post=WRONG_METHOD, arguments=("skill",)),
    "alignments": Address(get=FORBIDDEN, post=WRONG_METHOD),
    "alignment": Address(get=FORBIDDEN, post=WRONG_METHOD, arguments=("alignment",)),
    "decide-alignment": Address(
        get=WRONG_METHOD,
        post=FORBIDDEN,
        arguments=("alignment",),
        data=(("action", "reject"), ("reason", "Mine")),
    ),
    "competencies": Address(get=SEEN, post=WRONG_METHOD),
    "attempt-file": own(),
    "person": Address(get=NOT_FOR_ROLE, post=WRONG_METHOD, arguments=("trainee",)),
    "contest-evidence": Address(
        get=WRONG_METHOD, post=MISSING, arguments=("evidence",), data=(("words", "No"),)
    ),
    "answer-appeal": Address(
        get=WRONG_METHOD,
        post=MISSING,
        arguments=("appeal",),
        data=(("choice", "KEEP"), ("words", "No")),
    ),
    "person-skill": Address(get=NOT_FOR_ROLE, post=WRONG_METHOD, arguments=("trainee", "skill")),
    "candidates": Address(get=FORBIDDEN, post=WRONG_METHOD, assessor_get=SEEN),
    "compare-candidates": Address(get=FORBIDDEN, post=WRONG_METHOD, assessor_get=SEEN),
    "candidates-csv": Address(get=FORBIDDEN, post=WRONG_METHOD, assessor_get=SEEN),
    # For administrators of an agency alone; what people say of themselves is their own.
    "my-groups": Address(get=SEEN, post=302),
    "impact": Address(get=FORBIDDEN, post=WRONG_METHOD),
    "make-impact": Address(get=WRONG_METHOD, post=FORBIDDEN),
    "switch-impact": Address(
        get=WRONG_METHOD,
        post=FORBIDDEN,
        data=(("action", "on"), ("reason", "Because I say so.")),
    ),
    "impact-report": Address(get=MISSING, post=WRONG_METHOD, arguments=("impact_report",)),
    "impact-csv": Address(get=MISSING, post=WRONG_METHOD, arguments=("impact_report",)),
    # An assessor's own: without a name nothing is kept, and the default stays as it is.
    "keep-search": Address(get=WRONG_METHOD, post=(FORBIDDEN, 400)),
    "change-agency": Address(get=WRONG_METHOD, post=(FORBIDDEN, 302)),
    "forget-search": Address(get=WRONG_METHOD, post=MISSING, arguments=("search",)),
    "place-candidate": Address(
        get=WRONG_METHOD,
        post=MISSING,
        arguments=("trainee",),
        data=(("stage", "HIRED"), ("reason", "EVIDENCE")),
    ),
    "undo-entry": Address(get=WRONG_METHOD, post=MISSING, arguments=("entry",)),
    "evidence": Address(get=NOT_FOR_ROLE, post=WRONG_METHOD, arguments=("evidence",)),
    "verify-draft": Address(get=WRONG_METHOD, post=MISSING, arguments=("written",)),
    "verify-version": Address(get=WRONG_METHOD, post=MISSING, arguments=("version",)),
    "verification": Address(get=MISSING, post=WRONG_METHOD, arguments=("verification",)),
    "verification-panel": Address(get=MISSING, post=WRONG_METHOD, arguments=("verification",)),
    "verification-stream": Address(get=MISSING, post=WRONG_METHOD, arguments=("verification",)),
    "stop-verification": Address(get=WRONG_METHOD, post=MISSING, arguments=("verification",)),
    "try-draft": Address(get=WRONG_METHOD, post=MISSING, arguments=("written",)),
    "trial": Address(get=MISSING, post=WRONG_METHOD, arguments=("trial",)),
    "trial-panel": Address(get=MISSING, post=WRONG_METHOD, arguments=("trial",)),
    "trial-stream": Address(get=MISSING, post=WRONG_METHOD, arguments=("trial",)),
    "end-trial": Address(get=WRONG_METHOD, post=MISSING, arguments=("trial",)),
    "order-trial": Address(get=WRONG_METHOD, post=MISSING, arguments=("trial", "order")),
    "images": Address(get=FORBIDDEN, post=WRONG_METHOD),
    "allow-image": Address(
        get=WRONG_METHOD,
        post=FORBIDDEN,
        data=(("folder", "sudo-says/machines/desk"), ("name", "mine"), ("description", "Mine")),
    ),
    "withdraw-image": Address(get=WRONG_METHOD, post=FORBIDDEN, arguments=("image",)),
    "knowledge": Address(get=FORBIDDEN, post=WRONG_METHOD),
    "add-knowledge": Address(get=FORBIDDEN, post=FORBIDDEN, data=(("text", "Mine"),)),
    "knowledge-upload": Address(get=MISSING, post=MISSING, arguments=("upload",)),
    "knowledge-source": Address(get=MISSING, post=WRONG_METHOD, arguments=("source",)),
    "knowledge-progress": Address(get=MISSING, post=WRONG_METHOD, arguments=("source",)),
    "replace-knowledge": Address(get=MISSING, post=MISSING, arguments=("source",)),
    "withdraw-knowledge": Address(get=MISSING, post=MISSING, arguments=("source",)),
    "restore-image": Address(get=WRONG_METHOD, post=FORBIDDEN, arguments=("image",)),
}
# Launching is what another trainee may do, for themselves: it has tests of its own.
ELSEWHERE = {"launch"}


# It reads in a thread of its own, which a test's open transaction would hide rows from.
IN_A_THREAD = {"attempt-stream", "hint-stream", "verification-stream", "trial-stream"}
NAMES = [
    pytest.param(name, marks=[pytest.mark.django_db(transaction=True)] * (name in IN_A_THREAD))
    for name in sorted(TABLE)
]


def addresses(resolver: URLResolver | None = None) -> list[str]:
    names: list[str] = []
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            names += addresses(pattern)
        elif isinstance(pattern, URLPattern):
            names.append(pattern.name or str(pattern.pattern))
    return names


def test_every_address_is_in_the_table():
    assert set(addresses()) == set(TABLE) | ELSEWHERE


@pytest.fixture
def world(attempt, sandbox, version, trainee, cohort, instructor, tmp_path, settings):
    """One of everything that belongs to the trainee."""
    settings.RANGE_STATE_DIR = tmp_path
    recording = Recording.objects.create(
        sandbox=sandbox, machine="box", opened_by=trainee, path="none.cast"
    )
    objective = version.objectives.get(key="enter")
    evidence = Evidence.objects.create(
        attempt=attempt,
        objective=objective,
        check_id="flag",
        kind="flag",
        outcome="MET",
        score=1.0,
        reason="flag-accepted",
        grader_version="test",
        sha256="0" * 64,
    )
    item = ReviewItem.objects.create(
        attempt=attempt, objective=objective, check_id="report", criterion="cause"
    )
    hint = Hint.objects.create(
        attempt=attempt, asked_by=trainee, objective="enter", rung=1, question="What now?"
    )
    given = Exercise.objects.create(
        version=version,
        organisation=cohort.organisation,
        cohort=cohort,
        closes_at=timezone.now() + timedelta(days=1),
    )
    draft = from_skeleton(
        "open-drawer", kind="attack", author=instructor, organisation=cohort.organisation
    )
    invitation, _ = invite(cohort, viewer=instructor, days=1, uses=1)
    written = Draft.objects.create(
        organisation=cohort.organisation,
        author=instructor,
        slug="mine",
        title="Mine",
        files=packed({"scenario.yaml": File(data=b"schema: 1\n")}),
    )
    west = Organisation.objects.create(slug="west", name="West", kind="AGENCY")
    entry = CandidacyEntry.objects.create(
        candidacy=Candidacy.objects.create(agency=west, trainee=trainee, stage="INVITED"),
        number=1,
        by=instructor,
        after="INVITED",
        reason="VACANCY",
    )
    trial = Trial.objects.create(person=instructor)
    DraftTrial.objects.create(trial=trial, draft=written)
    load_starter()
    aligned = Alignment.objects.select_related("skill").order_by("pk").first()
    source = Source.objects.create(
        key="upload/1",
        origin=Source.Origin.UPLOAD,
        collection="upload-1",
        organisation=cohort.organisation,
        title="Course notes",
        version="1",
        license="Ours",
        sha256="0" * 64,
    )
    upload = Upload.objects.create(
        organisation=cohort.organisation,
        added_by=instructor,
        title="Course notes",
        version="1",
        license="Ours",
        text="Text.",
    )
    told = ImpactReport.objects.create(
        agency=west, made_by=instructor, figures={"people": 0, "dimensions": {}}, counted={}
    )
    return {
        "impact_report": told.pk,
        "entry": entry.pk,
        "appeal": Appeal.objects.create(evidence=evidence, words="Look again.").pk,
        "search": SavedSearch.objects.create(agency=west, owner=instructor, name="Mine").pk,
        "source": source.pk,
        "upload": upload.pk,
        "written": written.pk,
        "framework": "nice",
        "release": Framework.objects.current("nice").release,
        "statement": aligned.code,
        "skill": aligned.skill.key,
        "alignment": aligned.pk,
        "version": version.pk,
        "verification": VerificationRun.objects.create(
            draft=written, revision=1, requested_by=instructor
        ).pk,
        "trial": trial.pk,
        "order": "check",
        "image": AllowedImage.objects.create(
            name="web-server", description="A web server", digest="0" * 64, files={}
        ).pk,
        "cohort": cohort.pk,
        "draft": draft.pk,
        "invitation": invitation.pk,
        "token": "made.up",
        "member_action": "password",
        "given": given.pk,
        "action": "finish",
        "attempt": attempt.pk,
        "exercise": attempt.exercise_id,
        "role_code": "PD-WRL-007",
        "slug": version.scenario.slug,
        "trainee": trainee.pk,
        "recording": recording.pk,
        "evidence": evidence.pk,
        "review_item": item.pk,
        "hint": hint.pk,
        "number": 1,
    }


def everything() -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, but what a visit may touch."""
    return {
        model._meta.label_lower: sorted(
            model._base_manager.order_by().values_list(), key=lambda row: str(row)
        )
        for model in apps.get_models()
        if model._meta.label_lower not in VOLATILE
    }


def allowed(expected: int | tuple[int, ...]) -> tuple[int, ...]:
    return expected if isinstance(expected, tuple) else (expected,)


def url_of(name: str, world: dict[str, object]) -> str:
    return reverse(name, args=[world[argument] for argument in TABLE[name].arguments])


def visit(client, name: str, world: dict[str, object], method: str) -> int:
    address = TABLE[name]
    call: Callable[..., object] = getattr(client, method)
    return call(url_of(name, world), dict(address.data)).status_code


def as_nobody(client, name, world):
    for method in ("get", "post"):
        status = visit(client, name, world, method)
        if not TABLE[name].is_public:
            assert status == SIGN_IN, (name, method, status)


def as_another_trainee(client, name, world):
    for method in ("get", "post"):
        status = visit(client, name, world, method)
        assert status in allowed(getattr(TABLE[name], method)), (name, method, status)


def as_an_assessor_without_consent(client, name, world):
    address = TABLE[name]
    expected = address.get if address.assessor_get is None else address.assessor_get
    status = visit(client, name, world, "get")
    assert status in allowed(expected), (name, status)
    status = visit(client, name, world, "post")
    assert status in (*allowed(address.post), FORBIDDEN, MISSING), (name, status)


def as_its_owner_without_a_token(client, name, world):
    if TABLE[name].post != WRONG_METHOD:
        assert visit(client, name, world, "post") == FORBIDDEN


@pytest.fixture
def strangers(other_trainee, assessor, trainee):
    """Who visits, each with a browser of its own that is signed in already."""
    people = {
        as_nobody: None,
        as_another_trainee: other_trainee,
        as_an_assessor_without_consent: assessor,
        as_its_owner_without_a_token: trainee,
    }
    clients = {}
    for how, who in people.items():
        clients[how] = Client(enforce_csrf_checks=who is trainee)
        if who is not None:
            clients[how].force_login(who)
    return clients


@pytest.mark.parametrize("name", NAMES)
def test_strangers_get_nothing_and_change_nothing(world, strangers, name):
    before = everything()
    for how, client in strangers.items():
        how(client, name, world)
        assert everything() == before, how.__name__
