import pytest
from pydantic import ValidationError

from range.checks.base import Outcome, ProbeUnavailable
from range.checks.sql import SqlCheck
from tests.checks.database_servers import Maria, Postgres

KINDS = {"mariadb": (Maria, 1142), "postgresql": (Postgres, "42501")}
APP = {"name": "app", "account": "app", "password": "secret"}
MADE_UP = {"name": "made-up", "account": "app", "password": "${nonce}", "expect": "refused"}
QUESTION = "SELECT name FROM people"


def check(*logins, engine, **fields):
    whole = {"kind": "sql", "from": "lan", "to": "db:1", "engine": engine, "logins": logins}
    return SqlCheck.model_validate(whole | fields)


def asking(query=QUESTION, **wish):
    return APP | {"query": query} | wish


def only(rows):
    """Answer the one question, and no other."""
    return lambda query: rows if query == QUESTION else []


@pytest.fixture(params=sorted(KINDS))
def engine(request):
    return request.param


@pytest.fixture
def served(probe, engine):
    """Serve a database, and return a way to judge logins against it."""

    def serve(*logins, **more):
        server = KINDS[engine][0](**more)
        probe.serve("db", 1, server)
        serve.server = server
        return check(*logins, engine=engine).judge(probe)

    return serve


def test_logins_as_expected_are_met(served):
    judged = served(APP, MADE_UP)
    assert (judged.outcome, judged.reason) == (Outcome.MET, "answers-as-expected")


def test_an_account_kept_out_and_one_let_in_by_mistake_are_told_apart(served):
    judged = served(APP, MADE_UP, known={"app": "other"})
    assert (judged.reason, judged.score) == ("login-refused", 0.5)
    assert "app: is refused" in judged.excerpt
    judged = served(MADE_UP | {"password": "secret"})
    assert (judged.outcome, judged.reason) == (Outcome.UNMET, "login-accepted")


ROWS = [("ann", None), ("bob", "7")]


@pytest.mark.parametrize(
    ("wish", "rows", "said"),
    [
        ({"rows": [["bob", 7], ["ann", None]]}, ROWS, ""),
        ({"rows": [["bob", 7]]}, ROWS, "got ('ann', None); ('bob', '7')"),
        ({"rows": []}, [], ""),
        ({"rows": [["ann", ""], ["bob", 7]]}, ROWS, "got"),
        ({"value": "ä 'q'"}, [("ä 'q'",)], ""),
        ({"value": 3}, [("3",)], ""),
        ({"value": 3}, [("3",), ("3",)], "got"),
        ({"value": 3}, [], "got no rows"),
        ({"min_rows": 2, "max_rows": 2}, ROWS, ""),
        ({"min_rows": 3}, ROWS, "2 rows"),
        ({"max_rows": 1}, ROWS, "2 rows"),
        ({"value": "x" * 300}, [("x" * 300,)], ""),
        ({"denied": True}, ROWS, "may ask"),
    ],
)
def test_what_comes_back_is_compared(served, wish, rows, said):
    judged = served(asking(**wish), answers=only(rows))
    assert (judged.outcome is Outcome.MET) == (said == "")
    assert said in judged.excerpt


def test_a_question_without_the_right_to_ask_is_denied(served, engine):
    code = KINDS[engine][1]
    answers = only(code)
    assert served(asking(denied=True), answers=answers).outcome is Outcome.MET
    assert "app: may not ask" in served(asking(min_rows=0), answers=answers).excerpt


def test_another_error_is_no_denial(served, engine):
    broken = only(1146 if engine == "mariadb" else "42P01")
    judged = served(asking(denied=True), answers=broken)
    assert (judged.outcome, judged.reason) == (Outcome.UNMET, "answers-differ")
    assert "error" in judged.excerpt


def test_a_nonce_is_the_same_word_in_question_and_answer(served):
    def echo(query):
        return [(query.split("'")[1],)] if "AS echo" in query else []

    wish = asking("SELECT '${nonce}' AS echo", value="${nonce}")
    assert served(wish, answers=echo).outcome is Outcome.MET
    asked = [query for query in served.server.asked if "AS echo" in query]
    served(wish, answers=echo)
    again = [query for query in served.server.asked if "AS echo" in query]
    assert asked != again


