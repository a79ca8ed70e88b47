"""How a grader looks to a web service: as one of the clients that people use, another each time."""

import secrets

_PAGES = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
_LANGUAGES = ("en-GB,en;q=0.9", "en-US,en;q=0.5", "de-DE,de;q=0.8,en;q=0.5", "en", "fr,en;q=0.7")
_SYSTEMS = ("X11; Linux x86_64", "Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7")
# What Debian 12 ships: on the machines themselves, this is what a person asks with.
_CURL_HERE = "7.88.1"


def appearance() -> dict[str, str]:
    """Return the headers of a client with a version of its own; nobody can keep a list of them."""
    return secrets.choice((_curl, _curl, _firefox, _chrome))()


def _curl() -> dict[str, str]:
    other = f"8.{secrets.randbelow(12)}.{secrets.randbelow(3)}"
    return {"User-Agent": f"curl/{secrets.choice((_CURL_HERE, other))}", "Accept": "*/*"}


def _firefox() -> dict[str, str]:
    version = 102 + secrets.randbelow(40)
    system = secrets.choice(_SYSTEMS)
    agent = f"Mozilla/5.0 ({system}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0"
    return _browser(agent)


def _chrome() -> dict[str, str]:
    version = f"{108 + secrets.randbelow(30)}.0.{secrets.randbelow(7000)}.{secrets.randbelow(200)}"
    system = secrets.choice(_SYSTEMS)
    agent = f"Mozilla/5.0 ({system}) AppleWebKit/537.36 Chrome/{version} Safari/537.36"
    return _browser(agent)


def _browser(agent: str) -> dict[str, str]:
    return {
        "User-Agent": agent,
        "Accept": _PAGES,
        "Accept-Language": secrets.choice(_LANGUAGES),
        "Accept-Encoding": "gzip, deflate",
        "Connection": "keep-alive",
    }
