"""testcontainers: a generic container that waits for an answer to HTTP."""

from __future__ import annotations

import os

from bench.laps.lap import job

# Its image is to be pulled from a registry; without it a killed run leaves its containers.
os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"

from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import HttpWaitStrategy

lap = job()
container = (
    DockerContainer(lap.image)
    .with_command([*lap.command, "-DFOREGROUND"])
    .with_exposed_ports(443)
    .with_volume_mapping(lap.folder, lap.root, "rw")
    .waiting_for(HttpWaitStrategy(443).using_tls(insecure=True))
)
lap.mark()
container.start()
try:
    address = (container.get_container_host_ip(), int(container.get_exposed_port(443)))
    lap.started(address, container.exec)
finally:
    container.stop()
lap.stopped()
