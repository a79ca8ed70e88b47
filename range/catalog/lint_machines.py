"""Lint: networks and machines fit together, and every machine can be reached."""

from collections.abc import Iterator

from range.catalog.problems import Problem, Severity
from range.catalog.reader import LoadedScenario
from range.catalog.topology_builder import BASE_ACCOUNTS

MEMORY_WARNING_MB = 2048


def machine_problems(loaded: LoadedScenario) -> Iterator[Problem]:
    """Yield what is wrong with machines and networks."""
    yield from _networks(loaded)
    yield from _consoles(loaded)
    yield from _views(loaded)
    yield from _owners(loaded)
    yield from _names(loaded)
    total = sum(machine.resources.memory_mb for machine in loaded.spec.machines.values())
    if total > MEMORY_WARNING_MB:
        expected = f"machines of at most {MEMORY_WARNING_MB} MiB together"
        yield loaded.problem(Severity.WARNING, ("machines",), expected, f"{total} MiB")


def _networks(loaded: LoadedScenario) -> Iterator[Problem]:
    spec = loaded.spec
    known = ", ".join(spec.networks)
    for name, machine in spec.machines.items():
        for position, network in enumerate(machine.networks):
            if network not in spec.networks and "{{" not in network:
                yield loaded.problem(
                    Severity.ERROR,
                    ("machines", name, "networks", position),
                    f"one of the networks {known}",
                    repr(network),
                )
    joined = {network for machine in spec.machines.values() for network in machine.networks}
    for network, details in spec.networks.items():
        if network not in joined:
            yield loaded.problem(
                Severity.ERROR, ("networks", network), "a machine that joins it", "none"
            )
        consoles = [m for m in spec.machines.values() if m.console and network in m.networks]
        if details.console and not consoles:
            yield loaded.problem(
                Severity.ERROR, ("networks", network), "a machine with a console in it", "none"
            )


def _consoles(loaded: LoadedScenario) -> Iterator[Problem]:
    machines = loaded.spec.machines
    reached = {name for name, machine in machines.items() if machine.console is not None}
    if not reached:
        place = ("machines",)
        yield loaded.problem(Severity.ERROR, place, "a machine with a console", "none")
    for name in sorted(reached):
        if machines[name].hidden:
            yield loaded.problem(
                Severity.ERROR, ("machines", name), "a console or hidden, not both", "both"
            )
    while True:
        segments = {network for name in reached for network in machines[name].networks}
        nearer = {
            name
            for name, machine in machines.items()
            if name not in reached and segments.intersection(machine.networks)
        }
        if not nearer:
            break
        reached |= nearer
    for name in sorted(set(machines) - reached):
        yield loaded.problem(
            Severity.ERROR, ("machines", name), "a way from a console's networks", "none"
        )


def _views(loaded: LoadedScenario) -> Iterator[Problem]:
    for name, machine in loaded.spec.machines.items():
        if machine.view is not None and machine.hidden:
            place = ("machines", name, "view")
            yield loaded.problem(Severity.ERROR, place, "a view or hidden, not both", "both")


def _owners(loaded: LoadedScenario) -> Iterator[Problem]:
    for name, machine in loaded.spec.machines.items():
        known = {*BASE_ACCOUNTS, *machine.accounts}
        for position, seed in enumerate(machine.seed):
            plain = "{{" not in seed.owner and not seed.owner[0].isdigit()
            if plain and seed.owner not in known:
                yield loaded.problem(
                    Severity.ERROR,
                    ("machines", name, "seed", position, "owner"),
                    f"a number, or one of {', '.join(sorted(known))}",
                    repr(seed.owner),
                    "Give the account's number under accounts.",
                )


def _names(loaded: LoadedScenario) -> Iterator[Problem]:
    taken: dict[str, str] = {}
    for name, machine in loaded.spec.machines.items():
        for alias in (name, *machine.aliases):
            if alias in taken:
                place = ("machines", name)
                found = f"{alias!r}, which is also {taken[alias]}"
                yield loaded.problem(Severity.ERROR, place, "names of their own", found)
            taken[alias] = name
