"""Calls that wait for a person's yes. The page and its address are ready; nothing waits yet."""

_held = {}


def hold(person, calls):
    """Keep what waits for a person; whatever waited before is let go."""
    _held[person.account] = list(calls)


def take(person):
    """Return what waits for a person, once."""
    return _held.pop(person.account, [])
