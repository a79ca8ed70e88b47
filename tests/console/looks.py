"""People who look at consoles, and what the database holds of their looks."""

from asgiref.sync import sync_to_async

from range.accounts.models import AccessRecord, Membership
from range.timeline.models import Event
from tests.console.live import person, sign_in


def staff(role=Membership.Role.INSTRUCTOR, name="Ines Weber"):
    """Somebody of the same school as every trainee, and the cookie of their sign-in."""
    made = person(role)
    made.display_name = name
    made.save()
    return made, sign_in(made)


a_staff = sync_to_async(staff)


def look_path(desk, machine="web", console="main"):
    return f"{desk.path(machine, console)}/look"


def wall_path(desk):
    return f"/ws/exercises/{desk.attempt.exercise_id}/wall"


@sync_to_async
def looks_written():
    return [(look.viewer_id, look.subject_id, look.what) for look in AccessRecord.objects.all()]


@sync_to_async
def events(desk, prefix="console."):
    found = Event.objects.filter(attempt_id=desk.attempt.pk, kind__startswith=prefix)
    return [(event.kind, event.actor, event.payload) for event in found.order_by("seq")]


async def kinds(desk):
    return [kind for kind, _, _ in await events(desk)]
