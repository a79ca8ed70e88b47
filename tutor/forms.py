"""The form that sets the tutor of one exercise."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings as site
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet

from range.catalog.services import spec_of
from range.exercises.models import Exercise
from range.teaching.forms import Styled
from tutor.models import Hint, Source, TutorSettings
from tutor.rungs import RUNGS
from tutor.steering import SteeringRefused, avoided

SOURCES_AT_MOST = 60
GONE = "A source that is gone"


class SettingsForm(Styled):
    """How the tutor behaves in one exercise."""

    mode = forms.ChoiceField(choices=TutorSettings.Mode.choices, widget=forms.RadioSelect)
    max_rung = forms.TypedChoiceField(
        label="Highest rung", required=False, coerce=int, empty_value=None
    )
    tone = forms.ChoiceField(
        label="Tone",
        choices=TutorSettings.Tone.choices,
        help_text="How a model speaks, never what it may say.",
    )
    model = forms.ChoiceField(label="Model", choices=TutorSettings.Model.choices)
    hints_per_hour = forms.IntegerField(
        label="Hints an hour, each",
        required=False,
        min_value=1,
        help_text="Leave it empty for the operator's own limit.",
    )
    offers = forms.BooleanField(
        label="Offer help to whoever seems stuck",
        widget=forms.CheckboxInput(attrs={"class": ""}),
        required=False,
        help_text="An offer shows the next rung; nobody is given what they did not ask for.",
    )
    sources = forms.ChoiceField(label="Sources", choices=TutorSettings.Sources.choices)
    allowed = forms.MultipleChoiceField(
        label="Sources it may use",
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    # Between showing and sending, hints may cite more: only what was shown can be unticked.
    shown = forms.MultipleChoiceField(required=False, widget=forms.MultipleHiddenInput)
    avoid = forms.CharField(
        label="Words to avoid",
        required=False,
        widget=forms.Textarea(attrs={"class": "textarea", "rows": 4, "maxlength": 3000}),
        help_text="One word or phrase a line. A passage that holds one is not served, and a "
        "model's answer that says one is stopped. The author's own hints stay as they are.",
    )

    def __init__(
        self, *args: Any, exercise: Exercise, chosen: TutorSettings, **kwargs: Any
    ) -> None:
        self._left_out = chosen.left_out
        listed = listed_sources(exercise, chosen)
        kwargs.setdefault("initial", _initial(chosen, listed))
        super().__init__(*args, **kwargs)
        if self.is_bound:
            listed = _sent(exercise, self["shown"].data or [])
        self._known = {key for key, title in listed if title != GONE}
        highest = spec_of(exercise.version).tutor.max_rung
        rung, allowed = self.fields["max_rung"], self.fields["allowed"]
        rung.choices = [  # type: ignore[attr-defined]
            ("", f"As the scenario says ({RUNGS[highest].name})"),
            *((each.rung, f"{each.rung} {each.name}") for each in RUNGS[: highest + 1]),
        ]
        for field in (allowed, self.fields["shown"]):
            field.choices = listed  # type: ignore[attr-defined]
        hourly = self.fields["hints_per_hour"]
        hourly.validators.append(forms.IntegerField(max_value=_hourly()).validators[-1])
        hourly.widget.attrs["max"] = _hourly()
        if exercise.policy == Exercise.Policy.ASSESSED:
            self.fields["mode"].choices = [  # type: ignore[attr-defined]
                each for each in TutorSettings.Mode.choices if each[0] != TutorSettings.Mode.ON
            ]

    def clean_avoid(self) -> list[str]:
        """Read the avoid-list, one entry a line."""
        try:
            return avoided(self.cleaned_data["avoid"])
        except SteeringRefused as refusal:
            raise ValidationError(refusal.message) from refusal

    def wanted(self) -> dict[str, Any]:
        """Return what is to be set."""
        given = dict(self.cleaned_data)
        shown = self._known & set(given.pop("shown"))
        unticked = shown - set(given.pop("allowed"))
        return given | {"left_out": sorted({*self._left_out} - shown | unticked)}


def _hourly() -> int:
    return int(site.TUTOR_HINTS_PER_HOUR)


def _initial(chosen: TutorSettings, listed: Sequence[tuple[str, str]]) -> dict[str, Any]:
    return {
        "mode": chosen.mode,
        "max_rung": "" if chosen.max_rung is None else chosen.max_rung,
        "tone": chosen.tone,
        "model": chosen.model,
        "hints_per_hour": chosen.hints_per_hour,
        "offers": chosen.offers,
        "sources": chosen.sources,
        "allowed": [key for key, _ in listed if key not in chosen.left_out],
        "shown": [key for key, _ in listed],
        "avoid": "\n".join(chosen.avoid),
    }


def listed_sources(exercise: Exercise, chosen: TutorSettings) -> list[tuple[str, str]]:
    """Return sources to choose from: the scenario's, those left out, those cited here lately."""
    recent = Hint.objects.filter(attempt__exercise=exercise).order_by("-asked_at")
    chunks = {
        each["chunk"]
        for citations in recent.values_list("citations", flat=True)[:200]
        for each in citations
    }
    own = Source.objects.filter(scenario=exercise.version.scenario.slug)
    found = own | Source.objects.filter(key__in=chosen.left_out)
    found |= Source.objects.filter(pk__in=Source.objects.filter(chunks__in=chunks).values("pk"))
    return _titled(exercise, found.distinct())


def _sent(exercise: Exercise, keys: Sequence[str]) -> list[tuple[str, str]]:
    """Return what a page had shown when it was sent; what is gone by now is called so."""
    sent = [key for key in keys[:SOURCES_AT_MOST] if "\0" not in key]
    titles = dict(_titled(exercise, Source.objects.filter(key__in=sent)))
    return [(key, titles.get(key, GONE)) for key in sent]


def _titled(exercise: Exercise, found: QuerySet[Source]) -> list[tuple[str, str]]:
    """Return keys and titles of what the exercise's school may read."""
    theirs = Q(organisation=None) | Q(organisation=exercise.organisation_id)
    rows = found.filter(theirs).order_by("title", "key").values_list("key", "title")
    return list(rows[:SOURCES_AT_MOST])
