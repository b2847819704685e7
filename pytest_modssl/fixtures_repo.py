"""The fixtures for a repository's own tests: its configuration as it runs, and what its clients and back ends need.

PYTEST_DONT_REWRITE: see `_unrewritten`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.backends import Backends
    from pytest_modssl.pki import LeafCert
    from pytest_modssl.repo.config import RepoConfig
    from pytest_modssl.repo.study import Study
    from pytest_modssl.targets.base import Target
    from pytest_modssl.targets.server import Server


class RepoFactory(Protocol):
    """What `modssl_repo_factory` gives."""

    def __call__(self, title: str = "") -> Server:
        """The running server of a configuration; see `modssl_repo_factory`."""
        ...


class ClientFor(Protocol):
    """What `modssl_repo_client` gives."""

    def __call__(self, name: str, *, port: int = 443) -> LeafCert:
        """A client certificate; see `modssl_repo_client`."""
        ...


@pytest.fixture(scope="session")
def modssl_repo_factory(modssl_target: Target, request: pytest.FixtureRequest) -> RepoFactory:
    """A function that gives the running server of one of the repository's configurations, by its title.

    The title is that of the checks which are collected of it: `modssl_repo_factory("intranet/httpd.conf")`. It may be
    left out where there is one configuration alone. The server is that of the checks.

    Example:
        ```python
        import pytest


        @pytest.fixture(scope="session")
        def modssl_repo(modssl_repo_factory):
            return modssl_repo_factory("conf/httpd.conf")


        def test_it_answers(modssl_repo):
            assert modssl_repo.get("https://www.example.com/").status_code == 200
        ```
    """
    from pytest_modssl.errors import ModsslError
    from pytest_modssl.plugin import holder_of, run_of
    from pytest_modssl.plugin_repo import repositories_of

    run, repositories = run_of(request.config), repositories_of(request.config)
    assert run is not None, "modssl_target has skipped by now"
    assert repositories is not None, "it is made where there is a run"

    def factory(title: str = "") -> Server:
        __tracebackhide__ = True
        study = run.study(modssl_target, repositories.configuration(title))
        if study.refused is not None:
            raise ModsslError(f"httpd refuses {study.found.title}: {study.refused}") from None
        holder = holder_of(request.config)
        if isinstance(holder, pytest.FixtureDef):
            holder.addfinalizer(lambda: run.release(holder))
        return run.serve(modssl_target, study, holder)

    return factory


@pytest.fixture(scope="session")
def modssl_repo(modssl_repo_factory: RepoFactory) -> Server:
    """The running server of the repository's configuration, as its clients find it: real names, real URLs.

    Where there are several configurations, name one by `modssl_config` in pytest's configuration file, or override this
    fixture, in a module or in `conftest.py`, to return `modssl_repo_factory("its title")`.

    Example:
        ```python
        from pytest_modssl import assert_switches_to_https


        def test_the_site_is_https_alone(modssl_repo):
            assert_switches_to_https(modssl_repo, "http://www.example.com/")
        ```
    """
    __tracebackhide__ = True
    return modssl_repo_factory()


@pytest.fixture
def modssl_repo_study(modssl_repo: Server, modssl_target: Target, request: pytest.FixtureRequest) -> Study:
    """What is known of the configuration that `modssl_repo` serves.

    `hosts` are its virtual hosts, `substitutions` is what differs from the configuration as deployed, `making.logins`
    has the password of each user in password files that were made.

    Example:
        ```python
        def test_every_host_has_a_name_of_ours(modssl_repo_study):
            assert all(host.name.endswith(".example.com") for host in modssl_repo_study.hosts)
        ```
    """
    from pytest_modssl.plugin import run_of

    run = run_of(request.config)
    assert run is not None, "modssl_target has skipped by now"
    return run.study(modssl_target, cast("RepoConfig", modssl_repo.config).found)


@pytest.fixture
def modssl_repo_client(modssl_repo_study: Study) -> ClientFor:
    """A function that gives a certificate for clients of a virtual host, by one of its names.

    `modssl_repo.session(client=modssl_repo_client("staff.example.com"))` is a client that shows it.

    Example:
        ```python
        def test_staff_may_enter(modssl_repo, modssl_repo_client):
            with modssl_repo.session(client=modssl_repo_client("staff.example.com")) as session:
                assert session.get("https://staff.example.com/").status_code == 200
        ```
    """
    from pytest_modssl.errors import ConfigError
    from pytest_modssl.repo.checks import Hosts

    hosts = Hosts(modssl_repo_study.hosts)

    def client(name: str, *, port: int = 443) -> LeafCert:
        __tracebackhide__ = True
        host = hosts.serving(name, port)
        if host is None:
            known = ", ".join(f"{one.name}:{one.port}" for one in hosts if one.tls) or "none"
            raise ConfigError(f"no virtual host has the name {name} at port {port}; over TLS there are {known}")
        found = modssl_repo_study.client_for(host)
        if found is None:
            raise ConfigError(
                f"{name}:{port} ({host.origin}) asks for no client certificate, or for one of a CA that is not ours"
            )
        return found

    return client


@pytest.fixture
def modssl_backends(request: pytest.FixtureRequest, modssl_target: Target) -> Iterator[Backends]:
    """The stand-ins for the back ends that configurations name; each test begins without anything received.

    Example:
        ```python
        from pytest_modssl import assert_backend_received


        def test_the_application_sees_the_public_name(modssl_repo, modssl_backends):
            modssl_repo.get("https://www.example.com/app/")
            public = {"X-Forwarded-Host": "www.example.com"}
            assert_backend_received(modssl_repo, modssl_backends, "http://app.internal:8080", headers=public)
        ```
    """
    from pytest_modssl.plugin import run_of

    run = run_of(request.config)
    assert run is not None, f"{modssl_target.id} is one of a run"
    run.backends.clear()
    yield run.backends
    run.backends.clear()
