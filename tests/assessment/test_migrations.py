"""Evidence keeps what was seen through every step of its tables, forwards and backwards."""

import pytest
from django.core.management import call_command
from django.db import connection

from range.assessment.models import Evidence
from range.assessment.provenance import problems_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("app", ["timeline", "assessment"])
def test_no_migration_is_missing(app):
    call_command("makemigrations", app, check=True, dry_run=True, verbosity=0)


def test_what_was_seen_survives_the_way_back_and_forth(attempt, hand_in, flag, handle, state_dir):
    hand_in(flag())
    row = Evidence.objects.get()
    kept = (row.excerpt, row.detail, row.sha256)
    try:
        call_command("migrate", "assessment", "0002_append_only", verbosity=0)
        with connection.cursor() as cursor:
            cursor.execute("SELECT excerpt, sha256 FROM assessment_evidence")
            assert cursor.fetchall() == [(kept[0], kept[2])]
            with pytest.raises(Exception, match="refused"):
                cursor.execute("UPDATE assessment_evidence SET excerpt = 'x'")
        call_command("migrate", "timeline", "0002_append_only", verbosity=0)
    finally:
        call_command("migrate", verbosity=0)
    row = Evidence.objects.get()
    assert (row.excerpt, row.detail, row.sha256) == kept
    # The digest of the content is not known any more, so that the record cannot be recomputed.
    assert problems_of(attempt) == [f"evidence {row.pk} was changed"]
