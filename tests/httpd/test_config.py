"""What a server is asked to be: the model's rules, its digest, and the way back to the user's own lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_modssl import CA, ConfigError, File, ServerConfig, VirtualHost, self_signed
from pytest_modssl.httpd.snippet import Origin, snippets

HERE = Path(__file__)


@pytest.fixture(scope="module")
def ca() -> CA:
    return CA()


def line_of(text: str) -> int:
    """Number of the one line of this file that holds a text (this call's own line does not count)."""
    found = [n for n, line in enumerate(HERE.read_text().splitlines(), 1) if text in line and "line_of(" not in line]
    assert len(found) == 1, found
    return found[0]


def test_a_host_has_the_port_of_its_scheme_unless_told(ca: CA) -> None:
    leaf = ca.issue("a.test")
    assert VirtualHost("a.test", tls=leaf).port == 443
    assert VirtualHost("a.test").port == 80
    assert VirtualHost("a.test", tls=[leaf], port=8443).port == 8443


def test_the_ports_to_listen_on_are_those_of_the_hosts_each_once(ca: CA) -> None:
    leaf = ca.issue("a.test")
    hosts = (VirtualHost("a.test", tls=leaf), VirtualHost("b.test", tls=leaf), VirtualHost("a.test"))
    assert ServerConfig(*hosts).listen == (443, 80)
    assert ServerConfig(*hosts, listen=[8443]).listen == (8443,)


def test_trust_is_the_roots_of_issued_certificates_and_not_self_signed_ones(ca: CA) -> None:
    config = ServerConfig(
        VirtualHost("a.test", tls=ca.issue("a.test")),
        VirtualHost("b.test", tls=ca.intermediate().issue("b.test")),
        VirtualHost("c.test", tls=self_signed("c.test")),
    )
    assert config.trust == (ca.cert_pem.bytes(),)


@pytest.mark.parametrize("name", ["", "a b", 'a"b', "a\nb", "bücher.test", "a/b"])
def test_a_name_that_cannot_be_written_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be a host name"):
        VirtualHost(name)


@pytest.mark.parametrize("port", [0, 65536, -1])
def test_a_port_out_of_range_is_refused(port: int) -> None:
    with pytest.raises(ConfigError, match="between 1 and 65535"):
        VirtualHost("a.test", port=port)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "", 'a"b', "a\nb"])
def test_a_file_outside_the_site_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="relative path"):
        VirtualHost("a.test", files={name: ""})
    with pytest.raises(ConfigError, match="relative path"):
        ServerConfig(pki={name: b""})


@pytest.mark.parametrize("defines", [{"MODSSL_RUN": "x"}, {"A B": "x"}, {"A": 'x"y'}, {"A": "x\ny"}])
def test_a_define_that_would_break_the_configuration_is_refused(defines: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="Define"):
        ServerConfig(defines=defines)


def test_an_unknown_mpm_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="'event', 'worker', 'prefork'"):
        ServerConfig(mpm="threads")


def test_site_files_come_from_text_bytes_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "page.html").write_text("page")
    (tmp_path / "run.cgi").write_text("#!/bin/sh\n")
    copied = VirtualHost("a.test", files=tmp_path).files
    assert copied == {"run.cgi": File(b"#!/bin/sh\n", executable=True), "sub/page.html": File(b"page")}
    (tmp_path / "run.cgi").chmod(0o755)
    given = VirtualHost("a.test", files={"a": "é", "b": b"\xff", "c": tmp_path / "run.cgi"}).files
    assert given == {"a": File("é".encode()), "b": File(b"\xff"), "c": File(b"#!/bin/sh\n", executable=True)}
    with pytest.raises(ConfigError, match="no folder"):
        VirtualHost("a.test", files=tmp_path / "nothing")


def test_a_file_that_cannot_be_read_is_refused_with_its_whole_path(tmp_path: Path) -> None:
    missing = tmp_path / "none.conf"
    with pytest.raises(ConfigError, match=f"{missing}, given as directives, cannot be read: No such file"):
        VirtualHost("a.test", directives=missing)
    with pytest.raises(ConfigError, match=f"{missing}, given as the file a.txt, cannot be read: No such file"):
        VirtualHost("a.test", files={"a.txt": missing})


