"""A small honest SSH server for one connection, in a thread of its own."""

import asyncio
from contextlib import suppress

import asyncssh

HOST_KEY = asyncssh.generate_private_key("ssh-ed25519")


class Door(asyncssh.SSHServer):
    """Knows passwords and keys.

    Args:
        known: Passwords by account.
        keys: Public keys by account.
        methods: Ways to log in that are offered.
    """

    def __init__(self, server):
        self.server = server

    def connection_made(self, connection):
        self.connection = connection
        self.server.connections.append(connection)

    def begin_auth(self, username):
        self.server.names.append(username)
        if self.server.banner:
            self.connection.send_auth_banner(self.server.banner)
        return username not in self.server.open_to

    def password_auth_supported(self):
        return "password" in self.server.methods

    def validate_password(self, username, password):
        return self.server.known.get(username) == password

    def public_key_auth_supported(self):
        return "publickey" in self.server.methods

    def validate_public_key(self, username, key):
        return key == self.server.keys.get(username)

    def kbdint_auth_supported(self):
        return "keyboard-interactive" in self.server.methods

    def get_kbdint_challenge(self, username, lang, submethods):
        return "", "", "", self.server.prompts

    def validate_kbdint_response(self, username, responses):
        if self.server.asks_on:
            return "", "", "", self.server.prompts
        return list(responses) == [self.server.known.get(username)]


class SshServer:
    """Serves one connection after the other."""

    def __init__(self, *, known=None, keys=None, methods=("password", "publickey"), **more):
        self.known = {"app": "secret"} if known is None else known
        self.keys = keys or {}
        self.methods = methods
        self.banner = more.pop("banner", "")
        self.open_to = more.pop("open_to", ())
        self.prompts = more.pop("prompts", [("Password:", False)])
        self.asks_on = more.pop("asks_on", False)
        self.run = more.pop("run", self.echo)
        self.options = more
        self.connections = []
        self.names = []

    @staticmethod
    async def echo(process):
        process.stdout.write(f"{process.command}\n")
        process.exit(0)

    def __call__(self, connection):
        with suppress(OSError, asyncssh.Error), asyncio.Runner() as runner:
            runner.run(self.serve(connection))

    async def serve(self, connection):
        connection.setblocking(False)
        server = await asyncssh.run_server(
            connection.dup(),
            server_factory=lambda: Door(self),
            server_host_keys=[HOST_KEY],
            process_factory=self.run,
            config=None,
            **self.options,
        )
        await server.wait_closed()
