"""Structured logs: the event first, then its facts, as JSON lines or readable text."""

import logging
import logging.config
import sys
from typing import Any, TextIO, cast

# Where developers' tools brought them, structlog would load these into every role: 9 MB, for
# tracebacks in another form than those of a range that people use.
_unwanted = {name: sys.modules.get(name) for name in ("rich", "greenlet")}
sys.modules.update(dict.fromkeys(_unwanted))  # type: ignore[arg-type]
import structlog  # noqa: E402
from structlog.typing import (  # noqa: E402
    EventDict,
    FilteringBoundLogger,
    Processor,
    WrappedLogger,
)

for _name, _module in _unwanted.items():
    if _module is None:
        del sys.modules[_name]
    else:
        sys.modules[_name] = _module

# Words that must never reach a log, whoever writes it there.
SECRET_KEYS = frozenset(
    {"flag", "flags", "password", "prompt", "secret", "token", "transcript", "variables"}
)


def get_logger(name: str) -> FilteringBoundLogger:
    """Return the logger of a module; `name` is its `__name__`."""
    return cast(FilteringBoundLogger, structlog.stdlib.get_logger(name))


def configure(*, level: str = "INFO", as_json: bool = True, stream: TextIO | None = None) -> None:
    """Send structlog and the standard library's loggers through one format.

    Args:
        level: Name of the lowest level shown.
        as_json: One JSON object a line; readable text otherwise.
        stream: Where lines go; stderr when None.
    """
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        # A cached logger would keep the first form for good.
        cache_logger_on_first_use=False,
    )
    target = stream or sys.stderr
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_shared(),
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_rendering(as_json, target),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)


def drop_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace the value under every key that could hold a secret."""
    for key in SECRET_KEYS & event.keys():
        event[key] = "[removed]"
    return event


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        drop_secrets,
    ]


def _rendering(as_json: bool, target: TextIO) -> list[Any]:
    """Return what turns an event into a line; no traceback shows values, which may be secrets."""
    if as_json:
        bare = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        return [structlog.processors.ExceptionRenderer(bare), structlog.processors.JSONRenderer()]
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=target.isatty(), exception_formatter=plain)]
