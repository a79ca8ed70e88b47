"""The one page a monitor asks: whether the database answers and every role runs."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from range.operations import status


@login_not_required
@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when everything runs, 503 otherwise, each with every role's state."""
    known = status.read(settings.RANGE_STATE_DIR)
    database = _database_answers()
    healthy = database and (not known.supervised or all(role.healthy for role in known.roles))
    content = {
        "status": "ok" if healthy else "degraded",
        "database": database,
        "supervised": known.supervised,
        "roles": {
            role.name: {"state": role.state, "since": role.since, "restarts": role.restarts}
            for role in known.roles
        },
    }
    return JsonResponse(content, status=200 if healthy else 503)


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return False
    return True
