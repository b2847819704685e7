"""A configuration written out: modules as needed, lines that know where they came from, paths and ports by name."""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import CA, MissingModuleError, ServerConfig, VirtualHost
from pytest_modssl.httpd.render import MAIN, Place, Rendered, render, site_folder
from pytest_modssl.httpd.snippet import Origin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.targets.local import LocalTarget

HERE = Path(__file__)
BASE = {"authz_core", "log_config", "dir", "mime", "headers", "include", "cgid", "mpm_event"}
SHOW = r"""
    Header always set X-Site "${MODSSL_SITE}"
    Header always set X-Port "${MODSSL_PORT_443} ${MODSSL_PORT_80}"
    Header always set X-Pki "${MODSSL_PKI}"
    Header always set X-Own "${COLOUR}"
"""


@pytest.fixture(scope="module")
def ca() -> CA:
    return CA()


@pytest.fixture(scope="module")
def installation(local_installation: Installation) -> Installation:
    """An httpd that has every module as a file, the real ones and those that it has compiled in."""
    static = frozenset({"core", "so", "http"})
    names = (local_installation.modules | BASE | {"ssl", "unixd", "mpm_worker", "mpm_prefork"}) - static
    return dataclasses.replace(
        local_installation,
        static_modules=static,
        loadable={name: Path(f"/modules/mod_{name}.so") for name in names},
    )


def rendered(
    installation: Installation,
    config: ServerConfig,
    *,
    ports: Mapping[int, int] | None = None,
    identity: tuple[str, str] | None = None,
) -> Rendered:
    place = Place(
        root="/srv/one",
        address="127.1.2.3",
        ports={port: port for port in config.listen} if ports is None else ports,
        identity=identity,
    )
    return render(config, installation, place)


def without(installation: Installation, *names: str) -> Installation:
    loadable = {name: path for name, path in installation.loadable.items() if name not in names}
    return dataclasses.replace(installation, loadable=loadable)


def loaded(text: str) -> set[str]:
    return set(re.findall(r"^LoadModule (\w+)_module ", text, re.MULTILINE))


def line_of(text: str) -> int:
    (found,) = (n for n, line in enumerate(HERE.read_text().splitlines(), 1) if text in line and "line_of" not in line)
    return found


def test_no_module_is_loaded_but_those_that_every_site_uses(installation: Installation) -> None:
    result = rendered(installation, ServerConfig(VirtualHost("a.test")))
    assert loaded(result.text) == set(result.modules) == BASE
    assert result.modules[0] == "mpm_event", "before the modules that ask for the MPM"


def test_a_certificate_loads_mod_ssl(installation: Installation, ca: CA) -> None:
    config = ServerConfig(VirtualHost("a.test", tls=ca.issue("a.test")))
    assert set(rendered(installation, config).modules) == BASE | {"ssl"}


def test_directives_load_their_modules_wherever_they_stand(installation: Installation) -> None:
    config = ServerConfig(
        VirtualHost("a.test", directives="RewriteEngine on", files={"sub/.htaccess": "ExpiresActive on"}),
        directives="AddOutputFilterByType DEFLATE text/html",
        modules=["status"],
    )
    assert {"rewrite", "expires", "deflate", "filter", "status"} <= set(rendered(installation, config).modules)


def test_a_page_that_is_no_htaccess_loads_nothing(installation: Installation) -> None:
    config = ServerConfig(VirtualHost("a.test", files={"index.html": "RewriteEngine on"}))
    assert set(rendered(installation, config).modules) == BASE


def test_modules_that_only_our_own_lines_use_may_be_missing(installation: Installation, ca: CA) -> None:
    bare = without(installation, "dir", "mime", "headers", "include", "cgid", "cgi")
    text = rendered(bare, ServerConfig(VirtualHost("a.test", tls=ca.issue("a.test")))).text
    assert loaded(text) == {"mpm_event", "authz_core", "log_config", "ssl"}
    for directive in ("DirectoryIndex", "TypesConfig", "AddType", "AddHandler", "AddOutputFilter", "Include", "Script"):
        assert f"\n{directive}" not in text


def test_a_module_that_the_directives_need_may_not_be_missing(installation: Installation, ca: CA) -> None:
    with pytest.raises(MissingModuleError, match="mod_rewrite"):
        rendered(without(installation, "rewrite"), ServerConfig(VirtualHost("a.test", directives="RewriteEngine on")))
    with pytest.raises(MissingModuleError, match="mod_ssl"):
        rendered(without(installation, "ssl"), ServerConfig(VirtualHost("a.test", tls=ca.issue("a.test"))))


@pytest.mark.parametrize(("name", "modules"), [("cart.cgi", ("cgi", "cgid")), ("shop/index.shtml", ("include",))])
def test_a_file_that_httpd_is_to_run_may_not_lack_its_module(
    installation: Installation, name: str, modules: tuple[str, ...]
) -> None:
    config = ServerConfig(VirtualHost("www.example.test", files={name: "hello"}))
    with pytest.raises(MissingModuleError, match=f"mod_{modules[0]}"):
        rendered(without(installation, *modules), config)


