import pytest

from range.lib.database_url import entry, parse
from range.lib.env import EnvError


def test_it_reads_every_part_of_an_address():
    entry = parse("postgresql://ada:p%40ss@db.example:5433/muster?sslmode=require")
    assert entry["NAME"] == "muster"
    assert entry["USER"] == "ada"
    assert entry["PASSWORD"] == "p@ss"
    assert entry["HOST"] == "db.example"
    assert entry["PORT"] == "5433"
    assert entry["OPTIONS"] == {"sslmode": "require"}


def test_a_sockets_folder_keeps_its_capitals():
    assert parse("postgresql://muster@/muster?host=/Var/Run")["HOST"] == "/Var/Run"


@pytest.mark.parametrize(
    "url", ["mysql://localhost/muster", "sqlite:///x", "", "postgresql://localhost/"]
)
def test_it_refuses_what_is_no_postgres_database(url):
    with pytest.raises(EnvError, match="DATABASE_URL"):
        parse(url)


def test_the_message_about_an_unreadable_address_does_not_show_the_password():
    with pytest.raises(EnvError) as caught:
        parse("postgresql://ada:hunter2@host/muster?nonsense=1")
    assert "hunter2" not in caught.value.message


def test_only_a_role_that_asks_for_it_shares_connections():
    assert "pool" not in entry("postgresql://db/muster")["OPTIONS"]
    pool = entry("postgresql://db/muster", pool=16)["OPTIONS"]["pool"]
    assert (pool["min_size"], pool["max_size"]) == (2, 16)
    assert entry("postgresql://db/muster", pool=1)["OPTIONS"]["pool"]["min_size"] == 1


def test_a_thread_keeps_its_connection_only_where_none_are_shared():
    assert entry("postgresql://db/muster")["CONN_MAX_AGE"] == 0
    assert entry("postgresql://db/muster", keep_seconds=120)["CONN_MAX_AGE"] == 120
    assert entry("postgresql://db/muster", keep_seconds=120, pool=4)["CONN_MAX_AGE"] == 0


def test_what_an_address_asks_for_wins():
    assert entry("postgresql://db/muster?connect_timeout=2")["OPTIONS"]["connect_timeout"] == "2"
