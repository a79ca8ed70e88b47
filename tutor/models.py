"""Sources and chunks of knowledge, hints with their citations, and debriefs."""

import uuid
from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Cast
from django.utils import timezone
from pgvector.django import HalfVectorField, HnswIndex, VectorField

from range.accounts.models import Organisation
from range.exercises.models import Attempt, Exercise

EMBEDDING_DIMENSIONS = 384
# Characters of a word or phrase that the tutor is told to avoid.
AVOIDED_LONGEST = 60


def halved(field: str) -> Cast:
    """Return a vector at half the precision, as the index keeps it: half as much to read."""
    return Cast(field, HalfVectorField(dimensions=EMBEDDING_DIMENSIONS))


class Source(models.Model):
    """A document that passages come from.

    `scenario` is empty for what every scenario may use, `organisation` for what everybody may
    read. Whoever replaces a document names its `collection` whole: the range's own articles, one
    import of an operator's, or one instructor's text alone.
    """

    class Origin(models.TextChoices):
        """Who brought it."""

        ARTICLE = "ARTICLE", "The range's own articles"
        IMPORT = "IMPORT", "Imported by an operator"
        UPLOAD = "UPLOAD", "Given by instructors"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.CharField(max_length=160, unique=True)
    origin = models.CharField(max_length=7, choices=Origin, default=Origin.ARTICLE)
    collection = models.CharField(max_length=64, blank=True, db_index=True)
    scenario = models.SlugField(blank=True)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    title = models.CharField(max_length=200)
    version = models.CharField(max_length=32)
    license = models.CharField(max_length=64)
    url = models.CharField(max_length=300, blank=True)
    topics = ArrayField(models.CharField(max_length=48), default=list, blank=True)
    skills = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    sha256 = models.CharField(max_length=64)
    ingested_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.title


class ChunkQuerySet(models.QuerySet["Chunk"]):
    """Filters on chunks; every search starts from one of these."""

    def allowed(
        self,
        *,
        scenario: str,
        objective: str,
        rung: int,
        general_rung: int = 0,
        organisation: uuid.UUID | None = None,
    ) -> "ChunkQuerySet":
        """Keep what a trainee of this objective may read at this rung.

        Passages that spoil are for the top rung only, where the author's own answer stands too.

        Args:
            general_rung: Up to here what is for every scenario and school is read in any case.
            organisation: Whose own texts count beside those for everybody; None for nobody's.
        """
        scoped = Q(scenario="") | (Q(scenario=scenario) & Q(objective__in=["", objective]))
        theirs = Q(organisation=None)
        if organisation is not None:
            theirs |= Q(organisation=organisation)
        reached = Q(min_rung__lte=rung)
        if general_rung > rung:
            reached |= Q(min_rung__lte=general_rung, scenario="", organisation=None)
        found = self.filter(scoped, theirs, reached)
        return found if rung >= Chunk.SPOILING_RUNG else found.filter(spoils=False)