def test_trap_a_stand_in_that_lets_everybody_in_is_unmet(probe):
    class Anybody(Maria):
        def proof(self, password):
            return Everything()

    class Everything:
        def __eq__(self, other):
            return True

        __hash__ = None

    probe.serve("db", 1, Anybody())
    assert check(APP, MADE_UP, engine="mariadb").judge(probe).reason == "login-accepted"
    probe.serve("db", 1, Postgres(way="trust"))
    assert check(APP, MADE_UP, engine="postgresql").judge(probe).reason == "login-accepted"


def test_trap_a_recording_works_nothing_out(probe, monkeypatch, engine):
    def recorded(query):
        return [("abcdef", "7")] if "CONCAT" in query else None

    monkeypatch.setattr("tests.checks.database_servers.worked_out", recorded)
    probe.serve("db", 1, KINDS[engine][0](answers=only([("ann",)])))
    judged = check(asking(value="ann"), engine=engine).judge(probe)
    assert "cannot work out a simple question" in judged.excerpt


def test_trap_what_the_client_says_of_itself_changes(probe, engine):
    server = KINDS[engine][0]()
    probe.serve("db", 1, server)
    for _ in range(40):
        check(APP, engine=engine).judge(probe)
    assert len({str(each) for each in server.said_of_clients}) > 1


def test_a_denial_of_the_simple_question_is_no_refused_login(served, engine, monkeypatch):
    code = KINDS[engine][1]
    monkeypatch.setattr("tests.checks.database_servers.worked_out", lambda query: code)
    assert served(MADE_UP | {"password": "secret"}).outcome is Outcome.UNMET
    assert served(APP).outcome is Outcome.UNMET


@pytest.mark.parametrize("way", ["scram", "md5"])
def test_postgresql_logs_in_by(probe, way):
    probe.serve("db", 1, Postgres(way=way))
    assert check(APP, MADE_UP, engine="postgresql").judge(probe).outcome is Outcome.MET


def test_mariadb_logs_in_where_the_server_asks_for_the_usual_way_later(probe):
    class Other(Maria):
        plugin = b"auth_gssapi_client"

    probe.serve("db", 1, Other(switch=b"mysql_native_password"))
    assert check(APP, MADE_UP, engine="mariadb").judge(probe).outcome is Outcome.MET


@pytest.mark.parametrize(
    ("engine", "server"),
    [
        ("postgresql", Postgres(way="clear")),
        ("mariadb", Maria(switch=b"mysql_clear_password")),
        ("mariadb", Maria(switch=b"dialog")),
        ("mariadb", Maria(switch=b"caching_sha2_password")),
    ],
)
def test_trap_a_server_that_wants_the_password_itself_does_not_get_it(probe, engine, server):
    heard = []

    def listening(connection):
        class Heard:
            def recv(self, size):
                data = connection.recv(size)
                heard.append(data)
                return data

            sendall = connection.sendall

        server(Heard())

    probe.serve("db", 1, listening)
    for login in (APP, APP | {"expect": "refused"}):
        assert check(login, engine=engine).judge(probe).reason == "login-method-unknown"
    assert heard
    assert not any(b"secret" in data for data in heard)


@pytest.mark.parametrize(
    "more", [{"rounds": 2_000_000_000}, {"nonce": "mine"}, {"proves": False}, {"rounds": 0}]
)
def test_trap_a_postgresql_that_does_not_know_the_account_is_unmet(probe, more):
    probe.serve("db", 1, Postgres(**more))
    judged = check(APP, engine="postgresql").judge(probe)
    assert (judged.outcome, judged.reason) == (Outcome.UNMET, "answers-differ")


def test_nothing_listening_is_unmet_and_an_engine_that_is_down_is_not_judged(probe, engine):
    assert check(APP, engine=engine).judge(probe).reason == "no-answer"
    probe.down = True
    with pytest.raises(ProbeUnavailable):
        check(APP, engine=engine).judge(probe)


@pytest.mark.parametrize(
    ("login", "said"),
    [
        (APP | {"rows": []}, "give query too"),
        (asking(), "give rows"),
        (asking(value=1, expect="refused"), "who is refused asks nothing"),
        (asking(denied=True, value=1), "a question that is denied brings no rows"),
        (asking("DELETE FROM people", min_rows=0), "a question begins with one of"),
        (asking("UPDATE people SET a = 1", min_rows=0), "a question begins with one of"),
        (APP | {"account": "a b"}, "account"),
        (APP | {"account": "a\0b"}, "account"),
    ],
)
def test_what_makes_no_sense_is_refused(login, said, engine):
    with pytest.raises(ValidationError, match=said):
        check(login, engine=engine)
