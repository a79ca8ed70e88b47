"""Settings that would lock everybody out of the consoles are refused at the start, in words."""

import pytest
from django.contrib.sessions.backends.cached_db import SessionStore as CachedStore
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from range.console.admission import person_of
from range.console.checks import ENGINES, WRONG_ENGINE

OTHERS = ["cache", "file", "signed_cookies"]


@pytest.mark.parametrize("engine", ENGINES)
def test_engines_whose_sessions_are_rows_pass(settings, engine):
    settings.SESSION_ENGINE = engine
    assert WRONG_ENGINE not in [each.id for each in run_checks()]


@pytest.mark.parametrize("name", OTHERS)
def test_another_engine_is_refused_with_what_to_do(settings, name):
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{name}"
    with pytest.raises(SystemCheckError, match="nobody could open one") as refused:
        call_command("check")
    assert "Set SESSION_ENGINE to django.contrib.sessions.backends.db" in str(refused.value)


@pytest.mark.django_db
def test_a_start_refuses_it_before_it_touches_the_database(settings):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.file"
    with pytest.raises(SystemCheckError, match=WRONG_ENGINE):
        call_command("migrate", plan=True, verbosity=0, skip_checks=False)


@pytest.mark.django_db
def test_a_cached_session_is_a_row_that_consoles_find(trainee):
    store = CachedStore()
    store["_auth_user_id"] = str(trainee.pk)
    store["_auth_user_backend"] = "django.contrib.auth.backends.ModelBackend"
    store["_auth_user_hash"] = trainee.get_session_auth_hash()
    store.save()
    assert person_of(store.session_key) == trainee
