"""Serves a GGUF file through an OpenAI-compatible address on the loopback interface."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from range.lib.errors import RangeError

HOST = "127.0.0.1"
CONTEXT_TOKENS = 4096
# Two threads is what the smallest supported machine has; more would starve the consoles.
MOST_THREADS = 4
QUIET = 1


class ServerFailed(RangeError):
    """The server did not come up: port taken, or the file cannot be loaded."""

    def __init__(self, cause: str) -> None:
        super().__init__(
            f"The local model's server did not start: {cause}.", reason="model-server", status=503
        )


@contextmanager
def serving(weights: Path, *, port: int, alias: str = "tutor") -> Iterator[str]:
    """Serve a model inside the block; yields the address.

    Raises:
        ServerFailed: It could not be loaded or the port is taken.
    """
    import xllamacpp

    try:
        server: Any = xllamacpp.Server(_parameters(xllamacpp, weights, port, alias))
    except Exception as error:
        raise ServerFailed(type(error).__name__) from error
    try:
        yield str(server.listening_address)
    finally:
        del server


def _parameters(xllamacpp: Any, weights: Path, port: int, alias: str) -> Any:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(weights)
    parameters.model_alias = {alias}
    parameters.hostnames = [HOST]
    parameters.port = port
    parameters.cors_origins = f"http://{HOST}:{port}"
    parameters.cors_origins_explicit = True
    parameters.ui = False
    parameters.endpoint_slots = False
    parameters.endpoint_props = False
    parameters.verbosity = QUIET
    # One generation at a time, and the prefix it read last is kept: that is the whole speed.
    parameters.n_parallel = 1
    parameters.cache_prompt = True
    parameters.n_ctx = CONTEXT_TOKENS
    threads = max(1, min(MOST_THREADS, os.cpu_count() or 1))
    parameters.cpuparams.n_threads = threads
    parameters.cpuparams_batch.n_threads = threads
    return parameters
