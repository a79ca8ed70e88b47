"""Builds what a driver must start from the scenario of one attempt."""

import base64
import binascii
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from range.catalog.schema import ScenarioSpec
from range.catalog.schema_machines import HealthSpec, MachineSpec, SeedSpec
from range.catalog.templating import fill
from range.catalog.variables import Values
from range.lib.errors import RangeError
from range.runtime.topology import Console, Health, Limits, Machine, Network, SeedFile, Topology

# Accounts that Debian's base-passwd puts into every image.
BASE_ACCOUNTS = {
    "root": 0,
    "daemon": 1,
    "bin": 2,
    "sys": 3,
    "man": 6,
    "mail": 8,
    "www-data": 33,
    "backup": 34,
    "nobody": 65534,
}


class TopologyInvalid(RangeError):
    """A published scenario lacks something its machines need."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="scenario-broken", status=500)


def build_topology(
    spec: ScenarioSpec,
    *,
    assets: Mapping[str, Any],
    images: Mapping[str, str],
    values: Values,
) -> Topology:
    """Return the topology of an attempt.

    Args:
        spec: The attempt's scenario, as `rendering.rendered` returns it.
        assets: Files of the scenario by path, as `assets.pack` writes them.
        images: Image tag by machine name.

    Raises:
        TopologyInvalid: A file or an image is missing.
        TemplateInvalid: A seed cannot be filled in.
    """
    return Topology(
        machines=tuple(
            _machine(name, machine, assets, images, values)
            for name, machine in spec.machines.items()
        ),
        networks=tuple(
            Network(name=name, hidden=network.hidden) for name, network in spec.networks.items()
        ),
        labels={"scenario": spec.id},
    )


def asset_bytes(assets: Mapping[str, Any], path: str) -> bytes:
    """Return a file of a published scenario.

    Raises:
        TopologyInvalid: It was not published, or cannot be read.
    """
    asset = assets.get(path)
    if not isinstance(asset, Mapping):
        raise TopologyInvalid(f"The scenario has no file {path}; publish it again.")
    if "text" in asset:
        return str(asset["text"]).encode()
    try:
        return base64.b64decode(asset["base64"], validate=True)
    except (KeyError, binascii.Error, TypeError) as error:
        raise TopologyInvalid(f"The scenario's file {path} cannot be read.") from error


def filled_asset(assets: Mapping[str, Any], path: str, values: Values) -> bytes:
    """Return a file of a published scenario with an attempt's variables filled in.

    Raises:
        TopologyInvalid: It was not published, or is no text.
        TemplateInvalid: It cannot be filled in.
    """
    try:
        text = asset_bytes(assets, path).decode("utf-8", errors="strict")
    except UnicodeDecodeError as error:
        raise TopologyInvalid(f"The scenario's file {path} is no text.") from error
    return fill(text, values, name=path).encode()


def scenario_file(assets: Mapping[str, Any], path: str, values: Values, *, filled: bool) -> bytes:
    """Return a file of a published scenario as it is, or filled in for an attempt.

    Raises:
        TopologyInvalid: It was not published.
        TemplateInvalid: It cannot be filled in.
    """
    return filled_asset(assets, path, values) if filled else asset_bytes(assets, path)


def _machine(
    name: str,
    spec: MachineSpec,
    assets: Mapping[str, Any],
    images: Mapping[str, str],
    values: Values,
) -> Machine:
    if name not in images:
        raise TopologyInvalid(f"The image of machine {name} has not been built yet.")
    security = spec.security
    return Machine(
        name=name,
        image=images[name],
        networks=spec.networks,
        console=Console(user=spec.console.user) if spec.console else None,
        hidden=spec.hidden,
        limits=Limits(**spec.resources.model_dump()),
        environment=spec.environment,
        add_capabilities=frozenset(security.add_capabilities if security else ()),
        allow_privilege_gain=bool(security and security.allow_privilege_gain),
        stronger_runtime=spec.stronger_runtime,
        files=tuple(_seed(name, spec, seed, assets, values) for seed in spec.seed),
        setup=tuple(step.run for step in spec.setup),
        health=_health(spec.healthy),
        aliases=spec.aliases,
    )


def _seed(
    machine: str,
    spec: MachineSpec,
    seed: SeedSpec,
    assets: Mapping[str, Any],
    values: Values,
) -> SeedFile:
    if seed.text is not None:
        data = seed.text.encode()
    elif seed.file is not None:
        data = asset_bytes(assets, seed.file)
    else:
        data = filled_asset(assets, str(seed.template), values)
    uid, gid = _owner(machine, spec, seed.owner)
    return SeedFile(path=seed.to, data=data, mode=int(seed.mode, 8), uid=uid, gid=gid)


def _owner(machine: str, spec: MachineSpec, written: str) -> tuple[int, int]:
    if written[0].isdigit():
        uid, _, gid = written.partition(":")
        return int(uid), int(gid or uid)
    number = spec.accounts.get(written, BASE_ACCOUNTS.get(written))
    if number is None:
        raise TopologyInvalid(
            f"Machine {machine} does not say which number the account {written} has; "
            "add it under accounts."
        )
    return number, number


def _health(spec: HealthSpec | None) -> Health | None:
    if spec is None:
        return None
    within = timedelta(seconds=spec.within_seconds)
    if spec.tcp is not None:
        return Health(kind="tcp", target=str(spec.tcp), within=within)
    if spec.http is not None:
        return Health(kind="http", target=spec.http, within=within)
    return Health(kind="command", target="\0".join(spec.command or ()), within=within)