def test_a_module_that_is_compiled_in_is_not_loaded(installation: Installation) -> None:
    names = frozenset({"mpm_event", "log_config", "rewrite"})
    built = dataclasses.replace(
        without(installation, *names, "mpm_worker", "mpm_prefork"), static_modules=installation.static_modules | names
    )
    config = ServerConfig(VirtualHost("a.test", directives="RewriteEngine on"))
    assert loaded(rendered(built, config).text) == BASE - names


@pytest.mark.parametrize(("mpm", "cgi"), [("event", "cgid"), ("worker", "cgid"), ("prefork", "cgi")])
def test_an_mpm_comes_with_the_cgi_module_that_fits_it(installation: Installation, mpm: str, cgi: str) -> None:
    config = ServerConfig(VirtualHost("a.test", directives="AddHandler cgi-script .pl"), mpm=mpm)
    text = rendered(installation, config).text
    assert loaded(text) & {"cgi", "cgid", "mpm_event", "mpm_worker", "mpm_prefork"} == {cgi, f"mpm_{mpm}"}
    assert ("ScriptSock" in text) == (cgi == "cgid")


def test_without_mod_ssl_no_log_level_names_it(installation: Installation, ca: CA) -> None:
    assert "\nLogLevel info\n" in rendered(installation, ServerConfig(VirtualHost("a.test"))).text
    config = ServerConfig(VirtualHost("a.test", tls=ca.issue("a.test")))
    assert "\nLogLevel info ssl:debug\n" in rendered(installation, config).text


def test_what_a_dbm_drops_is_logged(installation: Installation, ca: CA) -> None:
    config = ServerConfig(VirtualHost("a.test", tls=ca.issue("a.test")), directives="SSLSessionCache dbm:sessions")
    assert "\nLogLevel info ssl:debug socache_dbm:debug\n" in rendered(installation, config).text


def test_user_and_group_are_written_with_the_module_that_changes_to_them(installation: Installation) -> None:
    config = ServerConfig(VirtualHost("a.test"))
    assert not re.search(r"^(User|Group) ", rendered(installation, config).text, re.MULTILINE)
    result = rendered(installation, config, identity=("www-data", "staff"))
    assert "\nUser www-data\nGroup staff\n" in result.text
    assert set(result.modules) == BASE | {"unixd"}


def test_ports_that_stand_for_others_are_bound_and_the_real_ones_are_named(installation: Installation, ca: CA) -> None:
    config = ServerConfig(VirtualHost("a.test", tls=ca.issue("a.test")), VirtualHost("a.test"))
    text = rendered(installation, config, ports={443: 40443, 80: 40080}).text
    assert 'Define MODSSL_PORT_443 "40443"\n' in text
    assert 'Define MODSSL_PORT_80 "40080"\n' in text
    assert "Listen ${MODSSL_ADDRESS}:${MODSSL_PORT_443} https\n" in text
    assert "Listen ${MODSSL_ADDRESS}:${MODSSL_PORT_80} http\n" in text
    assert "<VirtualHost *:${MODSSL_PORT_443}>\n    ServerName https://a.test:443\n" in text
    assert "<VirtualHost *:${MODSSL_PORT_80}>\n    ServerName http://a.test:80\n" in text


def test_a_port_of_hosts_with_and_without_tls_leaves_the_protocol_to_httpd(installation: Installation, ca: CA) -> None:
    config = ServerConfig(
        VirtualHost("a.test", tls=ca.issue("a.test"), port=8443), VirtualHost("b.test", port=8443), listen=[8443, 9000]
    )
    text = rendered(installation, config).text
    assert "Listen ${MODSSL_ADDRESS}:${MODSSL_PORT_8443}\n" in text
    assert "Listen ${MODSSL_ADDRESS}:${MODSSL_PORT_9000}\n" in text


def test_a_host_on_a_port_that_is_not_listened_on_is_written_with_that_port(installation: Installation) -> None:
    text = rendered(installation, ServerConfig(VirtualHost("a.test", port=8080), listen=[80])).text
    assert "<VirtualHost *:8080>" in text
    assert "MODSSL_PORT_8080" not in text


def test_every_line_of_the_user_is_located_and_no_other(installation: Installation, tmp_path: Path) -> None:
    file = tmp_path / "host.conf"
    file.write_text("# of the file\nHeader set X-File yes\n")
    config = ServerConfig(
        VirtualHost("a.test", directives=file),
        VirtualHost("b.test", directives="Header set X-Host yes"),
        directives="""
            Header set X-Server yes
        """,
    )
    result = rendered(installation, config)
    located = {
        line.strip(): result.locate(result.main, number)
        for number, line in enumerate(result.text.splitlines(), 1)
        if line.strip() and result.locate(result.main, number)
    }
    assert located == {
        "# of the file": Origin(str(file), 1),
        "Header set X-File yes": Origin(str(file), 2),
        "Header set X-Host yes": Origin(__file__, line_of('directives="Header set X-Host yes"')),
        "Header set X-Server yes": Origin(__file__, line_of("            Header set X-Server yes")),
    }
    count = len(result.text.splitlines())
    assert [result.locate(result.main, line) for line in (-1, 0, 1, count, count + 1)] == [None] * 5


