"""uvicorn's server without its command line, which no role uses and which takes 2 MB of memory."""

import sys
from types import ModuleType

# The package begins with its command line, and that with click and supervisors of processes.
_left_out = "uvicorn" not in sys.modules
if _left_out:
    _hollow = ModuleType("uvicorn.main")
    vars(_hollow).update(Server=None, main=None, run=None)
    sys.modules["uvicorn.main"] = _hollow

import uvicorn  # noqa: E402
from uvicorn.config import Config as Config  # noqa: E402
from uvicorn.protocols.websockets.websockets_sansio_impl import (  # noqa: E402
    WebSocketsSansIOProtocol as WebSocketsSansIOProtocol,
)
from uvicorn.server import Server as Server  # noqa: E402

if _left_out:
    del sys.modules["uvicorn.main"]
    vars(uvicorn).update(Server=Server)
