"""What a trusted program says about files of a machine, run beside the machine."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from range.checks.base import Judgement, Probe, ToolResult
from range.checks.file_content import first_wrong_content
from range.checks.judgements import inconclusive, met, unmet
from range.checks.patterns import Regex
from range.checks.spec import AbsolutePath, CheckSpec, Line, MachineName

FILE_LIMIT_BYTES = 1 << 20
FILES_LIMIT = 200
TOTAL_LIMIT_BYTES = 8 << 20
_NOT_RUN = (126, 127)
_MACHINE_CODE = b"\x7fELF"
# What would become part of the trusted program itself.
_PROGRAMS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/usr", "/etc/ld.so", "/opt", "/proc")


class Unfit(Exception):
    """What the program should see of the machine cannot be shown to it; holds the reason."""


class CommandCheck(CheckSpec):
    """Met when a program ends and prints as expected.

    Trap: a replaced program, shell, library or path. The program comes from the machine's image
    as it was built and runs in a container of its own, without network, as nobody, outside the
    machine's processes; of the machine it sees only copies of the files named under `reads`.
    """

    kind: Literal["command"]
    machine: MachineName
    """Machine whose image has the program, and whose files it reads."""
    where: Literal["beside", "inside"] = "beside"
    """Beside the machine; inside it, where its trainee rules, only as a supporting check."""
    run: Annotated[tuple[Line, ...], Field(min_length=1, max_length=40)]
    """Program, by its absolute path, and arguments; no shell reads them."""
    reads: Annotated[tuple[AbsolutePath, ...], Field(max_length=20)] = ()
    """Files and folders it sees as the machine has them, at the same paths; links and machine
    code are left out."""
    account: Line = "nobody"
    """Account of the machine it runs as, with where: inside."""
    exit_code: Annotated[int, Field(ge=0, le=255)] = 0
    """How it must end."""
    contains: tuple[Regex, ...] = ()
    """Patterns each of which must occur in what it prints."""
    not_contains: tuple[Regex, ...] = ()
    """Patterns none of which may occur in it."""
    timeout_seconds: Annotated[float, Field(gt=0, le=30)] = 10.0
    """How long it may take."""

    @model_validator(mode="after")
    def _trusted(self) -> "CommandCheck":
        if self.where == "inside":
            if self.role == "required" or self.reads:
                raise ValueError("where: inside needs role: supporting, and reads nothing")
            return self
        if not self.run[0].startswith(("/", "{{")):
            raise ValueError("run needs the program's absolute path")
        for path in self.reads:
            if path.startswith(_PROGRAMS) or path.rstrip("/") in ("", "/etc", "/dev", "/sys"):
                raise ValueError(f"{path} would change the trusted program; name what it reads")
        return self

    def judge(self, probe: Probe, *, objective: str = "") -> Judgement:
        if self.where == "inside":
            result = probe.run_inside(
                self.machine,
                self.run,
                account=self.account,
                timeout_seconds=self.timeout_seconds,
            )
            return self._judged(result)
        try:
            files = self._copied(probe)
        except Unfit as error:
            return unmet(str(error))
        result = probe.tool(
            self.machine,
            self.run,
            files=files,
            replaced=self.reads,
            timeout_seconds=self.timeout_seconds,
        )
        if result.exit_code in _NOT_RUN and self.exit_code not in _NOT_RUN:
            return inconclusive("tool-missing", excerpt=self.run[0])
        return self._judged(result)

    def _judged(self, result: ToolResult) -> Judgement:
        output = result.stdout + b"\n" + result.stderr
        shown = f"exit code {result.exit_code}\n" + output.decode(errors="replace").strip()
        if result.timed_out:
            return unmet("tool-too-slow", excerpt=shown)
        if result.exit_code != self.exit_code:
            return unmet("exit-code-differs", excerpt=shown)
        wrong = first_wrong_content(output, self.contains, self.not_contains)
        return unmet(wrong, excerpt=shown) if wrong else met(excerpt=shown)

    def _copied(self, probe: Probe) -> dict[str, bytes]:
        files: dict[str, bytes] = {}
        for path in self.reads:
            stat = probe.stat(self.machine, path)
            if stat is None or stat.is_link:
                raise Unfit("file-is-link" if stat else "file-missing")
            below = [stat]
            if stat.is_directory:
                below = list(probe.list_files(self.machine, path, limit=FILES_LIMIT + 1))
            for each in below:
                if each.is_link or each.is_directory:
                    continue
                data = probe.read_file(self.machine, each.path, limit_bytes=FILE_LIMIT_BYTES)
                if data is None and each.size_bytes > FILE_LIMIT_BYTES:
                    raise Unfit("file-too-large")
                # What could be loaded into the trusted program is not shown to it.
                is_code = data is not None and data.startswith(_MACHINE_CODE)
                files |= {} if data is None or is_code else {each.path: data}
            if len(files) > FILES_LIMIT or len(below) > FILES_LIMIT:
                raise Unfit("too-many-files")
        if sum(map(len, files.values())) > TOTAL_LIMIT_BYTES:
            raise Unfit("file-too-large")
        return files