def test_a_message_that_names_a_host_is_located_by_its_real_or_its_actual_port(installation: Installation) -> None:
    hosts = (VirtualHost("a.test"), VirtualHost("b.a.test"))
    result = rendered(installation, ServerConfig(*hosts), ports={80: 40080})
    for message, host in (
        ("AH02572: Failed to configure at least one certificate for a.test:40080", hosts[0]),
        ("AH02572: Failed to configure at least one certificate for b.a.test:40080", hosts[1]),
        ("[a.test:80]", hosts[0]),
        ("b.a.test:80:0", hosts[1]),
    ):
        named = result.host_in(message)
        assert named is not None
        assert result.hosts[named] == host.origin
    for message in ("a.test:8", "a.test:800", "xa.test:80", "x-a.test:80", "a-test:80", ""):
        assert result.host_in(message) is None


def test_a_line_of_our_own_is_told_by_the_call_that_brought_it_about(installation: Installation) -> None:
    host = VirtualHost("a.test", directives="Header set X-Own yes")
    config = ServerConfig(host)
    result = rendered(installation, config)
    lines = [line.strip().partition(" ")[0] for line in result.text.splitlines()]
    assert result.owner(lines.index("Listen") + 1) == config.origin
    assert result.owner(lines.index("DocumentRoot") + 1) == host.origin
    assert result.owner(lines.index("</VirtualHost>") + 1) == host.origin
    for line in (-1, 0, 1, lines.index("Header") + 1, len(lines) + 1):
        assert result.owner(line) is None


def test_files_have_the_modes_that_they_need(installation: Installation, ca: CA) -> None:
    config = ServerConfig(
        VirtualHost("a.test", tls=ca.issue("a.test"), files={"x.cgi": "#!/bin/sh\n", "sub/y.txt": "y"}),
        pki={"sub/ca.pem": ca.cert_pem},
    )
    files = rendered(installation, config).files
    assert {name: mode for name, (_, mode) in files.items() if name != MAIN} == {
        "environment.conf": 0o644,
        "pki/sub/ca.pem": 0o600,
        "tls/0-0.crt": 0o644,
        "tls/0-0.key": 0o600,
        "sites/0-a.test/index.html": 0o644,
        "sites/0-a.test/x.cgi": 0o755,
        "sites/0-a.test/sub/y.txt": 0o644,
        **{f"sites/0-a.test/{folder}env.cgi": 0o755 for folder in ("", "sub/")},
        **{f"sites/0-a.test/{folder}env.shtml": 0o644 for folder in ("", "sub/")},
    }
    assert b"PRIVATE KEY" not in files[MAIN][0]


def test_every_folder_of_a_file_is_made_parents_first_and_children_write_in_one_alone(
    installation: Installation,
) -> None:
    config = ServerConfig(VirtualHost("a.test", files={"a/b/c.txt": ""}), pki={"deep/er.pem": b""}, pipes=["p/q"])
    result = rendered(installation, config)
    made: set[str] = {"."}
    for folder in result.folders:
        assert os.path.dirname(folder) or "." in made  # noqa: PTH120 - paths of the server, perhaps in a container
        made.add(folder)
    assert made >= {"logs", "run", "tls", "pki/deep", "sites/0-a.test/a/b", "run/p"}
    assert result.pipes == ("run/p/q",)
    assert result.writable == ("run",)


def test_hosts_of_one_name_have_folders_of_their_own() -> None:
    host = VirtualHost("a.test")
    assert site_folder(host, 0) != site_folder(host, 1)
    assert site_folder(VirtualHost("*.a.test"), 2) == "sites/2-_.a.test"


def test_the_names_for_paths_and_ports_are_usable_in_every_host(local_target: LocalTarget, ca: CA) -> None:
    config = ServerConfig(
        VirtualHost("a.test", tls=ca.issue("a.test"), directives=SHOW),
        VirtualHost("a.test", directives=SHOW),
        VirtualHost("b.test", directives=SHOW, files={"index.html": "from the file"}),
        pki={"x.pem": ca.cert_pem},
        defines={"COLOUR": "deep blue"},
    )
    server = local_target.launch(config)
    try:
        folder = server.instance.folder
        ports = f"{server.address(443)[1]} {server.address(80)[1]}"
        urls = ("https://a.test/", "http://a.test/", "http://b.test/")
        for number, (url, host) in enumerate(zip(urls, config.virtual_hosts, strict=True)):
            response = server.get(url)
            assert response.headers["X-Site"] == f"{folder}/{site_folder(host, number)}"
            assert response.headers["X-Port"] == ports
            assert response.headers["X-Own"] == "deep blue"
            assert (Path(response.headers["X-Pki"]) / "x.pem").read_bytes() == ca.cert_pem.bytes()
            assert response.content == (Path(response.headers["X-Site"]) / "index.html").read_bytes()
    finally:
        server.stop()
