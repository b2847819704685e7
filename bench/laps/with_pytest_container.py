"""pytest-container: the launcher that its fixtures use, and testinfra's connection into the container."""

from __future__ import annotations

import shlex
from pathlib import Path

from pytest_container.container import BindMount, Container, ContainerLauncher, EntrypointSelection
from pytest_container.inspect import PortForwarding
from pytest_container.runtime import DockerRuntime

from bench.laps.lap import job

lap = job()
container = Container(
    url=f"containers-storage:{lap.image}",
    entry_point=EntrypointSelection.IMAGE,
    extra_entrypoint_args=[*lap.command, "-DFOREGROUND"],
    forwarded_ports=[PortForwarding(container_port=443, bind_ip="127.0.0.1")],
    volume_mounts=[BindMount(lap.root, host_path=lap.folder, flags=[])],
)
launcher = ContainerLauncher(container, DockerRuntime(), Path(lap.folder).parent)
lap.mark()
launcher.launch_container()
with launcher:
    data = launcher.container_data
    address = ("127.0.0.1", data.forwarded_ports[0].host_port)
    lap.started(address, lambda command: data.connection.check_output(shlex.join(command)))
lap.stopped()
