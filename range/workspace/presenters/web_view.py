"""The web pages of machines that a workspace offers beside its terminals."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest

from range.assessment.evidence import current_epoch
from range.catalog.services import attempt_spec
from range.exercises.models import Attempt
from range.webview.addresses import offered_to
from range.webview.services import views_in


@dataclass(frozen=True, kw_only=True)
class ViewTab:
    """One machine's web page.

    Args:
        path: Where it opens.
        address: What it is called inside the sandbox, as one would ask a machine for it.
    """

    machine: str
    title: str
    path: str
    address: str


def view_tabs(request: HttpRequest, attempt: Attempt) -> Sequence[ViewTab]:
    """Return the pages to offer; none where this page could not show them."""
    if not offered_to(f"{request.scheme}://{request.get_host()}"):
        return ()
    spec = attempt_spec(attempt.version, attempt.pk, current_epoch(attempt))
    return tuple(
        ViewTab(
            machine=name,
            title=view.title,
            path=view.path,
            address=name if int(view.port) == 80 else f"{name}:{view.port}",
        )
        for name, view in views_in(spec).items()
    )
