import pytest
from django.db import connection


@pytest.mark.django_db
def test_the_test_run_uses_a_real_postgres_with_pgvector():
    with connection.cursor() as cursor:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS vector")
        cursor.execute(
            "SELECT '[1,2]'::vector <-> '[1,3]'::vector, current_setting('server_version_num')"
        )
        distance, version = cursor.fetchone()
    assert distance == 1.0
    assert int(version) >= 180000
