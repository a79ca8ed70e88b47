"""Which addresses a model may be asked at: the operator's, and none of the range's own services."""

import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Clouds hand out a machine's credentials here. Source: the vendors' manuals.
METADATA = frozenset(
    ipaddress.ip_address(each) for each in ("169.254.169.254", "100.100.100.200", "fd00:ec2::254")
)
POSTGRES_PORT = 5432


def why_refused(url: str) -> str:
    """Return why an address may not be asked, empty where it may.

    A name that does not resolve is left to the request, which then fails.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError:
        return "it cannot be read"
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return "it must begin with http:// or https:// and name a host"
    if parts.username or parts.password or parts.query or parts.fragment:
        return "it must hold no credentials, query or fragment"
    return _why_not_there(_resolved(parts.hostname, port), port)


def _resolved(host: str, port: int) -> list[Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in found]


def _why_not_there(addresses: Iterable[Address], port: int) -> str:
    for address in map(_unmapped, addresses):
        if address in METADATA or address.is_link_local:
            return "it is a machine's own metadata service or link"
        if address.is_multicast or address.is_unspecified:
            return "nobody can listen there"
        if address.is_loopback and port in _own_ports():
            return "a service of the range listens there"
    return ""


def _unmapped(address: Address) -> Address:
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


def _own_ports() -> set[int]:
    database = int(connection.settings_dict.get("PORT") or POSTGRES_PORT)
    return {
        database,
        settings.RANGE_WEB_PORT,
        settings.RANGE_CONSOLE_PORT,
        settings.RANGE_VIEW_PORT,
    }
