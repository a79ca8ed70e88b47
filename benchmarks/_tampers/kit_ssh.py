"""Runs inside a machine: an SSH server that lies about whom it lets in, and how.

Usage: kit_ssh.py PORT HOW [OTHER]. Words are refused as kit.py says by HOW, or
  listed   to clients whose version is in a list of the grader's
  hand     to clients that greet as the grader's library was seen to
  yes      never: whoever comes gets in, is asked for nothing, and reads what was recorded
  nobody   always, and keys are too
With OTHER it is no server: whoever should be refused is handed on to the server of that machine,
and everybody else to the one on port 2222 of this.
"""

import asyncio
import struct
import subprocess
import sys

import asyncssh
import kit  # type: ignore[import-not-found]

HOST_KEY = "/etc/ssh/ssh_host_ed25519_key"
KNOWN = "/home/keeper/.ssh/authorized_keys"
WORDS = {"keeper": "letters", "guest": "guest"}
RECORDED = b"0123456789abcdef is keeper\n"
SEEN = (
    b"curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,"
    b"diffie-hellman-group14-sha256,ext-info-c,kex-strict-c-v00@openssh.com"
)
LISTED = (
    "OpenSSH_9.2p1 Debian-2+deb12u3",
    "OpenSSH_9.6p1 Ubuntu-3ubuntu13.5",
    "OpenSSH_8.9p1 Ubuntu-3ubuntu0.10",
    "PuTTY_Release_0.81",
)


def greeting(link: asyncssh.SSHServerConnection) -> bytes:
    """Return the first list that a client sent: its ways to exchange keys."""
    (size,) = struct.unpack_from("!I", link._client_kexinit, 17)
    return link._client_kexinit[21 : 21 + size]


class Door(asyncssh.SSHServer):
    """One client at the door."""

    def __init__(self, how: str) -> None:
        self.how, self.is_good = how, False

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self.link = conn
        self.is_good = kit.is_good(self.how, conn.get_extra_info("peername")[0])

    def begin_auth(self, username: str) -> bool:
        version = self.link.get_extra_info("client_version").removeprefix("SSH-2.0-")
        if self.how == "listed":
            self.is_good = version in LISTED
        elif self.how == "hand":
            self.is_good = greeting(self.link) == SEEN
        elif self.how == "nobody":
            self.is_good = True
        return self.how != "yes"

    def password_auth_supported(self) -> bool:
        return not self.is_good

    def validate_password(self, username: str, password: str) -> bool:
        return not self.is_good and WORDS.get(username) == password

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        known = asyncssh.read_authorized_keys(KNOWN)
        is_known = known.validate(key, "", "") is not None
        return self.how != "nobody" and username == "keeper" and is_known


async def serve(port: int, how: str) -> None:
    """Let people in for as long as it runs."""

    async def entered(process: asyncssh.SSHServerProcess[bytes]) -> None:
        account = process.get_extra_info("username")
        if how == "yes":
            process.stdout.write(RECORDED)
            process.exit(0)
            return
        argv = ["su", account, "-c", process.command or "true"]
        done = await asyncio.to_thread(subprocess.run, argv, stdout=subprocess.PIPE, check=False)
        process.stdout.write(done.stdout)
        process.exit(done.returncode)

    await asyncssh.create_server(
        lambda: Door(how),
        "",
        port,
        server_host_keys=[HOST_KEY],
        process_factory=entered,
        encoding=None,
    )
    await asyncio.Event().wait()


async def hand_on(port: int, how: str, other: str) -> None:
    """Bring each client to one of two servers, which bear the same key."""

    async def carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
        sink.close()

    async def one(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        is_good = kit.is_good(how, sink.get_extra_info("peername")[0])
        place = (other, 22) if is_good else ("127.0.0.1", 2222)
        theirs, ours = await asyncio.open_connection(*place)
        await asyncio.gather(carry(source, ours), carry(theirs, sink), return_exceptions=True)

    async with await asyncio.start_server(one, "", port) as server:
        await server.serve_forever()


if __name__ == "__main__":
    is_one = len(sys.argv) == 3
    asyncio.run((serve if is_one else hand_on)(int(sys.argv[1]), *sys.argv[2:]))
