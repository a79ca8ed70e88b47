"""The catalogue of machine images: what operators allowed, and which content a name stands for."""

import re
from pathlib import Path
from uuid import UUID

from django.db import OperationalError, transaction
from django.utils import timezone

from range.accounts.models import User
from range.catalog.models import IMAGES_CHANNEL, AllowedImage
from range.catalog.source import packed_assets, read_files, unpacked, write_files
from range.lib.errors import RangeError
from range.lib.notify import notify
from range.runtime import build_context

_NAME = re.compile(r"[a-z][a-z0-9-]{0,46}")
_INSTALLED = re.compile(r"[a-z0-9][a-z0-9+.-]+")


class ImageRefused(RangeError):
    """An image cannot be allowed; the message says why."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="image-refused", status=400)


class ImageGone(RangeError):
    """A scenario was bound to an image whose files this range no longer has."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The range has no image {name} any more. An operator can allow it again.",
            reason="image-gone",
            status=409,
        )


def allow(
    folder: Path, *, name: str, description: str, contents: str = "", by: User | None = None
) -> AllowedImage:
    """Let authors' machines start from what a build folder makes, and wake the builder.

    The same name with other files takes the place of the one before it.

    Args:
        contents: What it has; read from its Dockerfile when empty.

    Raises:
        ImageRefused: The name or the description will not do.
        BadBuildContext: The folder cannot be built from.
        ScenarioInvalid: It holds links, or more than a row may.
    """
    if not _NAME.fullmatch(name):
        raise ImageRefused(f"{name!r} cannot name an image: use a-z, 0-9 and -, at most 47.")
    if not 1 <= len(description.strip()) <= 300:
        raise ImageRefused("Say in at most 300 characters what the image is for.")
    digest = build_context.digest(folder, base="")
    facts = {
        "description": description.strip(),
        "contents": (contents.strip() or installed(folder))[:600],
        "allowed_by": by,
        "allowed_at": timezone.now(),
        "withdrawn_at": None,
        "detail": "",
    }
    with transaction.atomic():
        others = AllowedImage.objects.filter(name=name, withdrawn_at=None).exclude(digest=digest)
        others.update(withdrawn_at=timezone.now())
        image, created = AllowedImage.objects.update_or_create(
            name=name,
            digest=digest,
            defaults=facts,
            create_defaults=facts | {"files": packed_assets(read_files(folder))},
        )
        if created or not image.tag:
            notify(IMAGES_CHANNEL, "")
    return image


def withdraw(image_id: UUID) -> None:
    """Offer an image to nobody any more; what was published with it keeps it."""
    AllowedImage.objects.filter(pk=image_id, withdrawn_at=None).update(withdrawn_at=timezone.now())


def allow_again(image_id: UUID) -> None:
    """Offer a withdrawn image again.

    Raises:
        ImageRefused: Its name stands for another content by now.
    """
    with transaction.atomic():
        image = AllowedImage.objects.select_for_update().get(pk=image_id)
        same_name = AllowedImage.objects.filter(name=image.name, withdrawn_at=None)
        if same_name.exclude(pk=image.pk).exists():
            raise ImageRefused(f"{image.name} stands for newer files by now. Withdraw those first.")
        AllowedImage.objects.filter(pk=image.pk).update(withdrawn_at=None)


def names_offered() -> dict[str, str] | None:
    """Return what authors may name, with the digest of each; None where no database answers."""
    try:
        rows = AllowedImage.objects.filter(withdrawn_at=None).order_by("name")
        return dict(rows.values_list("name", "digest"))
    except OperationalError:
        return None


def unpack(image: str, folder: Path) -> str:
    """Write the files of a bound image into an empty folder; return the image's name.

    Raises:
        ImageGone: The range has no such content.
    """
    name, _, digest = image.partition("@")
    row = AllowedImage.objects.filter(name=name, digest=digest).first()
    if row is None:
        raise ImageGone(name)
    write_files(unpacked(row.files), folder)
    return name


def installed(folder: Path) -> str:
    """Return the packages that a folder's Dockerfile installs, for people to read."""
    text = (folder / "Dockerfile").read_text(encoding="utf-8", errors="replace")
    joined = text.replace("\\\n", " ")
    parts = re.findall(r"apt-get\s+(?:-\S+\s+)*install\s+([^&;\n]+)", joined)
    words = [word for part in parts for word in part.split() if _INSTALLED.fullmatch(word)]
    return ", ".join(sorted(set(words)))
