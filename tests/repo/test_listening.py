"""Which port of a server stands for each address and port of a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_modssl.repo.found import Found, Layout
from pytest_modssl.repo.listening import Ports, ports_of, split_address
from pytest_modssl.repo.reader import read_configuration

if TYPE_CHECKING:
    from pathlib import Path

LAYOUT = Layout(name="image", server_root="/usr/local/apache2", main="/usr/local/apache2/conf/httpd.conf")


@pytest.fixture
def ports(tmp_path: Path, request: pytest.FixtureRequest) -> Ports:
    """The ports of the configuration that the test's marker has."""
    main = tmp_path / "httpd.conf"
    main.write_text(request.param)
    found = Found(
        title="httpd.conf", root=tmp_path, layout=LAYOUT, main=main, trees={"/usr/local/apache2/conf": tmp_path}
    )
    return ports_of(read_configuration(found).statements)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("443", ("*", 443)),
        ("*:443", ("*", 443)),
        ("_default_:443", ("*", 443)),
        ("0.0.0.0:80", ("*", 80)),
        ("[::]:443", ("*", 443)),
        ("[2001:DB8::1]:443", ("[2001:db8::1]", 443)),
        ("192.0.2.10:8443", ("192.0.2.10", 8443)),
        ("www.Example.com:80", ("www.example.com", 80)),
        ("*", ("*", None)),
        ("192.0.2.10", ("192.0.2.10", None)),
        ("192.0.2.10:*", ("192.0.2.10", None)),
    ],
)
def test_an_address_is_a_host_and_a_port(text: str, expected: tuple[str, int | None]) -> None:
    assert split_address(text) == expected


@pytest.mark.parametrize(
    "ports",
    ["Listen 80\nListen 443\n<VirtualHost *:80>\n</VirtualHost>\n<VirtualHost _default_:443>\n</VirtualHost>\n"],
    indirect=True,
)
def test_what_is_on_all_addresses_keeps_its_port(ports: Ports) -> None:
    assert ports.listening == (80, 443)
    assert ports.of["*", 443] == 443


@pytest.mark.parametrize(
    "ports",
    ["Listen 443\n<VirtualHost 192.0.2.10:443>\n</VirtualHost>\n<VirtualHost 192.0.2.20:443>\n</VirtualHost>\n"],
    indirect=True,
)
def test_a_second_address_has_a_port_of_its_own(ports: Ports) -> None:
    assert ports.of["192.0.2.10", 443] == 443
    further = ports.of["192.0.2.20", 443]
    assert further != 443
    assert ports.further == (further,)
    assert ports.listening == (443, further)


@pytest.mark.parametrize(
    "ports",
    ["Listen 443\n<VirtualHost 192.0.2.10:443>\n</VirtualHost>\n<VirtualHost *:443>\n</VirtualHost>\n"],
    indirect=True,
)
def test_hosts_on_all_addresses_keep_their_port_before_one_with_an_address(ports: Ports) -> None:
    assert ports.of["*", 443] == 443
    assert ports.of["192.0.2.10", 443] != 443


@pytest.mark.parametrize(
    "ports",
    [
        (
            "Listen 192.0.2.10:443\n"
            "<VirtualHost 192.0.2.10:443>\n</VirtualHost>\n<VirtualHost 192.0.2.20:443>\n</VirtualHost>\n"
        )
    ],
    indirect=True,
)
def test_nobody_listens_for_an_address_without_a_listen(ports: Ports) -> None:
    assert ports.listening == (443,)
    assert ports.further == ()


@pytest.mark.parametrize("ports", ["Listen 80\nListen 8443 https\n<VirtualHost *>\n</VirtualHost>\n"], indirect=True)
def test_a_host_without_a_port_is_at_each(ports: Ports) -> None:
    assert [port for _, port, _ in ports.standing_for("*")] == [80, 8443]
    assert [ports.protocol(port) for port in (80, 8443, 443)] == ["http", "https", "https"]
