"""Drafts with people around them, and drivers that a workshop's tests look into."""

from range.accounts.models import Membership
from range.authoring import drafts
from range.catalog.source import read_files
from tests.authoring.support import ShellDriver
from tests.catalog.support import write


class Drivers:
    """One driver for each installation, as the engine tells them apart by label."""

    def __init__(self):
        self.made = {}

    def __call__(self, options):
        return self.made.setdefault(options.installation, ShellDriver())

    def running(self):
        return [handle for driver in self.made.values() for handle in driver.running()]


def files(tmp_path, data):
    return read_files(write(tmp_path / "written", data))


def drafted(author, organisation, tmp_path, data, *, slug="small-desk"):
    """Make a draft of data in the form of a scenario file, whoever may bring its Dockerfile."""
    return drafts.create(
        files(tmp_path, data),
        author=author,
        organisation=organisation,
        slug=slug,
        title="Small desk",
        about="Made for a test",
    )


def saved(draft, author, tmp_path, data):
    """Save a draft with other data."""
    draft.refresh_from_db()
    before = drafts.files_of(draft)["scenario.yaml"].sha256
    change = drafts.Change(file=files(tmp_path, data)["scenario.yaml"], base=before)
    return drafts.change(draft.pk, {"scenario.yaml": change}, author=author)


def make_admin(person, organisation):
    Membership.objects.get_or_create(
        person=person, organisation=organisation, role=Membership.Role.ADMIN
    )
