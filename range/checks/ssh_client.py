"""Speaks SSH over a connection of a peer's, by a library that gets no file, agent or name of ours.

Loaded when an SSH check is judged, and not before.
"""

import asyncio
import logging
import secrets
import socket
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import asyncssh

from range.checks.wire import Wire, WireEnded

OUTPUT_LIMIT_BYTES = 1 << 16
BANNER_LIMIT = 4096
# Prompts of a login; who asks more often gets no answer.
PROMPTS_LIMIT = 8
# Ordinary programs, so that a server cannot tell the grader by its name.
VERSIONS = (
    "OpenSSH_9.2p1 Debian-2+deb12u3",
    "OpenSSH_9.6p1 Ubuntu-3ubuntu13.5",
    "OpenSSH_8.9p1 Ubuntu-3ubuntu0.10",
    "PuTTY_Release_0.81",
)
# What is always offered; a server could choose others that cost much more, and nothing is
# unpacked, whatever it sends.
_OFFERED: dict[str, tuple[str, ...]] = {
    "kex_algs": (
        "curve25519-sha256",
        "curve25519-sha256@libssh.org",
        "ecdh-sha2-nistp256",
        "diffie-hellman-group14-sha256",
    ),
    "encryption_algs": (
        "chacha20-poly1305@openssh.com",
        "aes256-gcm@openssh.com",
        "aes256-ctr",
        "aes128-ctr",
    ),
    "mac_algs": ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256"),
    "server_host_key_algs": (
        "ssh-ed25519",
        "ecdsa-sha2-nistp256",
        "rsa-sha2-512",
        "rsa-sha2-256",
    ),
    "compression_algs": ("none",),
}
# What costs no more and is offered now and then.
_NOW_AND_THEN: dict[str, tuple[str, ...]] = {
    "kex_algs": ("ecdh-sha2-nistp384", "ecdh-sha2-nistp521"),
    "encryption_algs": ("aes128-gcm@openssh.com", "aes192-ctr"),
    "mac_algs": ("hmac-sha1-etm@openssh.com", "hmac-sha2-512", "hmac-sha1"),
    "server_host_key_algs": ("ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
}
# What a library would look for on this machine: none of it is the sandbox's business.
_NOTHING_OF_OURS: dict[str, Any] = {
    "config": None,
    "client_keys": None,
    "known_hosts": None,
    "agent_path": None,
    "agent_forwarding": False,
    "x11_forwarding": False,
    "pkcs11_provider": None,
    "gss_host": None,
    "host_based_auth": False,
    "x509_trusted_certs": None,
    "x509_trusted_cert_paths": None,
    "send_env": None,
    "server_host_keys_handler": None,
    "keepalive_interval": 0,
}
# A name for messages only; nothing is looked up.
_HOST = "server"
logging.getLogger("asyncssh").setLevel(logging.ERROR)


class KeyUnreadable(Exception):
    """The author's private key cannot be read."""


@dataclass
class Visit:
    """What one login came to.

    Args:
        state: Let in, refused by the server's own word, or neither.
        is_open: It let in without having asked for what the account has.
        trouble: Why it is neither, or what went wrong afterwards.
    """

    state: Literal["in", "refused", "neither"] = "neither"
    is_open: bool = False
    banner: str = ""
    trouble: str = ""
    output: bytes = b""
    exit_code: int | None = None


@dataclass(frozen=True, kw_only=True)
class Login:
    """Who logs in, with a password or a private key, and what is run then.

    Args:
        is_unknown: Whether the client is of a version that no server can have a list of.
    """

    account: str
    is_unknown: bool = False
    password: str | None = None
    key: str | None = None
    command: str | None = None


def offered(wire: Wire, account: str) -> list[str]:
    """Return the ways to log in that a server offers an account; `none` where it asks nothing.

    Raises:
        WireEnded: It is no SSH server, or did not tell.
    """
    return _run(wire, _offered(wire, account))


def visited(wire: Wire, login: Login) -> Visit:
    """Log in, run a command if there is one, and leave.

    Raises:
        KeyUnreadable: The private key cannot be read.
        WireEnded: It took too long.
    """
    return _run(wire, _visited(wire, login))


def _run[T](wire: Wire, work: Coroutine[Any, Any, T]) -> T:
    async def bounded() -> T:
        async with asyncio.timeout(wire.left()):
            return await work

    # Not the loop that a role may have chosen: only this one reads through the lent socket.
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        try:
            return runner.run(bounded())
        except TimeoutError as error:
            raise WireEnded("too slow") from error


async def _offered(wire: Wire, account: str) -> list[str]:
    greeting = _greeting()
    options = _options(account, greeting)
    try:
        # What it takes itself it would otherwise find out for itself, such as who we are.
        methods = await asyncssh.get_server_auth_methods(
            _HOST,
            sock=_socket(wire),
            config=None,
            options=options,
            username=account,
            client_version=secrets.choice(VERSIONS),
            kex_algs=greeting["kex_algs"],
            server_host_key_algs=greeting["server_host_key_algs"],
        )
    except Exception as error:
        # Whatever a server's bytes bring about in a library is that server's doing.
        raise WireEnded(_said(error)) from error
    return list(methods)


async def _visited(wire: Wire, login: Login) -> Visit:
    guest = _Guest(login)
    way = ["publickey"] if login.key is not None else ["password", "keyboard-interactive"]
    version = _made_up_version() if login.is_unknown else secrets.choice(VERSIONS)
    options = _options(
        login.account,
        _greeting(),
        client_version=version,
        preferred_auth=way,
        client_factory=lambda: guest,
    )
    visit = guest.visit
    try:
        connection = await asyncssh.connect(_HOST, sock=_socket(wire), config=None, options=options)
    except Exception as error:
        if not visit.trouble and guest.was_refused(error):
            visit.state = "refused"
        visit.trouble = visit.trouble or _said(error)
        return visit
    visit.state, visit.is_open = "in", not guest.was_asked
    try:
        if login.command is not None:
            await _ran(connection, login.command, visit)
    except Exception as error:
        visit.trouble = visit.trouble or _said(error)
    finally:
        connection.abort()
        await connection.wait_closed()
    return visit


async def _ran(connection: asyncssh.SSHClientConnection, command: str, visit: Visit) -> None:
    output = _Output(visit)
    channel, _ = await connection.create_session(
        lambda: output, command, encoding=None, window=OUTPUT_LIMIT_BYTES
    )
    channel.write_eof()
    await output.ended.wait()


def _greeting() -> dict[str, Any]:
    """Return lists in an order and with names of this visit's own.

    They are sent in the clear before anything else: the same ones each time would be a name.
    """
    found = {}
    for kind, always in _OFFERED.items():
        extra = [each for each in _NOW_AND_THEN.get(kind, ()) if secrets.randbelow(2)]
        found[kind] = [*always, *extra]
        secrets.SystemRandom().shuffle(found[kind])
        # For servers that know nothing else: slow, and on its way out.
        found[kind].sort(key=lambda name: name.startswith("diffie-hellman"))
    return found


def _options(
    account: str, greeting: dict[str, Any], **more: Any
) -> asyncssh.SSHClientConnectionOptions:
    return asyncssh.SSHClientConnectionOptions(
        **greeting,
        **_NOTHING_OF_OURS,
        username=account,
        **more,
    )


def _made_up_version() -> str:
    return f"OpenSSH_{7 + secrets.randbelow(4)}.{secrets.randbelow(10)}p{secrets.randbelow(3)}"


def _socket(wire: Wire) -> socket.socket:
    connection = wire.lent()
    connection.setblocking(False)
    return connection


def _said(error: Exception) -> str:
    return f"no SSH conversation: {error or type(error).__name__}"[:200]


class _Guest(asyncssh.SSHClient):
    """Gives what its login has once, and nothing to a server that goes on asking."""

    def __init__(self, login: Login) -> None:
        self.visit = Visit()
        self.was_asked = False
        self._login = login
        self._key = None if login.key is None else _private(login.key)
        self._prompts = 0
        self._is_begun = False

    def was_refused(self, error: Exception) -> bool:
        """Tell whether a login ended by the server's own refusal, not by some trouble."""
        if isinstance(error, asyncssh.PermissionDenied):
            return self._is_begun
        # What OpenSSH says in place of a refusal where only one attempt is allowed.
        return self.was_asked and "authentication failures" in str(error)

    def begin_auth(self, username: str) -> None:
        self._is_begun = True

    def auth_banner_received(self, msg: str, lang: str) -> None:
        self.visit.banner = (self.visit.banner + msg)[:BANNER_LIMIT]

    def public_key_auth_requested(self) -> asyncssh.SSHKey | None:
        return None if self._again() else self._key

    def password_auth_requested(self) -> str | None:
        return None if self._again() else self._login.password

    def password_change_requested(self, prompt: str, lang: str) -> Any:
        self.visit.trouble = "the server wants a new password"
        return NotImplemented

    def kbdint_auth_requested(self) -> str | None:
        return None if self.was_asked else ""

    def kbdint_challenge_received(
        self, name: str, instructions: str, lang: str, prompts: Sequence[tuple[str, bool]]
    ) -> Sequence[str] | None:
        self._prompts += 1
        if self._prompts > PROMPTS_LIMIT:
            return None
        if not prompts:
            return []
        password = self._login.password
        if len(prompts) > 1 or password is None or self._again():
            return None
        return [password]

    def _again(self) -> bool:
        was, self.was_asked = self.was_asked, True
        return was


class _Output(asyncssh.SSHClientSession[bytes]):
    """Keeps what a command prints, up to a limit."""

    def __init__(self, visit: Visit) -> None:
        self.ended = asyncio.Event()
        self._visit = visit
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self._channel = chan

    def data_received(self, data: bytes, datatype: int | None) -> None:
        if len(self._visit.output) + len(data) > OUTPUT_LIMIT_BYTES:
            self._visit.trouble = f"the command prints more than {OUTPUT_LIMIT_BYTES} bytes"
            self.ended.set()
            return
        self._visit.output += data

    def exit_status_received(self, status: int) -> None:
        self._visit.exit_code = status

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()


def _private(text: str) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_private_key(text.strip() + "\n")
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError) as error:
        raise KeyUnreadable(str(error)[:200]) from error
