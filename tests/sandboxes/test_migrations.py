"""The tables of sandboxes are what the models say, and every step to them can be undone."""

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

pytestmark = pytest.mark.django_db(transaction=True)


def test_no_migration_is_missing():
    call_command("makemigrations", "sandboxes", check=True, dry_run=True, verbosity=0)


def test_each_step_can_be_undone_and_done_again():
    newest = list(MigrationExecutor(connection).loader.graph.leaf_nodes("sandboxes"))
    try:
        call_command("migrate", "sandboxes", "0001_initial", verbosity=0)
        with connection.cursor() as cursor:
            columns = connection.introspection.get_table_description(cursor, "sandboxes_sandbox")
            assert "paused_at" not in {column.name for column in columns}
            assert "sandboxes_machinestate" not in connection.introspection.table_names(cursor)
    finally:
        # Others' tables stand on these, and were undone with them.
        call_command("migrate", verbosity=0)
    assert set(newest) <= set(MigrationExecutor(connection).loader.applied_migrations)