class Chunk(models.Model):
    """A piece of a source, with what full text and vector search need.

    `identifiers` are exact names (T1548.003, CWE-89, an option, a path) which the English
    configuration would cut up. `asks` are questions that its author says it answers, one a line:
    they are searched, and shown to nobody who asks. `embedding` is empty until an embedding model
    is there.
    """

    SPOILING_RUNG: ClassVar = 4

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="chunks")
    position = models.PositiveSmallIntegerField()
    # Scope and organisation are the source's: filters must not join. Their indexes hold what
    # belongs to one alone: most is for everybody, and to read that from an index for a search
    # takes longer than the search.
    scenario = models.SlugField(blank=True, db_index=False)
    organisation = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    objective = models.SlugField(max_length=64, blank=True, db_index=False)
    min_rung = models.PositiveSmallIntegerField(default=0)
    spoils = models.BooleanField(default=False)
    # The source's, so that searching for words sees it.
    title = models.CharField(max_length=200, blank=True)
    heading = models.CharField(max_length=200)
    text = models.TextField()
    asks = models.TextField(blank=True)
    identifiers = ArrayField(models.CharField(max_length=120), default=list, blank=True)
    sha256 = models.CharField(max_length=64)
    embedding_model = models.CharField(max_length=64, blank=True)
    embedding = VectorField(dimensions=EMBEDDING_DIMENSIONS, null=True, blank=True)
    words = models.GeneratedField(
        expression=SearchVector("title", "asks", weight="C", config="english")
        + SearchVector("heading", weight="B", config="english")
        + SearchVector("text", weight="D", config="english"),
        output_field=SearchVectorField(),
        db_persist=True,
    )
    names = models.GeneratedField(
        expression=Func(F("identifiers"), function="array_to_tsvector"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    objects = ChunkQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source", "position"], name="chunk_position_unique"),
            models.CheckConstraint(condition=Q(min_rung__lte=4), name="chunk_rung_at_most_4"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["scenario"], condition=~Q(scenario=""), name="chunk_of_one_scenario"
            ),
            models.Index(
                fields=["organisation"],
                condition=Q(organisation__isnull=False),
                name="chunk_of_one_organisation",
            ),
            GinIndex(fields=["words"], name="chunk_words_gin"),
            GinIndex(fields=["names"], name="chunk_names_gin"),
            HnswIndex(
                OpClass(halved("embedding"), name="halfvec_cosine_ops"),
                name="chunk_embedding_hnsw",
                m=16,
                ef_construction=64,
            ),
        ]

    def __str__(self) -> str:
        return self.heading


class Upload(models.Model):
    """A text that an instructor looks through before it becomes a source, or replaces one.

    It is stored by the person who gave it, or thrown away; the worker throws old ones away.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    replaces = models.ForeignKey(
        Source, on_delete=models.CASCADE, null=True, blank=True, related_name="uploads"
    )
    title = models.CharField(max_length=200)
    version = models.CharField(max_length=32)
    license = models.CharField(max_length=64)
    url = models.CharField(max_length=300, blank=True)
    scenario = models.SlugField(blank=True)
    min_rung = models.PositiveSmallIntegerField(default=0)
    spoils = models.BooleanField(default=False)
    text = models.TextField()
    given_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(min_rung__lte=4), name="upload_rung_at_most_4"),
        ]

    def __str__(self) -> str:
        return self.title


class HintQuerySet(models.QuerySet["Hint"]):
    """Filters and compare-and-set moves on hints."""

    def claim(self, pk: uuid.UUID, *, stale: datetime) -> bool:
        """Take an open hint for answering; False if somebody answers it since after `stale`."""
        free = Q(claimed_at=None) | Q(claimed_at__lt=stale)
        now = timezone.now()
        return self.filter(free, pk=pk, state=Hint.State.OPEN).update(claimed_at=now) == 1

    def settle(self, pk: uuid.UUID, *, state: str, **fields: object) -> bool:
        """Move an open hint to its end; False if it already got there."""
        moved = self.filter(pk=pk, state=Hint.State.OPEN)
        return moved.update(state=state, answered_at=timezone.now(), **fields) == 1


class Hint(models.Model):
    """One piece of help on one objective.

    OPEN (asked; web) -> ANSWERED (text and citations stand; web, while it streams)
    or FAILED (no words of the model could be used; the author's rung stands instead).
    """

    class State(models.TextChoices):
        """Whether the answer stands."""

        OPEN = "OPEN", "Being answered"
        ANSWERED = "ANSWERED", "Answered"
        FAILED = "FAILED", "Answered without a model"

    class Rating(models.TextChoices):
        """What the trainee says of it."""

        HELPFUL = "HELPFUL", "Helpful"
        NOT_HELPFUL = "NOT_HELPFUL", "Not helpful"

    class Mode(models.TextChoices):
        """Whose words the answer is made of."""

        NONE = "none", "Without a model"
        LOCAL = "local", "Local model"
        HOSTED = "hosted", "Hosted model"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="hints")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    objective = models.SlugField(max_length=64)
    rung = models.PositiveSmallIntegerField()
    question = models.TextField(blank=True)
    # What the trainee marked on a terminal before asking; like the question without secrets.
    marked = models.TextField(blank=True)
    definition = models.BooleanField(default=False)
    state = models.CharField(max_length=8, choices=State, default=State.OPEN, db_index=True)
    mode = models.CharField(max_length=6, choices=Mode, default=Mode.NONE)
    authored = models.TextField(blank=True)
    text = models.TextField(blank=True)
    passages = models.JSONField(default=list)
    citations = models.JSONField(default=list)
    guard = models.JSONField(default=dict)
    context_digest = models.CharField(max_length=64, blank=True)
    prompt_sha256 = models.CharField(max_length=64, blank=True)
    model_name = models.CharField(max_length=80, blank=True)
    rating = models.CharField(max_length=11, choices=Rating, blank=True)
    rated_at = models.DateTimeField(null=True, blank=True)
    asked_at = models.DateTimeField(default=timezone.now)
    claimed_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    objects = HintQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(rung__lte=4), name="hint_rung_at_most_4"),
        ]
        indexes: ClassVar = [models.Index(fields=["attempt", "objective", "asked_at"])]

    def __str__(self) -> str:
        return f"{self.objective} rung {self.rung} {self.state}"


class LedgerEntry(models.Model):
    """What one request to a model used; written once, when the answer ended.

    `counted` tells whether the provider counted the tokens; otherwise they are our estimate.
    """

    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="+")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    hint = models.ForeignKey(Hint, on_delete=models.PROTECT, null=True, related_name="+")
    mode = models.CharField(max_length=6, choices=Hint.Mode)
    model_name = models.CharField(max_length=80)
    tokens_in = models.PositiveIntegerField()
    tokens_out = models.PositiveIntegerField()
    counted = models.BooleanField()
    cost = models.DecimalField(max_digits=12, decimal_places=6)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["attempt", "mode"], name="ledger_of_attempt"),
            models.Index(fields=["organisation", "at"], name="ledger_of_organisation"),
        ]

    def __str__(self) -> str:
        return f"{self.model_name} {self.tokens_in}+{self.tokens_out}"


class Debrief(models.Model):
    """The tutor's account of a finished attempt; written once by the worker, then replaced."""

    attempt = models.OneToOneField(Attempt, on_delete=models.PROTECT, related_name="debrief")
    text = models.TextField()
    sections = models.JSONField(default=list)
    mode = models.CharField(max_length=6, choices=Hint.Mode, default=Hint.Mode.NONE)
    written_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"debrief of {self.attempt_id}"


class HintVector(models.Model):
    """Where a question lies among others; the worker writes it, pages only read."""

    hint = models.OneToOneField(
        Hint, on_delete=models.CASCADE, primary_key=True, related_name="vector"
    )
    kind = models.CharField(max_length=64)
    embedding = VectorField(dimensions=EMBEDDING_DIMENSIONS)

    def __str__(self) -> str:
        return f"vector of {self.hint_id}"


class HintNote(models.Model):
    """What an instructor did about a hint; never changed, and read by instructors only."""

    hint = models.ForeignKey(Hint, on_delete=models.PROTECT, related_name="notes")
    text = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"note on {self.hint_id}"


class TutorSettings(models.Model):
    """How the tutor of one exercise behaves; no row means as the scenario and operator say.

    Every change is an event of the exercise's timeline.
    """

    class Mode(models.TextChoices):
        """Whether the tutor answers."""

        ON = "ON", "On"
        OFF = "OFF", "Off"
        ASSESSED = "ASSESSED", "On, and counted"

    class Tone(models.TextChoices):
        """How the model speaks; never what it may say."""

        FRIENDLY = "friendly", "Friendly"
        BRIEF = "brief", "Brief"
        ENCOURAGING = "encouraging", "Encouraging"
        FORMAL = "formal", "Formal"

    class Sources(models.TextChoices):
        """Which passages may be served."""

        ALL = "all", "Everything the tutor knows"
        SCENARIO = "scenario", "Only what the scenario's author brought"

    class Model(models.TextChoices):
        """Which model may answer."""

        ANY = "any", "The best one at hand"
        LOCAL = "local", "Only one that runs on this range"
        NONE = "none", "None: the author's hints and the sources"

    exercise = models.OneToOneField(
        Exercise, on_delete=models.CASCADE, primary_key=True, related_name="tutor_settings"
    )
    mode = models.CharField(max_length=8, choices=Mode, default=Mode.ON)
    # None for as high as the scenario allows.
    max_rung = models.PositiveSmallIntegerField(null=True, blank=True)
    tone = models.CharField(max_length=12, choices=Tone, default=Tone.FRIENDLY)
    sources = models.CharField(max_length=8, choices=Sources, default=Sources.ALL)
    left_out = ArrayField(models.CharField(max_length=160), default=list, blank=True)
    avoid = ArrayField(models.CharField(max_length=AVOIDED_LONGEST), default=list, blank=True)
    # None for the operator's own limit.
    hints_per_hour = models.PositiveSmallIntegerField(null=True, blank=True)
    offers = models.BooleanField(default=True)
    model = models.CharField(max_length=5, choices=Model, default=Model.ANY)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(max_rung=None) | Q(max_rung__lte=4),
                name="tutor_settings_rung_at_most_4",
            ),
        ]
        verbose_name_plural = "tutor settings"

    def __str__(self) -> str:
        return f"tutor of {self.exercise_id}: {self.mode}"
