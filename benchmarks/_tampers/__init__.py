"""What a trainee with root tries so that a check says MET without the work being done."""

from benchmarks._tampers import files, running, wire

CASES = (*files.CASES, *wire.CASES, *running.CASES)
