"""Ways out of a sandbox: which are tried, and how what was seen of them is judged; pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from range.runtime.containment.host import Mark, beyond
from range.runtime.containment.verdict import Outcome, Verdict, control, unproven

# A documentation address, never routed. Source: RFC 5737.
EGRESS = "203.0.113.7"
EGRESS6 = "2001:db8::7"  # Source: RFC 3849.
# Everybody on a network, by network and by hardware address. Source: RFC 4291, RFC 2464.
ALL_NODES, ALL_NODES_CARD = "ff02::1", "33:33:00:00:00:01"
METADATA = "169.254.169.254"
METADATA_PORT = 80

CRITICAL = frozenset(
    {
        "host-by-gateway-tcp",
        "host-by-gateway-udp",
        "host-by-address-tcp",
        "host-by-address-udp",
        "host-by-raw-frame",
        "metadata",
        "egress-tcp",
        "egress-udp",
        "egress-by-raw-frame",
        "neighbour-tcp",
    }
)
NETWORK_PROBES = (
    *sorted(CRITICAL),
    "host-by-ipv6-tcp",
    "host-by-ipv6-raw-frame",
    "egress-by-ipv6-raw-frame",
    "neighbour-by-ipv6-raw-frame",
    "neighbour-udp",
    "neighbour-by-raw-frame",
)
HOST_LISTENER = "control-host-listener"
NEIGHBOUR_LISTENER = "control-neighbour-listener"
CARD_WATCHER = "control-card-watcher"
_SHOWN = 3


class Aim(StrEnum):
    """Whom an attack wants to reach; PEER is the one whom it may."""

    HOST = "host"
    WORLD = "world"
    NEIGHBOUR = "neighbour"
    PEER = "peer"


class How(StrEnum):
    """By what an attack travels."""

    TCP = "tcp"
    UDP = "udp"
    RAW = "raw-frame"


@dataclass(frozen=True, kw_only=True)
class Way:
    """One thing that is tried.

    Args:
        word: What travels; no other way has the same.
        card: Hardware address that a raw frame is sent to.
    """

    probe: str
    aim: Aim
    how: How
    address: str
    port: int
    word: str
    card: str = ""

    @property
    def mark(self) -> Mark:
        """Return what a watcher knows it by; the metadata service's port is others' too."""
        is_ours = self.how is How.TCP and self.port != METADATA_PORT
        return Mark(word=self.word, aimed_at=(self.address, self.port) if is_ours else None)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where somebody can be reached.

    Args:
        card: Hardware address by which frames reach it.
    """

    address: str
    port: int
    card: str = ""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Everything that ways are made from.

    Args:
        run: What no other run has, for the words.
        bridge: Hardware address of the host's card on the attacker's network.
        link_local: The host's IPv6 addresses on that card.
        world_port: Port outside that nobody else asks.
    """

    run: str
    bridge: str
    gateway: str
    host_addresses: Sequence[str]
    host_port: int
    link_local: Sequence[str]
    world_port: int
    neighbour: Place
    peer: Place


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What came of all ways.

    Args:
        said: What the attacker's programs say of each word.
        heard: All that arrived at the listeners.
        cards: The host's cards that each word was seen on; None where nobody may watch.
        own_bridge: The host's card of the attacker's network.
        other_bridge: The host's card of the neighbour's network.
    """

    said: Mapping[str, str]
    heard: Mapping[Aim, bytes]
    cards: Mapping[str, set[str]] | None
    own_bridge: str
    other_bridge: str
    controls: Mapping[str, Verdict] = field(default_factory=dict)

    def on(self, way: Way) -> set[str]:
        """Return the host's cards on which a way was seen."""
        return (self.cards or {}).get(way.word, set())


def ways(scene: Scene, *, everything: bool) -> list[Way]:
    """Return what is tried: the critical ways, or all of them."""
    drawn = [*_to_peer(scene), *_to_host(scene), *_to_world(scene), *_to_neighbour(scene)]
    wanted = [way for way in drawn if everything or way.aim is Aim.PEER or way.probe in CRITICAL]
    return [
        replace(way, word=f"{way.probe}-{number}-{scene.run}") for number, way in enumerate(wanted)
    ]


def peer_control(how: How) -> str:
    """Return the control that proves that one means of travel works at all."""
    return f"control-peer-{how}"


def peer_controls(tried: Iterable[Way], seen: Seen) -> list[Verdict]:
    """Judge whether the attacker reaches the peer that it may reach, by every means."""
    return [
        control(
            way.probe,
            way.word.encode() in seen.heard.get(Aim.PEER, b""),
            saw=f"a peer of the same sandbox hears it at {way.address}",
            missed=f"a peer at {way.address} heard nothing ({seen.said.get(way.word, 'not run')})",
        )
        for way in tried
        if way.aim is Aim.PEER
    ]


def watcher_control(tried: Iterable[Way], seen: Seen) -> Verdict:
    """Judge whether frames are seen that did set out for the world."""
    sent = [way for way in tried if way.aim is Aim.WORLD and way.how is How.RAW]
    if seen.cards is None:
        return unproven(CARD_WATCHER, "only root may watch this machine's cards")
    return control(
        CARD_WATCHER,
        bool(sent) and all(seen.own_bridge in seen.on(way) for way in sent),
        saw="frames for the world are seen on the sandbox's own card",
        missed="frames that were sent are not seen on the sandbox's own card",
    )


