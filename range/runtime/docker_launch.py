"""Starts the networks and machines of a sandbox side by side, and leaves nothing if it fails."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from ipaddress import IPv4Network
from queue import SimpleQueue
from threading import Event
from typing import Any
from uuid import UUID

from docker.errors import APIError, ImageNotFound

from range.lib.errors import RangeError
from range.lib.logs import get_logger
from range.runtime import (
    docker_files,
    docker_networks,
    docker_remove,
    docker_setup,
    docker_spec,
)
from range.runtime.docker_failures import as_launch_failure
from range.runtime.docker_health import wait_until_healthy
from range.runtime.docker_networks import NameTaken, SubnetTaken
from range.runtime.driver import (
    EngineError,
    Handle,
    LaunchFailed,
    MachineHandle,
    NetworkHandle,
    Progress,
    SandboxGone,
)
from range.runtime.engine_client import Engine, create_container
from range.runtime.options import DriverOptions
from range.runtime.topology import Machine, SeedFile, Topology

log = get_logger(__name__)

_ATTEMPTS = 5
type _Make = Callable[[Machine, docker_spec.Place, Mapping[str, Future[str]]], str]


class _Cancelled(Exception):
    """Another part of the same launch failed."""


class _PreparedGone(Exception):
    """What had been prepared for this launch is not there any more."""


class Launch:
    """One start of one sandbox."""

    def __init__(
        self,
        engine: Engine,
        options: DriverOptions,
        sandbox_id: UUID,
        topology: Topology,
        *,
        deadline: datetime,
        prepared: Handle | None = None,
    ) -> None:
        self.engine = engine
        self.options = options
        self.sandbox_id = sandbox_id
        self.topology = topology
        self.prepared = prepared
        self.end = time.monotonic() + (deadline - datetime.now(UTC)).total_seconds()
        self.cancelled = Event()
        self.reports: SimpleQueue[tuple[str, str] | None] = SimpleQueue()

    def run(self, progress: Progress) -> Handle:
        """Start everything and return the handle.

        Raises:
            LaunchFailed: Nothing of the sandbox is left.
        """
        return self._until_done(partial(self._attempt, progress, self._machine))

    def prepare(self) -> Handle:
        """Make networks and machines without what an attempt brings, and return the handle.

        Raises:
            LaunchFailed: Nothing of the sandbox is left.
        """
        return self._until_done(partial(self._attempt, _unheard, self._blank))

    def _until_done(self, attempt: Callable[[], Handle]) -> Handle:
        try:
            for _ in range(_ATTEMPTS):
                self._check_time()
                with suppress(NameTaken, SubnetTaken, _PreparedGone):
                    return attempt()
                self.cancelled.clear()
                self.prepared = None
                self._remove()
            raise EngineError("the sandbox's names or subnets stay taken")
        except BaseException as error:
            self._remove_quietly()
            if isinstance(error, LaunchFailed) or not isinstance(error, RangeError):
                raise
            raise as_launch_failure(error) from error

    def machine_only(self, machine: Machine, subnets: Mapping[str, IPv4Network]) -> str:
        """Start one machine on networks that exist; return its container's id.

        Raises:
            LaunchFailed: Nothing of the machine is left.
        """
        try:
            return self._machine(machine, self._place(subnets), {})
        except BaseException as error:
            name = docker_spec.container_name(self.sandbox_id, machine.name)
            docker_remove.container(self.engine, name)
            if isinstance(error, NameTaken):
                raise LaunchFailed("The machine is being reset already.", reason="engine") from None
            if isinstance(error, LaunchFailed) or not isinstance(error, RangeError):
                raise
            raise as_launch_failure(error) from error

    def _place(self, subnets: Mapping[str, IPv4Network]) -> docker_spec.Place:
        return docker_spec.Place(
            installation=self.options.installation,
            sandbox_id=self.sandbox_id,
            subnets=subnets,
            stronger_runtime=self.options.stronger_runtime,
            root_ids=self.engine.root_ids(),
        )

    def _attempt(self, progress: Progress, make: _Make) -> Handle:
        subnets = self._subnets()
        place = self._place(subnets)
        with ThreadPoolExecutor(self.options.parallel, thread_name_prefix="launch") as threads:
            # Networks first: machines wait for them, and the pool serves in this order.
            networks = {
                network.name: threads.submit(self._guarded, self._network, network.name, place)
                for network in self.topology.networks
            }
            machines = {
                machine.name: threads.submit(self._guarded, make, machine, place, networks)
                for machine in self.topology.machines
            }
            self._follow([*networks.values(), *machines.values()], progress)
        return self._handle(subnets, networks, machines)

    def _subnets(self) -> dict[str, IPv4Network]:
        if self.prepared is not None:
            return {name: IPv4Network(net.subnet) for name, net in self.prepared.networks.items()}
        pool = self.options.network_pool
        return docker_networks.choose_subnets(
            self.engine, self.sandbox_id, self.topology, pool=pool
        )

    def _guarded[**P, R](self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return work(*args, **kwargs)
        except BaseException:
            self.cancelled.set()
            raise

    def _follow(self, parts: list[Future[str]], progress: Progress) -> None:
        for part in parts:
            part.add_done_callback(lambda _: self.reports.put(None))
        for _ in parts:
            while (report := self.reports.get()) is not None:
                progress(*report)
        errors = [error for part in parts if (error := part.exception())]
        causes = [error for error in errors if not isinstance(error, _Cancelled)]
        if errors:
            raise (causes or errors)[0]

    def _network(self, name: str, place: docker_spec.Place) -> str:
        self._check_time()
        if self.prepared is not None:
            self.reports.put(("network", name))
            return self.prepared.networks[name].network_id
        network_id = docker_networks.create_network(self.engine, self.topology, name, place=place)
        self.reports.put(("network", name))
        return network_id

    def _machine(
        self,
        machine: Machine,
        place: docker_spec.Place,
        networks: Mapping[str, Future[str]],
    ) -> str:
        self._check_time()
        if self.prepared is None:
            container = self._made(machine, place, networks)
        else:
            container = self.prepared.machines[machine.name].container_id
            try:
                self._take_over(machine, container)
            except SandboxGone:
                # Somebody removed what had been prepared: everything is made anew.
                raise _PreparedGone from None
        wait_until_healthy(
            self.engine,
            container,
            machine,
            seconds=self._left(),
            cancelled=self.cancelled.is_set,
        )
        self.reports.put(("healthy", machine.name))
        return container

    def _made(
        self,
        machine: Machine,
        place: docker_spec.Place,
        networks: Mapping[str, Future[str]],
    ) -> str:
        arguments = docker_spec.container_arguments(self.topology, machine, place=place)
        first = docker_setup.first(self.engine, machine, arguments)
        container = self._created(machine, first or arguments, place, networks)
        after = docker_spec.placed_after_start(machine)
        if first is None:
            self._begin(machine, container)
            self._set_up(machine, container, after)
            return container
        line = docker_setup.First(self.engine, container)
        try:
            self._begin(machine, container)
            docker_files.put(self.engine, container, after)
            self._check_time()
            self._judge(machine, line.run(machine, seconds=self._left()))
        finally:
            line.close()
        return container

    def _take_over(self, machine: Machine, container: str) -> None:
        with self.engine.client() as client:
            runs = client.inspect_container(container)["State"]["Running"]
        if runs:
            self.reports.put(("machine", machine.name))
            self._set_up(machine, container, machine.files)
        else:
            self._begin(machine, container)
            self._set_up(machine, container, docker_spec.placed_after_start(machine))

    def _blank(
        self,
        machine: Machine,
        place: docker_spec.Place,
        networks: Mapping[str, Future[str]],
    ) -> str:
        """Make a machine without its files; one that runs nothing by itself is started, too."""
        arguments = docker_spec.container_arguments(self.topology, machine, place=place)
        container = self._created(machine, arguments, place, networks)
        if docker_setup.is_idle(self.engine, machine.image):
            with self.engine.client() as client:
                client.start(container)
        return container

    def _created(
        self,
        machine: Machine,
        arguments: Mapping[str, Any],
        place: docker_spec.Place,
        networks: Mapping[str, Future[str]],
    ) -> str:
        self._check_time()
        name = docker_spec.container_name(self.sandbox_id, machine.name)
        container = self._create(machine, name, arguments)
        self._join(machine, container, place, networks)
        return container

    def _begin(self, machine: Machine, container: str) -> None:
        docker_files.put(self.engine, container, docker_spec.placed_before_start(machine))
        self._check_time()
        with self.engine.client() as client:
            client.start(container)
        self.reports.put(("machine", machine.name))

    def _create(self, machine: Machine, name: str, arguments: Mapping[str, Any]) -> str:
        with self.engine.client() as client:
            try:
                return create_container(client, name, arguments)
            except ImageNotFound as error:
                raise LaunchFailed(
                    f"The image of machine {machine.name} has not been built yet.",
                    reason="image-missing",
                    retryable=True,
                ) from error
            except APIError as error:
                if error.status_code == 409:
                    raise NameTaken from error
                raise

    def _join(
        self,
        machine: Machine,
        container: str,
        place: docker_spec.Place,
        networks: Mapping[str, Future[str]],
    ) -> None:
        for network in machine.networks:
            if network in networks and networks[network].exception() is not None:
                raise _Cancelled
        for network in machine.networks[1:]:
            endpoint = docker_spec.endpoint(self.topology, machine, network, place=place)
            name = docker_spec.network_name(self.sandbox_id, network)
            with self.engine.client() as client:
                client.connect_container_to_network(
                    container,
                    name,
                    ipv4_address=endpoint["IPAMConfig"]["IPv4Address"],
                    aliases=endpoint["Aliases"],
                )

    def _set_up(self, machine: Machine, container: str, files: Sequence[SeedFile]) -> None:
        put = partial(docker_files.put, self.engine, container, files)
        if not machine.setup:
            put()
            return
        self._check_time()
        code = docker_setup.run(
            self.engine,
            container,
            machine,
            seconds=self._left(),
            before=put if files else None,
        )
        self._judge(machine, code)

    def _judge(self, machine: Machine, exit_code: int) -> None:
        self.reports.put(("setup", machine.name))
        if exit_code:
            log.warning("machine.setup.failed", machine=machine.name, exit_code=exit_code)
            raise LaunchFailed(
                f"A set-up command of machine {machine.name} ended with code {exit_code}.",
                reason="setup-failed",
            )

    def _left(self) -> float:
        return max(self.end - time.monotonic(), 0.0)

    def _check_time(self) -> None:
        if self.cancelled.is_set():
            raise _Cancelled
        if self._left() <= 0:
            raise LaunchFailed(
                "The sandbox was not ready in time. Try again in a moment.",
                reason="deadline",
                retryable=True,
            )

    def _remove(self) -> None:
        docker_remove.sandbox(self.engine, self.options.installation, self.sandbox_id)

    def _remove_quietly(self) -> None:
        try:
            self._remove()
        except RangeError as error:
            # The reaper finds it by its label; the cause of the failure is what matters here.
            log.warning("sandbox.cleanup.failed", reason=error.reason)

    def _handle(
        self,
        subnets: Mapping[str, IPv4Network],
        networks: Mapping[str, Future[str]],
        machines: Mapping[str, Future[str]],
    ) -> Handle:
        return Handle(
            driver="docker",
            sandbox_id=self.sandbox_id,
            machines={
                machine.name: machine_handle(
                    self.topology, machine, machines[machine.name].result(), subnets
                )
                for machine in self.topology.machines
            },
            networks={
                name: NetworkHandle(network_id=created.result(), subnet=str(subnets[name]))
                for name, created in networks.items()
            },
        )


def machine_handle(
    topology: Topology, machine: Machine, container_id: str, subnets: Mapping[str, IPv4Network]
) -> MachineHandle:
    """Return the receipt of one started machine."""
    return MachineHandle(
        container_id=container_id,
        addresses={
            name: docker_spec.address(topology, machine.name, name, subnets[name])
            for name in machine.networks
        },
        console_user=machine.console.user if machine.console else "",
        aliases=machine.aliases,
    )


def _unheard(step: str, detail: str) -> None:
    """Report to nobody: nobody waits for what is made ahead."""
