"""Opens a console for the first page that asks: terminal, recording, transcript, relay."""

import asyncio
import time
import uuid
from dataclasses import dataclass
from functools import partial

from channels.db import database_sync_to_async
from django.db.models import Sum
from django.utils import timezone

from range.console import cast
from range.console.admission import Admission
from range.console.models import Recording
from range.console.recorder import QUOTA_BYTES, Recorder, Seal
from range.console.redacting import redactor_of
from range.console.redaction import Redactor
from range.console.relay import Key, Relay, open_stream
from range.console.screen import TAIL_BYTES, Screen
from range.console.scribe import Ledger, RecordingTape, Scribe
from range.console.services import recordings_folder
from range.console.tape import NoTape
from range.console.transcripts import Command, Cutter
from range.console.writer import CommandNote, SealNote, Writer
from range.exercises.models import Attempt
from range.lib.logs import get_logger
from range.runtime.driver import Size
from range.sandboxes.models import Sandbox

log = get_logger(__name__)

TEXT_CHARACTERS = 400
LABEL_CHARACTERS = 80


@dataclass(frozen=True, kw_only=True)
class _Prepared:
    """What the database and the disk know before the first byte is shown."""

    recorder: Recorder
    recording_id: uuid.UUID
    redactor: Redactor
    screen: bytes


async def open_console(
    admission: Admission, *, size: Size, scribe: Scribe, writer: Writer
) -> Relay:
    """Enter the machine and begin a recording of what it shows.

    Raises:
        RangeError: Whatever the driver refuses with; then nothing is recorded.
    """
    began = time.monotonic()
    # Side by side: the engine takes its time to enter, and the rows do not depend on it.
    entering = asyncio.ensure_future(
        open_stream(
            driver=admission.driver,
            handle=admission.handle,
            machine=admission.machine,
            console=admission.console,
            size=size,
        )
    )
    preparing = asyncio.ensure_future(database_sync_to_async(_prepare)(admission, size=size))
    await asyncio.wait([entering, preparing])
    if entering.exception() is not None and preparing.exception() is None:
        await database_sync_to_async(_take_back)(preparing.result())
    if preparing.exception() is not None and entering.exception() is None:
        await entering.result().close()
    stream, prepared = entering.result(), preparing.result()
    screen = Screen()
    if prepared.screen:
        screen.append(prepared.screen)
    log.info("console.opened", machine=admission.machine, seconds=time.monotonic() - began)
    return Relay(
        Key(sandbox_id=admission.sandbox_id, machine=admission.machine, console=admission.console),
        stream,
        tape=RecordingTape(scribe, _ledger(admission, prepared, size=size, writer=writer)),
        screen=screen,
        size=size,
        continues=bool(prepared.screen),
    )


async def open_unrecorded(
    admission: Admission, *, size: Size, scribe: Scribe, writer: Writer
) -> Relay:
    """Enter a machine of an author's own sandbox; nothing of it is written down.

    Raises:
        RangeError: Whatever the driver refuses with.
    """
    stream = await open_stream(
        driver=admission.driver,
        handle=admission.handle,
        machine=admission.machine,
        console=admission.console,
        size=size,
    )
    key = Key(sandbox_id=admission.sandbox_id, machine=admission.machine, console=admission.console)
    return Relay(key, stream, tape=NoTape(), screen=Screen(), size=size)


def _prepare(admission: Admission, *, size: Size) -> _Prepared:
    attempt = Attempt.objects.select_related("exercise__version").get(pk=admission.attempt_id)
    sandbox = Sandbox.objects.get(pk=admission.sandbox_id)
    before = _shown_before(admission)
    recording = Recording(
        sandbox=sandbox,
        machine=admission.machine,
        console=admission.console,
        opened_by_id=admission.person_id,
        started_at=timezone.now(),
    )
    recording.path = f"{attempt.pk}/{recording.pk}.cast"
    header = cast.Header(
        cols=size.columns,
        rows=size.rows,
        started_at=int(recording.started_at.timestamp()),
        title=f"{admission.machine} {admission.console}",
    )
    recorder = Recorder(
        recordings_folder() / recording.path, header, quota_bytes=_quota_left(attempt)
    )
    recorder.output(0, before)
    recording.save(force_insert=True)
    redactor = redactor_of(attempt, epoch=sandbox.epoch)
    return _Prepared(recorder=recorder, recording_id=recording.pk, redactor=redactor, screen=before)


def _take_back(prepared: _Prepared) -> None:
    prepared.recorder.close()
    recording = Recording.objects.get(pk=prepared.recording_id)
    recording.delete()
    (recordings_folder() / recording.path).unlink(missing_ok=True)


def _quota_left(attempt: Attempt) -> int:
    ended = Recording.objects.filter(sandbox__attempt=attempt)
    used = ended.aggregate(total=Sum("size_bytes"))["total"] or 0
    return max(0, QUOTA_BYTES - used)


def _shown_before(admission: Admission) -> bytes:
    last = (
        Recording.objects.filter(
            sandbox_id=admission.sandbox_id, machine=admission.machine, console=admission.console
        )
        .order_by("-started_at")
        .first()
    )
    if last is None:
        return b""
    try:
        played = cast.read(recordings_folder() / last.path)
    except (OSError, ValueError):
        # Continuing is a courtesy: a recording that cannot be read must not close the console.
        log.warning("console.recording.unreadable", recording=str(last.pk))
        return b""
    screen = Screen()
    for event in played.events:
        if event.code == "o":
            screen.append(event.data.encode())
    return screen.snapshot()[-2 * TAIL_BYTES :]


def _ledger(admission: Admission, prepared: _Prepared, *, size: Size, writer: Writer) -> Ledger:
    recorder, redactor = prepared.recorder, prepared.redactor

    def on_begin(text: str) -> None:
        label = redactor.redact(text).replace("\n", " ")[:LABEL_CHARACTERS]
        recorder.mark(recorder.last_ms, label)

    def on_seal(seal: Seal) -> None:
        writer.submit(SealNote(recording_id=prepared.recording_id, seal=seal))

    return Ledger(
        recorder=recorder,
        cutter=Cutter(cols=size.columns, on_begin=on_begin),
        on_command=partial(_note_command, admission, prepared, writer),
        on_seal=on_seal,
    )


def _note_command(
    admission: Admission, prepared: _Prepared, writer: Writer, command: Command
) -> None:
    digest = command.output.digest(prepared.redactor)
    writer.submit(
        CommandNote(
            attempt_id=admission.attempt_id,
            actor=f"trainee:{admission.person_id}",
            payload={
                "machine": admission.machine,
                "console": admission.console,
                "text": prepared.redactor.redact(command.text)[:TEXT_CHARACTERS],
                "exit": command.exit_code,
                "ms": command.ms,
                "output": {
                    "first": list(digest.first),
                    "last": list(digest.last),
                    "lines": digest.lines,
                },
                "error": command.output.error_class(command.exit_code),
                "assembled": command.assembled,
                "recording": str(prepared.recording_id),
                "offset_ms": command.at_ms,
                # Only where it is so: it says that this is not the trainee's own work.
                **({"typed_by": list(command.typed_by)} if command.typed_by else {}),
            },
        )
    )