def judge(probe: str, tried: Sequence[Way], seen: Seen) -> Verdict:
    """Judge one probe from all of its ways."""
    critical = probe in CRITICAL
    through = [told for way in tried if (told := _through(way, seen))]
    if through:
        detail = _few(through)
        return Verdict(probe=probe, outcome=Outcome.OPEN, detail=detail, critical=critical)
    silent = [way.address for way in tried if way.word not in seen.said]
    if silent:
        return unproven(probe, f"{_few(silent)} could not be tried", critical=critical)
    failed = [name for name in _needs(tried) if not _works(name, seen)]
    if failed:
        return unproven(probe, f"see {_few(failed)}", critical=critical)
    detail = _few([f"{way.address} by {way.how}: {_in_vain(way, seen)}" for way in tried])
    return Verdict(
        probe=probe,
        outcome=Outcome.CLOSED,
        detail=detail or "there is no such address",
        critical=critical,
    )


def _through(way: Way, seen: Seen) -> str:
    """Say how a way got through; empty if it did not."""
    if seen.said.get(way.word) == "connected":
        return f"connected to {way.address} port {way.port}"
    if way.word.encode() in seen.heard.get(way.aim, b""):
        return f"arrived by {way.how} at {way.address}"
    if way.aim is Aim.WORLD and (left := beyond(seen.on(way), own=seen.own_bridge)):
        return f"for {way.address}, left by {_few(left)}"
    if way.aim is Aim.NEIGHBOUR and seen.other_bridge in seen.on(way):
        return f"for {way.address}, entered the neighbour's network"
    return ""


def _in_vain(way: Way, seen: Seen) -> str:
    said = seen.said[way.word]
    return "nothing arrived" if said == "sent" else said


def _needs(tried: Iterable[Way]) -> list[str]:
    needed = set()
    for way in tried:
        needed.add(peer_control(way.how))
        if way.aim is Aim.HOST:
            needed.add(HOST_LISTENER)
        if way.aim is Aim.NEIGHBOUR:
            needed.add(NEIGHBOUR_LISTENER)
        if way.aim is Aim.WORLD or (way.aim is Aim.NEIGHBOUR and way.how is How.RAW):
            needed.add(CARD_WATCHER)
    return sorted(needed)


def _works(name: str, seen: Seen) -> bool:
    return name in seen.controls and seen.controls[name].outcome is Outcome.OK


def _to_peer(scene: Scene) -> Iterator[Way]:
    for how in How:
        yield _way(peer_control(how), Aim.PEER, how, scene.peer)


def _to_host(scene: Scene) -> Iterator[Way]:
    gateway = Place(address=scene.gateway, port=scene.host_port, card=scene.bridge)
    addresses = [
        Place(address=each, port=scene.host_port, card=scene.bridge)
        for each in scene.host_addresses
    ]
    for how in (How.TCP, How.UDP):
        yield _way(f"host-by-gateway-{how}", Aim.HOST, how, gateway)
        for place in addresses:
            yield _way(f"host-by-address-{how}", Aim.HOST, how, place)
    for place in [gateway, *addresses]:
        yield _way("host-by-raw-frame", Aim.HOST, How.RAW, place)
    for address in scene.link_local:
        place = Place(address=f"{address}%eth0", port=scene.host_port)
        yield _way("host-by-ipv6-tcp", Aim.HOST, How.TCP, place)
        framed = Place(address=address, port=scene.host_port, card=scene.bridge)
        yield _way("host-by-ipv6-raw-frame", Aim.HOST, How.RAW, framed)
    everybody = Place(address=ALL_NODES, port=scene.host_port, card=ALL_NODES_CARD)
    yield _way("host-by-ipv6-raw-frame", Aim.HOST, How.RAW, everybody)


def _to_world(scene: Scene) -> Iterator[Way]:
    def place(address: str, port: int = scene.world_port) -> Place:
        return Place(address=address, port=port, card=scene.bridge)

    yield _way("metadata", Aim.WORLD, How.TCP, place(METADATA, METADATA_PORT))
    for how in How:
        yield _way("metadata", Aim.WORLD, how, place(METADATA))
    yield _way("egress-tcp", Aim.WORLD, How.TCP, place(EGRESS))
    yield _way("egress-udp", Aim.WORLD, How.UDP, place(EGRESS))
    yield _way("egress-by-raw-frame", Aim.WORLD, How.RAW, place(EGRESS))
    yield _way("egress-by-ipv6-raw-frame", Aim.WORLD, How.RAW, place(EGRESS6))


def _to_neighbour(scene: Scene) -> Iterator[Way]:
    # Towards another network a frame goes to the host's card, as to a router.
    place = Place(address=scene.neighbour.address, port=scene.neighbour.port, card=scene.bridge)
    yield _way("neighbour-tcp", Aim.NEIGHBOUR, How.TCP, place)
    yield _way("neighbour-udp", Aim.NEIGHBOUR, How.UDP, place)
    yield _way("neighbour-by-raw-frame", Aim.NEIGHBOUR, How.RAW, place)
    everybody = Place(address=ALL_NODES, port=scene.neighbour.port, card=ALL_NODES_CARD)
    yield _way("neighbour-by-ipv6-raw-frame", Aim.NEIGHBOUR, How.RAW, everybody)


def _way(probe: str, aim: Aim, how: How, place: Place) -> Way:
    return Way(
        probe=probe,
        aim=aim,
        how=how,
        address=place.address,
        port=place.port,
        card=place.card,
        word="",
    )


def _few(words: Sequence[str]) -> str:
    more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return ", ".join(words[:_SHOWN]) + more
