"""The form that sets the tutor of one exercise."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings as site
from django.core.exceptions import ValidationError

from range.catalog.services import spec_of
from range.exercises.models import Exercise
from range.teaching.forms import Styled
from tutor.models import Hint, Source, TutorSettings
from tutor.rungs import RUNGS
from tutor.steering import SteeringRefused, avoided

SOURCES_AT_MOST = 60


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
        self._listed = listed_sources(exercise, chosen)
        kwargs.setdefault("initial", _initial(chosen, self._listed))
        super().__init__(*args, **kwargs)
        self._kept = [key for key in chosen.left_out if key not in dict(self._listed)]
        highest = spec_of(exercise.version).tutor.max_rung
        rung, allowed = self.fields["max_rung"], self.fields["allowed"]
        rung.choices = [  # type: ignore[attr-defined]
            ("", f"As the scenario says ({RUNGS[highest].name})"),
            *((each.rung, f"{each.rung} {each.name}") for each in RUNGS[: highest + 1]),
        ]
        allowed.choices = self._listed  # type: ignore[attr-defined]
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
        allowed = set(given.pop("allowed"))
        left_out = [key for key, _ in self._listed if key not in allowed]
        return given | {"left_out": sorted([*self._kept, *left_out])}


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
    rows = found.distinct().order_by("title", "key").values_list("key", "title")
    return list(rows[:SOURCES_AT_MOST])
