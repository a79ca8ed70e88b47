"""Empties the tables between tests that commit, which the product's own triggers refuse."""

import pytest
from django.db import transaction
from django.db.backends.postgresql.operations import DatabaseOperations

_GUARDS = (
    "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE tgname LIKE '%\\_no\\_truncate'"
)
_emptied = DatabaseOperations.execute_sql_flush


def _execute_sql_flush(self, sql_list):
    with transaction.atomic(using=self.connection.alias), self.connection.cursor() as cursor:
        cursor.execute(_GUARDS)
        guards = cursor.fetchall()
        for table, name in guards:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
        _emptied(self, sql_list)
        for table, name in guards:
            cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")


@pytest.fixture(autouse=True, scope="session")
def tables_can_be_emptied():
    DatabaseOperations.execute_sql_flush = _execute_sql_flush
    yield
    DatabaseOperations.execute_sql_flush = _emptied