def test_the_digest_is_equal_for_equal_configurations_and_differs_with_each_part(ca: CA) -> None:
    leaf, other = ca.issue("a.test"), ca.issue("a.test")

    def config(**changes: Any) -> str:
        host: dict[str, Any] = {"tls": leaf, "directives": "# one", "files": {"a": "1"}, "aliases": ["b.test"]}
        server: dict[str, Any] = {
            "directives": "# two",
            "pki": {"x": b"1"},
            "defines": {"A": "1"},
            "modules": ["alias"],
            "mpm": None,
        }
        for name, value in changes.items():
            (host if name in host or name == "port" else server)[name] = value
        return ServerConfig(VirtualHost("a.test", **host), **server).digest

    assert config() == config()
    changes: list[dict[str, object]] = [
        {"tls": other},
        {"tls": leaf.with_pass_phrase("secret")},
        {"files": {"a": "2"}},
        {"files": {"a": File(b"1", executable=True)}},
        {"aliases": []},
        {"port": 8443},
        {"pki": {"x": b"2"}},
        {"defines": {"A": "2"}},
        {"modules": []},
        {"mpm": "prefork"},
        {"pipes": ["entropy"]},
        {"folders": {"cache": 0o700}},
        {"listen": [80]},
    ]
    digests = {config()} | {config(**change) for change in changes}
    assert len(digests) == len(changes) + 1
    base = ServerConfig(VirtualHost("a.test"))
    assert len({base.digest, base.extended("# x").digest, base.extended("# x", host="a.test").digest}) == 3


def test_extending_names_the_hosts_there_are_when_none_fits() -> None:
    config = ServerConfig(VirtualHost("a.test"), VirtualHost("b.test"))
    with pytest.raises(ConfigError, match=r"no virtual host is named 'c.test'; there are a.test, b.test"):
        config.extended("# x", host="c.test")


def test_extending_leaves_the_original_as_it_was() -> None:
    config = ServerConfig(VirtualHost("a.test", directives="# one"))
    more = config.extended("# two", host="a.test").extended("# three")
    assert [one.text for one in config.virtual_hosts[0].snippets] == ["# one"]
    assert [one.text for one in more.virtual_hosts[0].snippets] == ["# one", "# two"]
    assert [one.text for one in more.snippets] == ["# three"]


def test_a_line_of_a_literal_is_located_in_this_file() -> None:
    host = VirtualHost(
        "a.test",
        directives="""
            RewriteEngine on
            Header set X-Located here
        """,
    )
    assert host.snippets[0].locate(2) == Origin(__file__, line_of("X-Located here"))


def test_a_line_of_a_text_that_is_no_literal_is_located_by_its_words() -> None:
    value = "there"
    host = VirtualHost("a.test", directives=f"# {value}\nHeader set X-Joined here")
    assert host.snippets[0].locate(1) == Origin(__file__, line_of("X-Joined here"))


def test_a_continued_line_is_located_where_its_directive_begins() -> None:
    host = VirtualHost(
        "a.test",
        directives=r"""
            SetEnvIf User-Agent "continued" \
                nokeepalive \
                ssl-unclean-shutdown
        """,
    )
    assert host.snippets[0].locate(3) == Origin(__file__, line_of("SetEnvIf User-Agent"))


def test_a_file_of_directives_is_its_own_origin(tmp_path: Path) -> None:
    file = tmp_path / "host.conf"
    file.write_text("# one\nHeader set X b\n")
    (snippet,) = snippets(file, None)
    assert snippet.text == "# one\nHeader set X b\n"
    assert snippet.locate(1) == Origin(str(file), 2)


def test_a_configuration_that_pytest_itself_makes_has_no_origin(modssl_config: ServerConfig) -> None:
    assert modssl_config.origin is None
    config = ServerConfig()  # the line meant
    assert config.origin == Origin(__file__, line_of("# the line meant"))
