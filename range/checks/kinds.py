"""The table of check kinds; a new kind is one line here and one file beside it."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Discriminator, Tag

from range.checks.answer import AnswerCheck
from range.checks.command import CommandCheck
from range.checks.detection import DetectionCheck
from range.checks.dns import DnsCheck
from range.checks.file import FileCheck
from range.checks.flag import FlagCheck
from range.checks.http import HttpCheck
from range.checks.log import LogCheck
from range.checks.modbus import ModbusCheck
from range.checks.network_path import NetworkPathCheck
from range.checks.port import PortCheck
from range.checks.process import ProcessCheck
from range.checks.rubric import RubricCheck
from range.checks.smtp import SmtpCheck
from range.checks.spec import CheckSpec
from range.checks.sql import SqlCheck
from range.checks.ssh import SshCheck
from range.checks.sudo_rule import SudoRuleCheck
from range.checks.tcp import TcpCheck
from range.checks.temporal import TemporalCheck
from range.checks.transcript import TranscriptCheck

# Kinds the format speaks of that no program judges yet.
RESERVED = frozenset({"adversary", "service"})


def kind_of(value: Any) -> str | None:
    """Return the kind of a check, written or read; None for anything else."""
    kind = value.get("kind") if isinstance(value, Mapping) else getattr(value, "kind", None)
    return kind if isinstance(kind, str) else None


Check = Annotated[
    Annotated[AnswerCheck, Tag("answer")]
    | Annotated[CommandCheck, Tag("command")]
    | Annotated[DetectionCheck, Tag("detection")]
    | Annotated[DnsCheck, Tag("dns")]
    | Annotated[FileCheck, Tag("file")]
    | Annotated[FlagCheck, Tag("flag")]
    | Annotated[HttpCheck, Tag("http")]
    | Annotated[LogCheck, Tag("log")]
    | Annotated[ModbusCheck, Tag("modbus")]
    | Annotated[NetworkPathCheck, Tag("network_path")]
    | Annotated[PortCheck, Tag("port")]
    | Annotated[ProcessCheck, Tag("process")]
    | Annotated[RubricCheck, Tag("rubric")]
    | Annotated[SmtpCheck, Tag("smtp")]
    | Annotated[SqlCheck, Tag("sql")]
    | Annotated[SshCheck, Tag("ssh")]
    | Annotated[SudoRuleCheck, Tag("sudo_rule")]
    | Annotated[TcpCheck, Tag("tcp")]
    | Annotated[TemporalCheck, Tag("temporal")]
    | Annotated[TranscriptCheck, Tag("transcript")],
    Discriminator(
        kind_of,
        custom_error_type="check_kind",
        custom_error_message="expected a kind of check that exists",
    ),
]

KINDS: dict[str, type[CheckSpec]] = {
    "answer": AnswerCheck,
    "command": CommandCheck,
    "detection": DetectionCheck,
    "dns": DnsCheck,
    "file": FileCheck,
    "flag": FlagCheck,
    "http": HttpCheck,
    "log": LogCheck,
    "modbus": ModbusCheck,
    "network_path": NetworkPathCheck,
    "port": PortCheck,
    "process": ProcessCheck,
    "rubric": RubricCheck,
    "smtp": SmtpCheck,
    "sql": SqlCheck,
    "ssh": SshCheck,
    "sudo_rule": SudoRuleCheck,
    "tcp": TcpCheck,
    "temporal": TemporalCheck,
    "transcript": TranscriptCheck,
}
