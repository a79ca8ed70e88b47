"""Forms of the pages of whoever teaches, and of whoever joins."""

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any, cast
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from range.accounts.models import Cohort, Organisation, User
from range.accounts.names import NameRefused, clean_name
from range.accounts.roster import NAME_LIMIT, USERNAME_LIMIT, refuse_bad_username
from range.catalog.models import Scenario, ScenarioVersion
from range.exercises.assigning import ATTEMPTS_AT_MOST
from range.exercises.models import Exercise
from range.workspace import wording

LOCAL = "%Y-%m-%dT%H:%M"


@cache
def zones() -> list[str]:
    """Return the names of all time zones of this machine, UTC first."""
    return ["UTC", *sorted(available_timezones() - {"UTC", "localtime", "Factory"})]


def zone_of(person: User) -> ZoneInfo:
    """Return the time zone somebody chose; UTC where it is none that this machine knows."""
    return wording.zone(person.time_zone)


class Styled(forms.Form):
    """A form whose fields look like ours and name their errors and help to readers."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **({"label_suffix": ""} | kwargs))
        for field in self.fields.values():
            if isinstance(field.widget, forms.RadioSelect):
                continue
            shape = "select" if isinstance(field.widget, forms.Select) else "input"
            field.widget.attrs.setdefault("class", shape)


class LocalTimeField(forms.DateTimeField):
    """A date and time without a zone, as browsers' own fields give it."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=LOCAL)
    input_formats = (LOCAL, "%Y-%m-%dT%H:%M:%S")

    def to_python(self, value: Any) -> datetime | None:
        """Refuse years whose moments no zone or database could hold."""
        given = super().to_python(value)
        if given is not None and not 2000 <= given.year < 2200:
            raise ValidationError("Choose a year from 2000 to 2199.")
        return given


class TermsForm(Styled):
    """What a cohort is given, from when until when, and how."""

    version = forms.ModelChoiceField(
        queryset=ScenarioVersion.objects.none(),
        label="Scenario",
        empty_label="Choose a scenario",
        error_messages={"required": "Choose a scenario."},
    )
    cohort = forms.ModelChoiceField(
        queryset=Cohort.objects.none(),
        label="Cohort",
        empty_label="Choose a cohort",
        error_messages={"required": "Choose a cohort."},
    )
    policy = forms.ChoiceField(
        choices=Exercise.Policy.choices,
        label="Mode",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose a mode."},
    )
    time_zone = forms.ChoiceField(label="Time zone of the times below")
    opens_at = LocalTimeField(label="Opens", error_messages={"required": "Say when it opens."})
    closes_at = LocalTimeField(
        label="Closes",
        required=False,
        help_text="After this nobody begins any more; whoever is at work goes on until the "
        "machines' time is over. Leave it empty for no end.",
    )
    attempts_allowed = forms.IntegerField(
        label="Attempts each",
        required=False,
        min_value=1,
        max_value=ATTEMPTS_AT_MOST,
        help_text="Leave it empty for any number.",
    )

    def __init__(self, *args: Any, schools: Iterable[Organisation], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        homes = [school.pk for school in schools]
        version = cast("forms.ModelChoiceField[ScenarioVersion]", self.fields["version"])
        cohort = cast("forms.ModelChoiceField[Cohort]", self.fields["cohort"])
        newest = ScenarioVersion.objects.latest_per_scenario().values("pk")
        offered = Scenario.objects.open_to(homes)
        version.queryset = (
            ScenarioVersion.objects.filter(pk__in=newest, scenario__in=offered)
            .filter(scenario__retired_at=None)
            .select_related("scenario")
            .defer("spec", "assets", "brief")
            .order_by("scenario__title")
        )
        version.label_from_instance = _version_label  # type: ignore[assignment,method-assign]
        cohort.queryset = Cohort.objects.filter(organisation__in=homes, archived_at=None).order_by(
            "name"
        )
        self.fields["time_zone"] = forms.ChoiceField(
            label=self.fields["time_zone"].label,
            choices=[(name, name.replace("_", " ")) for name in zones()],
            widget=forms.Select(attrs={"class": "select"}),
        )

    def clean(self) -> dict[str, Any]:
        """Give the times the zone that was chosen."""
        cleaned = super().clean() or {}
        zone = ZoneInfo(cleaned.get("time_zone") or "UTC")
        for name in ("opens_at", "closes_at"):
            if isinstance(cleaned.get(name), datetime):
                cleaned[name] = cleaned[name].replace(tzinfo=zone)
        return cleaned


class UntilForm(Styled):
    """A later end, in the time zone of whoever teaches."""

    until = LocalTimeField(label="New end")

    def __init__(self, *args: Any, zone: ZoneInfo, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._zone = zone
        self.fields["until"].label = f"New end ({zone.key})"

    def clean_until(self) -> datetime:
        """Give the time its zone."""
        until: datetime = self.cleaned_data["until"]
        return until.replace(tzinfo=self._zone)


class JoinForm(Styled):
    """A new account of somebody who opened an invitation."""

    display_name = forms.CharField(
        label="Your name",
        max_length=NAME_LIMIT,
        help_text="As your instructors know you.",
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    username = forms.CharField(
        label="Username",
        max_length=USERNAME_LIMIT,
        help_text="To sign in with: letters, digits and @ . + - _",
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"}),
    )
    password = forms.CharField(
        label="Password",
        strip=False,
        max_length=256,
        help_text="At least 8 characters, and not a common one.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label="Password once more",
        strip=False,
        max_length=256,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean_display_name(self) -> str:
        """Return the name normalised."""
        return _cleaned(self.cleaned_data["display_name"], "Your name", NAME_LIMIT)

    def clean_username(self) -> str:
        """Return the username normalised."""
        name = _cleaned(self.cleaned_data["username"], "The username", USERNAME_LIMIT)
        try:
            refuse_bad_username(name)
        except NameRefused as refusal:
            raise ValidationError(refusal.message) from refusal
        return name

    def clean(self) -> dict[str, Any]:
        """Refuse a password that differs, or that is easily guessed for this person."""
        cleaned = super().clean() or {}
        password = cleaned.get("password")
        if not password:
            return cleaned
        if password != cleaned.get("again"):
            self.add_error("again", "The two passwords differ.")
        person = User(
            username=cleaned.get("username", ""), first_name=cleaned.get("display_name", "")
        )
        try:
            validate_password(password, person)
        except ValidationError as error:
            self.add_error("password", error)
        return cleaned


def _cleaned(text: str, what: str, longest: int) -> str:
    try:
        return clean_name(text, what=what, longest=longest)
    except NameRefused as refusal:
        raise ValidationError(refusal.message) from refusal


def _version_label(version: ScenarioVersion) -> str:
    ready = version.image_state == ScenarioVersion.ImageState.READY
    state = "" if ready else f" ({version.get_image_state_display().lower()})"
    return f"{version.scenario.title} {version.version}{state}"
