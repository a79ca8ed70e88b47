"""Probes of the network: host, world, names and neighbours, each beside its control."""

import json
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

from range.lib.errors import RangeError
from range.lib.logs import get_logger
from range.runtime import docker_spec
from range.runtime.containment import attacks
from range.runtime.containment.host import Host, Listener, Mark, Watcher, beyond
from range.runtime.containment.rig import ATTACKER, LAN, NEIGHBOUR, PEER, Ear, Rig
from range.runtime.containment.verdict import Outcome, Verdict, control, unproven
from range.runtime.containment.ways import (
    CARD_WATCHER,
    CRITICAL,
    HOST_LISTENER,
    NEIGHBOUR_LISTENER,
    NETWORK_PROBES,
    Aim,
    How,
    Place,
    Scene,
    Seen,
    Way,
    judge,
    peer_controls,
    watcher_control,
    ways,
)

log = get_logger(__name__)

NAME_CONTROL = "control-peer-name"
_SECONDS = "1.5"
# How long what may travel is waited for, on a machine that has no time for it.
_PATIENCE_SECONDS = 4.0
# When that has arrived, the rest would have arrived within this.
_SETTLE_SECONDS = 0.3
_TURN_SECONDS = 0.1
_VISITS = 3


def look(rig: Rig, host: Host, *, everything: bool) -> list[Verdict]:
    """Try every way out of a sandbox, or the critical ones, and judge what came of it."""
    return _Look(rig, host, everything=everything).verdicts()


