"""What a trainee with root tries so that a check says MET without the work being done."""

from benchmarks._tampers import databases, doors, files, running, settings, wire

CASES = (
    *files.CASES,
    *settings.CASES,
    *wire.CASES,
    *databases.CASES,
    *doors.CASES,
    *running.CASES,
)
