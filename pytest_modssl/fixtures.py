"""The fixtures: small links of one chain, each of which a test module may override."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

from pytest_modssl.marker import read_markers

if TYPE_CHECKING:
    from pytest_modssl.httpd.config import ServerConfig
    from pytest_modssl.httpd.configuration import Configuration
    from pytest_modssl.httpd.requirements import RequirementMaker
    from pytest_modssl.pki import CA
    from pytest_modssl.targets.base import Target
    from pytest_modssl.targets.server import Server


class ServerFactory(Protocol):
    """What `modssl_server_factory` gives."""

    def __call__(self, config: Configuration, *, fresh: bool = False, single_process: bool = False) -> Server:
        """A running server; see `modssl_server_factory`."""
        ...


@pytest.fixture(scope="session")
def modssl_target(request: pytest.FixtureRequest) -> Target:
    """The place where servers run (`--modssl-target`): its `installation` tells version, modules and features."""
    from pytest_modssl.plugin import SKIP_REASON, run_of

    run = run_of(request.config)
    if run is None:
        pytest.skip(SKIP_REASON)
    target: Target = getattr(request, "param", run.targets[0])
    return target


@pytest.fixture(scope="session")
def modssl_requires(modssl_target: Target, request: pytest.FixtureRequest) -> RequirementMaker:
    """A function that skips the test unless its target is capable: `modssl_requires(feature="srp")`.

    It takes what the marker `modssl_requires` takes, for tests and fixtures that know only later what they need.
    """
    from pytest_modssl.httpd.requirements import requirement
    from pytest_modssl.plugin_matrix import skip_unless

    def require(**needs: Any) -> None:
        __tracebackhide__ = True
        skip_unless([requirement(**needs)], modssl_target, request.config)

    return require


@pytest.fixture(scope="session")
def modssl_ca() -> CA:
    """A certificate authority for this session: `modssl_ca.issue("www.example.test")` gives certificate and key."""
    from pytest_modssl.pki import CA

    return CA()


@pytest.fixture(scope="session")
def modssl_config(modssl_ca: CA) -> ServerConfig:
    """The configuration that `modssl_server` serves: override it, in a module, a class or `conftest.py`.

    As it is: `www.example.test` over HTTPS with `SSLOptions +StdEnvVars`, and over HTTP.
    """
    from pytest_modssl.httpd.config import ServerConfig, VirtualHost

    return ServerConfig(
        VirtualHost("www.example.test", tls=modssl_ca.issue("www.example.test"), directives="SSLOptions +StdEnvVars"),
        VirtualHost("www.example.test"),
    )


@pytest.fixture(scope="session")
def modssl_server_factory(modssl_target: Target, request: pytest.FixtureRequest) -> ServerFactory:
    """A function that gives a running server for a configuration: `modssl_server_factory(config)`.

    The server stays at least as long as the fixture (or test) that asked for it. Who asks for an equal configuration
    shares it, unless with `fresh=True`: for a test that changes the server's state. `single_process=True` runs
    `httpd -X`, for a debugger.
    """
    from pytest_modssl.plugin import holder_of, run_of

    run = run_of(request.config)
    assert run is not None, "modssl_target has skipped by now"
    pool = run.pool(modssl_target)

    def factory(config: Configuration, *, fresh: bool = False, single_process: bool = False) -> Server:
        __tracebackhide__ = True
        holder = holder_of(request.config)
        if isinstance(holder, pytest.FixtureDef):
            holder.addfinalizer(lambda: pool.release(holder))
        return pool.get(config, holder, fresh=fresh, single_process=single_process)

    return factory


@pytest.fixture
def modssl_server(
    modssl_server_factory: ServerFactory, modssl_config: ServerConfig, request: pytest.FixtureRequest
) -> Server:
    """A running httpd that serves `modssl_config`, with what `@pytest.mark.modssl(...)` adds for this test."""
    from pytest_modssl.httpd.snippet import Origin

    __tracebackhide__ = True
    config, fresh = modssl_config, False
    for marker in read_markers(request.node):
        fresh = fresh or marker.fresh
        if marker.directives:
            file, line, _ = request.node.reportinfo()
            origin = Origin(str(file), (line or 0) + 1)
            config = config.extended(marker.directives, host=marker.host, origin=origin)
    return modssl_server_factory(config, fresh=fresh)
