"""Links into cohorts: guessed, replayed, expired, revoked, used up, and opened twice."""

from datetime import timedelta

import pytest
from django.core.signing import Signer
from django.utils import timezone

from range.accounts import cohorts, invitations, throttle
from range.accounts.models import Invitation, Membership, User
from range.timeline.services import events_of

pytestmark = pytest.mark.django_db
HERE = "203.0.113.9"


@pytest.fixture
def made(instructor, cohort):
    return invitations.invite(cohort, viewer=instructor, days=7, uses=2)


@pytest.fixture
def newcomer(db):
    return User.objects.create_user(username="new", password="x")


def reason_of(call):
    with pytest.raises(invitations.InvitationRefused) as refusal:
        call()
    return refusal.value.reason


def test_a_link_leads_to_its_cohort_and_its_secret_is_kept_nowhere(made, cohort):
    invitation, token = made
    assert invitations.opened_by(token, address=HERE) == invitation
    kept = " ".join(str(value) for row in Invitation.objects.values_list() for value in row)
    told = " ".join(str(event.payload) for event in events_of(cohort.pk))
    secret = token.partition(".")[0]
    assert secret not in kept
    assert secret not in told


def test_a_changed_or_made_up_link_is_refused_without_a_look_for_it(
    made, django_assert_num_queries
):
    _, token = made
    for bad in (token[:-1], "x" + token, "guess", "", "a" * 5000, token + "\0"):
        assert reason_of(lambda bad=bad: invitations.opened_by(bad, address=HERE)) == (
            "no-such-invitation"
        )
    # The throttle looks, forgets and counts; no invitation is asked for.
    with django_assert_num_queries(3), pytest.raises(invitations.InvitationRefused):
        invitations.opened_by("guess.guess", address=HERE)


def test_a_signature_made_for_something_else_opens_nothing(made):
    secret = made[1].partition(".")[0]
    foreign = Signer(salt="something-else", sep=".").sign(secret)
    assert reason_of(lambda: invitations.opened_by(foreign, address=HERE)) == "no-such-invitation"


def test_whoever_guesses_is_refused_for_a_while_and_others_are_not(made):
    _, token = made
    for _ in range(throttle.GUESSES_PER_ADDRESS):
        with pytest.raises(invitations.InvitationRefused):
            invitations.opened_by("guess", address=HERE)
    with pytest.raises(throttle.TooManyGuesses):
        invitations.opened_by(token, address=HERE)
    assert invitations.opened_by(token, address="203.0.113.10")


def test_guessing_links_does_not_keep_anybody_from_signing_in(made):
    for _ in range(throttle.GUESSES_PER_ADDRESS):
        throttle.note_guess(address=HERE)
    throttle.refuse_if_throttled(name="tia", address=HERE)


def test_joining_twice_uses_one_place(made, newcomer, cohort):
    invitation, _ = made
    assert invitations.join(invitation, newcomer)
    assert not invitations.join(invitation, newcomer)
    invitation.refresh_from_db()
    assert invitation.uses == 1
    membership = newcomer.memberships.get()
    assert (membership.cohort, membership.role) == (cohort, Membership.Role.TRAINEE)


def test_a_link_is_used_no_more_often_than_it_says(made, newcomer):
    invitation, _ = made
    Invitation.objects.update(uses=2)
    assert reason_of(lambda: invitations.join(invitation, newcomer)) == "invitation-used-up"
    assert not newcomer.memberships.exists()


def test_two_who_read_the_row_before_do_not_both_get_the_last_place(made, newcomer):
    invitation, _ = made
    Invitation.objects.update(uses=1)
    stale = Invitation.objects.get(pk=invitation.pk)
    other = User.objects.create_user(username="other", password="x")
    assert invitations.join(Invitation.objects.get(pk=invitation.pk), other)
    assert stale.uses == 1
    assert reason_of(lambda: invitations.join(stale, newcomer)) == "invitation-used-up"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"revoked_at": timezone.now()}, "invitation-revoked"),
        ({"expires_at": timezone.now() - timedelta(seconds=1)}, "invitation-expired"),
        ({"uses": 2}, "invitation-used-up"),
    ],
)
def test_what_is_over_says_why(made, newcomer, change, reason):
    invitation, _ = made
    Invitation.objects.update(**change)
    invitation.refresh_from_db()
    assert reason_of(lambda: invitations.refuse_unusable(invitation)) == reason
    assert reason_of(lambda: invitations.join(invitation, newcomer)) == reason


def test_an_archived_cohort_takes_nobody(made, newcomer, cohort, instructor):
    cohorts.archive(cohort, viewer=instructor)
    invitation = Invitation.objects.select_related("cohort").get()
    assert reason_of(lambda: invitations.join(invitation, newcomer)) == "cohort-archived"
    cohort.refresh_from_db()
    with pytest.raises(cohorts.CohortRefused):
        invitations.invite(cohort, viewer=instructor, days=1, uses=1)


def test_a_revoked_link_is_revoked_once_and_only_by_its_cohort(made, instructor, school):
    invitation, _ = made
    other = cohorts.make(instructor, organisation_id=school.pk, name="Second")
    assert not invitations.revoke(other, invitation.pk, viewer=instructor)
    assert invitations.revoke(invitation.cohort, invitation.pk, viewer=instructor)
    assert not invitations.revoke(invitation.cohort, invitation.pk, viewer=instructor)


@pytest.mark.parametrize(("days", "uses"), [(0, 5), (91, 5), (5, 0), (5, 501), (-1, -1)])
def test_a_link_has_bounds(cohort, instructor, days, uses):
    with pytest.raises(cohorts.CohortRefused):
        invitations.invite(cohort, viewer=instructor, days=days, uses=uses)
    assert not Invitation.objects.exists()


def test_whoever_teaches_there_does_not_become_a_trainee(made, instructor):
    invitation, _ = made
    with pytest.raises(cohorts.CohortRefused):
        invitations.join(invitation, instructor)
    assert [m.role for m in instructor.memberships.all()] == [Membership.Role.INSTRUCTOR]


def test_a_name_is_taken_in_whatever_case_and_then_nothing_is_made(made, trainee):
    invitation, _ = made
    with pytest.raises(invitations.UsernameTaken):
        invitations.join_anew(invitation, username="TIA", name="Thief", password="x")
    assert not User.objects.filter(display_name="Thief").exists()


def test_without_a_place_there_is_no_account_either(made):
    invitation, _ = made
    Invitation.objects.update(uses=2)
    with pytest.raises(invitations.InvitationRefused):
        invitations.join_anew(invitation, username="late", name="Late", password="x")
    assert not User.objects.filter(username="late").exists()
