"""Looks at the settings: what is fine on one's own desk and unsafe for trainees."""

import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from range.operations.finding import Finding, ok, problem, warning

MINIMUM_SECRET_LENGTH = 32


def look() -> Iterator[Finding]:
    """Look at everything here."""
    yield debug(settings.DEBUG)
    for name in ("SECRET_KEY", "RANGE_FLAG_SECRET"):
        yield secret(name, getattr(settings, name))
    yield addresses(settings.ALLOWED_HOSTS, https=settings.HTTPS)
    yield web_views(
        settings.RANGE_VIEW_HOST, origins=settings.RANGE_WEB_ORIGINS, https=settings.HTTPS
    )
    for name in ("runtime.env", "demo-accounts.json"):
        yield kept_secret(Path(settings.BASE_DIR) / "var" / name)
    yield weights(settings.TUTOR_WEIGHTS_DIR)


def debug(on: bool) -> Finding:
    """Judge the mode in which faults show the code to everybody."""
    if on:
        return problem("Debug", "On: faults show code and settings.", "Unset DJANGO_DEBUG.")
    return ok("Debug", "Off.")


def secret(name: str, value: str) -> Finding:
    """Judge a secret without showing it."""
    if value.startswith("insecure") or len(value) < MINIMUM_SECRET_LENGTH:
        return problem(name, "It can be guessed.", "Let bin/up make one, or set a random one.")
    return ok(name, "Set.")


def addresses(hosts: list[str], *, https: bool) -> Finding:
    """Judge who may reach the site, and whether passwords travel in the clear."""
    says = ", ".join(hosts)
    if "*" in hosts:
        return warning("Addresses", "Every host name is accepted.", "Set DJANGO_ALLOWED_HOSTS.")
    local = {"localhost", "127.0.0.1", "[::1]"}
    if set(hosts) - local and not https:
        return warning(
            "Addresses",
            f"{says}, without HTTPS: passwords and cookies can be read on the way.",
            "Put a proxy with HTTPS in front and set DJANGO_HTTPS=true.",
        )
    return ok("Addresses", says)


def web_views(host: str, *, origins: list[str], https: bool) -> Finding:
    """Judge whether machines' web pages are shown, and far enough from the site."""
    if not host:
        return ok("Web views", "Off: RANGE_VIEW_HOST is empty.")
    if host.partition(":")[0].endswith("localhost"):
        return ok("Web views", f"Below {host}, for browsers of this machine only.")
    if not origins:
        return warning("Web views", "No page may show them.", "Set RANGE_WEB_ORIGINS.")
    if not https:
        return warning(
            "Web views",
            f"Below {host}, without HTTPS: browsers keep no cookies of a frame of another site.",
            "Put a proxy with HTTPS in front and set DJANGO_HTTPS=true.",
        )
    near = [each for each in origins if _parent(each) == _parent(f"//{host}")]
    if near:
        return warning(
            "Web views",
            f"{host} and {near[0]} share a domain: a machine's page can set cookies for both.",
            "Choose a RANGE_VIEW_HOST below another domain.",
        )
    return ok("Web views", f"Below {host}.")


def _parent(address: str) -> list[str]:
    return (urlsplit(address).hostname or "").split(".")[-2:]


def kept_secret(path: Path) -> Finding:
    """Judge whether a file with secrets is closed to others."""
    name = f"var/{path.name}"
    if not path.exists():
        return ok(name, "Not there.")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        return problem(name, f"Others may read it (mode {mode:o}).", f"chmod 600 var/{path.name}")
    return ok(name, "Readable by its owner only.")


def weights(folder: Path) -> Finding:
    """Judge whether the local model could run."""
    files = list(folder.glob("*.gguf")) if folder.is_dir() else []
    if not files:
        return warning(
            "Model weights",
            f"None in {folder}: the tutor works without a model.",
            ".venv/bin/python manage.py fetch_weights --all",
        )
    size = sum(file.stat().st_size for file in files) / 1e9
    return ok("Model weights", f"{files[0].name}, {size:.1f} GB")
