"""Who looks at a trainee's console, who types in it beside the trainee, and whose keys count."""

import asyncio
from collections.abc import Callable

from range.console.protocol import Hands, company_frame, hands_frame
from range.console.watchers import Send, SendNow, Watcher

# Whoever has taken over and does not type gives the keys back after this.
HAND_BACK_SECONDS = 10 * 60.0
_WORDS = {
    Hands.LOOK: "{} no longer types",
    Hands.ALONG: "{} types along",
    Hands.OVER: "{} has taken over",
}

type OnHands = Callable[[Hands], None]


class Onlooker(Watcher):
    """An instructor's page on a trainee's console: shows its size, answers nothing, looks only.

    Args:
        name: As the trainee reads it.
        on_hands: Called whenever what this page does with the keys has changed, for whatever
            reason.
    """

    def __init__(
        self, send: Send, *, name: str, on_hands: OnHands, send_now: SendNow | None = None
    ) -> None:
        super().__init__(send, cols=0, rows=0, send_now=send_now)
        self.name = name
        self.on_hands = on_hands
        self.hands = Hands.LOOK


class Company:
    """Everybody at one console but its trainee.

    Args:
        on_change: Called when somebody came, left, or does something else with the keys.
        mark: Writes a sentence into the recording.
    """

    def __init__(self, *, on_change: Callable[[], None], mark: Callable[[str], None]) -> None:
        self.people: tuple[Onlooker, ...] = ()
        self.taken_by: Onlooker | None = None
        self._on_change = on_change
        self._mark = mark
        self._loop = asyncio.get_running_loop()
        self._key_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def frame(self) -> str:
        """Return what every page is told of the company."""
        return company_frame((each.name, each.hands) for each in self.people)

    def allows(self, by: Onlooker | None) -> bool:
        """Tell whether keys count now: the trainee's, where `by` is None, or an onlooker's."""
        if self.taken_by is not None:
            return by is self.taken_by
        return by is None or by.hands is not Hands.LOOK

    def typed(self) -> None:
        """Note that somebody other than the trainee pressed a key."""
        self._key_at = self._loop.time()

    def join(self, onlooker: Onlooker) -> None:
        """Add somebody who looks."""
        self.people = (*self.people, onlooker)
        self._on_change()

    def leave(self, onlooker: Onlooker) -> None:
        """Take somebody away; what they held of the keys goes back to the trainee."""
        if onlooker not in self.people:
            return
        self.people = tuple(each for each in self.people if each is not onlooker)
        if onlooker.hands is Hands.LOOK:
            self._on_change()
        else:
            self._change(onlooker, Hands.LOOK)

    def ask(self, onlooker: Onlooker, hands: Hands) -> None:
        """Let somebody do something else with the keys; only one at a time can take over."""
        if onlooker not in self.people:
            return
        other = self.taken_by
        if hands is Hands.OVER and other not in (None, onlooker):
            because = f"{other.name} has taken over already." if other else ""
            onlooker.give(hands_frame(onlooker.hands, because=because))
        elif hands is not onlooker.hands:
            self._change(onlooker, hands)

    def _change(self, onlooker: Onlooker, hands: Hands, *, because: str = "") -> None:
        onlooker.hands = hands
        if hands is Hands.OVER:
            self.taken_by = onlooker
            self.typed()
            self._watch_the_time()
        elif self.taken_by is onlooker:
            self.taken_by = None
        self._mark(_WORDS[hands].format(onlooker.name))
        onlooker.give(hands_frame(hands, because=because))
        onlooker.on_hands(hands)
        self._on_change()

    def _watch_the_time(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        left = self._key_at + HAND_BACK_SECONDS - self._loop.time()
        self._timer = self._loop.call_later(max(0.0, left), self._hand_back)

    def _hand_back(self) -> None:
        onlooker = self.taken_by
        if onlooker is None:
            return
        if self._loop.time() < self._key_at + HAND_BACK_SECONDS:
            self._watch_the_time()
            return
        because = f"You typed nothing for {HAND_BACK_SECONDS / 60:.0f} minutes."
        self._change(onlooker, Hands.LOOK, because=because)