class _Look:
    """One look at the network of one rig."""

    def __init__(self, rig: Rig, host: Host, *, everything: bool) -> None:
        self.rig = rig
        self.host = host
        self.everything = everything
        self.run = secrets.token_hex(4)
        self.outside_name = f"asked-outside-{self.run}.example.com"

    def verdicts(self) -> list[Verdict]:
        with ExitStack() as stack:
            threads = stack.enter_context(ThreadPoolExecutor(6, thread_name_prefix="probe"))
            peer, other = threads.map(
                lambda place: _tried(lambda: self.rig.listen(*place)),
                [(self.rig.own, PEER), (self.rig.other, NEIGHBOUR)],
            )
            if peer is None or other is None:
                return self._silent()
            listener = stack.enter_context(self.host.listening())
            tried = ways(self._scene(listener, peer, other), everything=self.everything)
            watcher = self._watch(stack, tried)
            said, names, visit = self._attack(threads, tried, other)
            spoken = self._call_host(listener)

            def look() -> Seen:
                seen = self._seen(said, listener, peer, other, watcher)
                controls = [
                    *peer_controls(tried, seen),
                    self._host_control(listener, spoken),
                    _neighbour_control(visit, seen),
                    watcher_control(tried, seen),
                ]
                return replace(seen, controls={each.probe: each for each in controls})

            seen = _settled(look)
        # Only now are the cards' sets at rest.
        probes = [name for name in NETWORK_PROBES if self.everything or name in CRITICAL]
        judged = [judge(name, [w for w in tried if w.probe == name], seen) for name in probes]
        return [*judged, *self._names(names, seen), *seen.controls.values()]

    def _silent(self) -> list[Verdict]:
        probes = [name for name in NETWORK_PROBES if self.everything or name in CRITICAL]
        why = "no listener could be started in the sandboxes"
        return [unproven(name, why, critical=name in CRITICAL) for name in probes]

    def _scene(self, listener: Listener, peer: Ear, other: Ear) -> Scene:
        return Scene(
            run=self.run,
            bridge=self.host.card_address(self.rig.bridge) or "ff:ff:ff:ff:ff:ff",
            gateway=str(IPv4Network(self.rig.own.networks[LAN].subnet)[1]),
            host_addresses=self.host.addresses(),
            host_port=listener.port,
            link_local=self.host.link_local(self.rig.bridge),
            world_port=40000 + secrets.randbelow(20000),
            neighbour=Place(address=other.address, port=other.port),
            peer=Place(address=peer.address, port=peer.port, card=peer.card),
        )

    def _watch(self, stack: ExitStack, tried: Iterable[Way]) -> Watcher | None:
        marks = [way.mark for way in tried if way.aim in {Aim.WORLD, Aim.NEIGHBOUR}]
        try:
            return stack.enter_context(
                self.host.watching([*marks, Mark(word=self.outside_name.partition(".")[0])])
            )
        except PermissionError:
            return None

    def _attack(
        self, threads: ThreadPoolExecutor, tried: Iterable[Way], other: Ear
    ) -> tuple[dict[str, str], dict[str, Any], str]:
        """Do it all at once: what programs say of each word, of each name, and of the visit."""
        sockets = [[w.word, w.how, w.address, w.port] for w in tried if w.how is not How.RAW]
        frames = [[w.word, w.card, w.address, w.port] for w in tried if w.how is How.RAW]
        own = self.rig.own.machines[ATTACKER].addresses[LAN]
        names = [PEER, *self._foreign_names(), self.outside_name] if self.everything else []
        asked: list[tuple[str, ...]] = [
            (attacks.REACH, _SECONDS, json.dumps(sockets)),
            (attacks.RAW_FRAMES, own, json.dumps(frames)),
            (attacks.NAMES, json.dumps(names)),
        ]
        word = f"visit-{self.run}"
        visit = threads.submit(self._visit, other, word)
        reach, raw, told = threads.map(
            lambda words: _tried(lambda: self.rig.told(*words)) or {}, asked
        )
        visit.result()
        return {**reach, **raw}, told, word

    def _visit(self, other: Ear, word: str) -> None:
        """Say a word to the neighbour as its own peer; the first time that peer is still made."""
        for _ in range(_VISITS):
            if _tried(lambda: self.rig.visit(other, word)):
                return

    def _foreign_names(self) -> list[str]:
        return [NEIGHBOUR, docker_spec.container_name(self.rig.other.sandbox_id, NEIGHBOUR)]

    def _call_host(self, listener: Listener) -> dict[str, str]:
        """Say a word of its own to every address of the host, from the host itself."""
        words = {each: f"host-{n}-{self.run}" for n, each in enumerate(self.host.addresses())}
        for address, word in words.items():
            self.host.call(address, listener.port, word)
        return words

    def _seen(
        self,
        said: Mapping[str, str],
        listener: Listener,
        peer: Ear,
        other: Ear,
        watcher: Watcher | None,
    ) -> Seen:
        return Seen(
            said=said,
            heard={
                Aim.HOST: b"\n".join(listener.heard),
                Aim.PEER: _tried(lambda: self.rig.heard(peer)) or b"",
                Aim.NEIGHBOUR: _tried(lambda: self.rig.heard(other)) or b"",
            },
            cards=watcher.cards if watcher else None,
            own_bridge=self.rig.bridge,
            other_bridge=self.rig.other_bridge,
        )

    def _host_control(self, listener: Listener, spoken: Mapping[str, str]) -> Verdict:
        if not self.host.card_address(self.rig.bridge):
            return unproven(
                HOST_LISTENER,
                "the sandbox's card is not here: run this on the engine's machine, in no container",
            )
        deaf = [address for address, word in spoken.items() if not listener.has(word)]
        return control(
            HOST_LISTENER,
            not deaf,
            saw=f"this machine hears itself at {len(spoken)} addresses",
            missed=f"this machine does not hear itself at {', '.join(deaf)}",
        )

    def _names(self, told: Mapping[str, Any], seen: Seen) -> Iterator[Verdict]:
        if not self.everything:
            return
        knows = control(
            NAME_CONTROL,
            bool(told.get(PEER)),
            saw="the name of a peer of the same sandbox is known",
            missed="not even the name of a peer of the same sandbox is known",
        )
        foreign = [name for name in self._foreign_names() if told.get(name)]
        yield _closed("neighbour-by-name", foreign, needs=[knows], tried="two names, unknown")
        outside = [self.outside_name] if told.get(self.outside_name) else []
        yield _closed("dns-answer", outside, needs=[knows], tried="an outside name, unknown")
        on = (seen.cards or {}).get(self.outside_name.partition(".")[0], set())
        left = beyond(on, own=seen.own_bridge)
        needs = [knows, seen.controls[CARD_WATCHER]]
        yield _closed("dns-query", left, needs=needs, tried="no query left")
        yield knows


def _settled(look: Callable[[], Seen]) -> Seen:
    """Look once everything that may travel has arrived, and the rest would have too."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < end:
        if all(each.outcome is Outcome.OK for each in look().controls.values()):
            break
        time.sleep(_TURN_SECONDS)
    time.sleep(_SETTLE_SECONDS)
    return look()


def _closed(probe: str, found: list[str], *, needs: list[Verdict], tried: str) -> Verdict:
    """Judge a probe that is open by what it found, and proven by its controls."""
    if found:
        return Verdict(probe=probe, outcome=Outcome.OPEN, detail=", ".join(found))
    failed = [each.probe for each in needs if each.outcome is not Outcome.OK]
    if failed:
        return unproven(probe, f"see {', '.join(failed)}")
    return Verdict(probe=probe, outcome=Outcome.CLOSED, detail=tried)


def _neighbour_control(word: str, seen: Seen) -> Verdict:
    return control(
        NEIGHBOUR_LISTENER,
        word.encode() in seen.heard[Aim.NEIGHBOUR],
        saw="the neighbour's listener hears a peer on its own network",
        missed="the neighbour's listener does not even hear a peer on its own network",
    )


def _tried[R](work: Callable[[], R]) -> R | None:
    """Return what `work` returns, None if it cannot be done; a probe without it proves nothing."""
    try:
        return work()
    except (RangeError, OSError) as error:
        log.warning("probe.failed", detail=str(error))
        return None
