"""The fixtures: small links of one chain, each of which a test module may override.

PYTEST_DONT_REWRITE: see `_unrewritten`.
"""

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
    """The place where servers run (`--modssl-target`): its `installation` tells version, modules and features.

    Example:
        ```python
        def test_the_test_runs_on_a_current_httpd(modssl_target):
            assert modssl_target.installation.version >= (2, 4, 27)
        ```
    """
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

    Example:
        ```python
        def test_that_finds_out_later(modssl_requires, modssl_server):
            modssl_requires(module="headers", feature="TLSv1.3")
            assert modssl_server.handshake("www.example.test").protocol == "TLSv1.3"
        ```
    """
    from pytest_modssl.httpd.requirements import requirement
    from pytest_modssl.plugin_matrix import skip_unless

    def require(**needs: Any) -> None:
        __tracebackhide__ = True
        skip_unless([requirement(**needs)], modssl_target, request.config)

    return require


@pytest.fixture(scope="session")
def modssl_ca() -> CA:
    """A certificate authority for this session: `modssl_ca.issue("www.example.test")` gives certificate and key.

    Clients of servers whose certificates it issued trust it. Its root is made anew for each run, an EC key on P-256.

    Example:
        ```python
        def test_a_client_certificate(modssl_ca):
            assert "Ada" in modssl_ca.issue_client("Ada").text()
        ```
    """
    from pytest_modssl.pki import CA

    return CA()


@pytest.fixture(scope="session")
def modssl_config(modssl_ca: CA) -> ServerConfig:
    """The configuration that `modssl_server` serves: override it, in a module, a class or `conftest.py`.

    As it is: `www.example.test` over HTTPS with `SSLOptions +StdEnvVars`, and over HTTP.

    Example:
        ```python
        import pytest
        from pytest_modssl import ServerConfig, VirtualHost, assert_handshake


        @pytest.fixture(scope="module")
        def modssl_config(modssl_ca):
            tls = modssl_ca.issue("shop.example.test")
            return ServerConfig(VirtualHost("shop.example.test", tls=tls, directives="SSLProtocol TLSv1.3"))


        def test_the_shop(modssl_server):
            assert_handshake(modssl_server, "shop.example.test", protocol="TLSv1.3")
        ```
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

    Example:
        ```python
        import pytest
        from pytest_modssl import ServerConfig, VirtualHost, assert_handshake


        @pytest.mark.parametrize("protocol", ["TLSv1.2", "TLSv1.3"])
        def test_one_protocol_alone(modssl_server_factory, modssl_ca, protocol):
            tls = modssl_ca.issue("www.example.test")
            host = VirtualHost("www.example.test", tls=tls, directives=f"SSLProtocol {protocol}")
            assert_handshake(modssl_server_factory(ServerConfig(host)), "www.example.test", protocol=protocol)
        ```
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
    """A running httpd that serves `modssl_config`, with what `@pytest.mark.modssl(...)` adds for this test.

    Example:
        ```python
        import pytest


        @pytest.mark.modssl(directives='Header set X-Trial "yes"')
        def test_a_page(modssl_server):
            page = modssl_server.get("https://www.example.test/")
            assert page.status_code == 200
            assert page.headers["X-Trial"] == "yes"
        ```
    """
    from pytest_modssl.httpd.snippet import Origin
    from pytest_modssl.plugin import taken_up_key

    __tracebackhide__ = True
    request.node.stash[taken_up_key] = True
    config, fresh = modssl_config, False
    for marker in read_markers(request.node):
        fresh = fresh or marker.fresh
        if marker.directives:
            file, line, _ = request.node.reportinfo()
            origin = Origin(str(file), (line or 0) + 1)
            config = config.extended(marker.directives, host=marker.host, origin=origin)
    return modssl_server_factory(config, fresh=fresh)
