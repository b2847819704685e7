from __future__ import annotations

from pathlib import Path

import pytest

from pytest_modssl.errors import MissingModuleError, StartError
from pytest_modssl.httpd.dumps import check_syntax, effective_config, virtual_hosts
from pytest_modssl.httpd.installation import Installation, find_httpd, probe_installation

HOSTS = """\
Define LOGS {folder}
ErrorLog ${{LOGS}}/error.log
Listen 443
<VirtualHost *:80>
ServerName a.test
ServerAlias www.a.test *.a.test
</VirtualHost>
<VirtualHost *:80 [::1]:81>
ServerName b.test
</VirtualHost>
<Macro Shop $name>
<VirtualHost *:82>
    ServerName $name
</VirtualHost>
</Macro>
Use Shop shop.test
Include "{folder}/more hosts/*.conf"
<IfDefine EXTRA>
Timeout 7
</IfDefine>
<VirtualHost _default_:83>
</VirtualHost>
KeepAlive off
"""
MORE = """\
<VirtualHost *:443>
    ServerName c.test
    Protocols http/1.1
    <Location "/a b">
        Require ip 192.0.2.1
        Header \\
            set X "y z"
    </Location>
</VirtualHost>
"""


@pytest.fixture(scope="module")
def installation() -> Installation:
    return probe_installation(find_httpd())


@pytest.fixture
def config(installation: Installation, tmp_path: Path) -> Path:
    (tmp_path / "more hosts").mkdir()
    (tmp_path / "more hosts" / "c.conf").write_text(MORE)
    names = ("mpm_event", "authz_core", "authz_host", "headers", "macro")
    loads = "".join(f"LoadModule {name}_module {installation.loadable[name]}\n" for name in names)
    (tmp_path / "modules.conf").write_text(loads)
    file = tmp_path / "httpd.conf"
    file.write_text(f'Include "{tmp_path}/modules.conf"\n' + HOSTS.format(folder=tmp_path) + "ServerName main.test\n")
    return file


def test_virtual_hosts_have_address_name_aliases_file_and_line(installation: Installation, config: Path) -> None:
    seen = {
        (host.address, host.name, host.aliases, host.file, host.line, host.default)
        for host in virtual_hosts(installation, config)
    }
    assert seen == {
        ("*:80", "a.test", ("www.a.test", "*.a.test"), str(config), 5, True),
        ("*:80", "b.test", (), str(config), 9, False),
        ("[::1]:81", "b.test", (), str(config), 9, True),
        # Line 13 is where the macro's own <VirtualHost> stands.
        ("*:82", "shop.test", (), str(config), 13, True),
        ("*:83", "main.test", (), str(config), 22, True),
        ("*:443", "c.test", (), str(config.parent / "more hosts" / "c.conf"), 1, True),
    }


def test_effective_config_has_every_directive_in_order_with_place_and_sections(
    installation: Installation, config: Path
) -> None:
    more = config.parent / "more hosts" / "c.conf"
    seen = [
        (Path(one.file).name, one.line, one.name, one.words, [section.name for section in one.sections])
        for one in effective_config(installation, config)
    ]
    main, host, location = "httpd.conf", ["VirtualHost"], ["VirtualHost", "Location"]
    assert seen == [
        (main, 3, "ErrorLog", (f"{config.parent}/error.log",), []),
        (main, 4, "Listen", ("443",), []),
        (main, 5, "VirtualHost", ("*:80",), []),
        (main, 6, "ServerName", ("a.test",), host),
        (main, 7, "ServerAlias", ("www.a.test", "*.a.test"), host),
        (main, 9, "VirtualHost", ("*:80", "[::1]:81"), []),
        (main, 10, "ServerName", ("b.test",), host),
        (main, 13, "VirtualHost", ("*:82",), []),
        (main, 14, "ServerName", ("shop.test",), host),
        (more.name, 1, "VirtualHost", ("*:443",), []),
        (more.name, 2, "ServerName", ("c.test",), host),
        (more.name, 3, "Protocols", ("http/1.1",), host),
        (more.name, 4, "Location", ("/a b",), host),
        (more.name, 5, "Require", ("ip", "192.0.2.1"), location),
        (more.name, 7, "Header", ("set", "X", "y z"), location),
        (main, 22, "VirtualHost", ("_default_:83",), []),
        # The empty section before it must not swallow it.
        (main, 24, "KeepAlive", ("off",), []),
        (main, 25, "ServerName", ("main.test",), []),
    ]


def test_a_directive_of_a_macro_tells_who_used_it(installation: Installation, config: Path) -> None:
    (name,) = [one for one in effective_config(installation, config) if one.arguments == "shop.test"]
    assert name.via == f"macro 'shop' used on line 17 of \"{config}\""
    assert str(name) == f"{config}:14: ServerName shop.test"
    assert str(name.sections[0]) == f"{config}:13: <VirtualHost *:82>"


def test_defines_and_variables_reach_httpd(installation: Installation, tmp_path: Path) -> None:
    config = tmp_path / "httpd.conf"
    config.write_text(
        f"LoadModule mpm_event_module {installation.loadable['mpm_event']}\nErrorLog ${{MODSSL_LOGS}}/e.log\n"
        "<IfDefine EXTRA>\nTimeout 7\n</IfDefine>\nInclude more.conf\n"
    )
    (tmp_path / "more.conf").write_text("KeepAlive off\n")
    answers = effective_config(
        installation, config, server_root=str(tmp_path), defines=["EXTRA"], env={"MODSSL_LOGS": str(tmp_path)}
    )
    assert [one.name for one in answers] == ["ErrorLog", "Timeout", "KeepAlive"]
    assert answers[0].arguments == f"{tmp_path}/e.log"


def test_a_good_file_is_accepted(installation: Installation, config: Path) -> None:
    answer = check_syntax(installation, config)
    assert (answer.ok, answer.problem) == (True, None)
    assert "Syntax OK" in answer.output


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("Foo bar", 1, "Invalid command 'Foo', perhaps misspelled or defined by a module not included"),
        ("Timeout 5\nListen", 2, "Listen requires 1 or 2 arguments."),
        ("Timeout 5\n\n<VirtualHost *:1>\nTimeout 5", 3, "<VirtualHost> was not closed."),
        ("Timeout 5\n</VirtualHost>", 2, "</VirtualHost> without matching <VirtualHost> section"),
        ("Include /nonexistent.conf", 1, "Could not open configuration file /nonexistent.conf"),
        ("LoadModule x_module /nonexistent.so", 1, "Cannot load /nonexistent.so into server"),
        ('Error "own words"', 1, "own words"),
        ("AllowOverride All", 1, "AllowOverride not allowed here"),
        ("<IfModule core.c", 1, "<IfModule> directive missing closing '>'"),
    ],
)
def test_a_refusal_names_file_line_and_httpds_words(
    installation: Installation, tmp_path: Path, text: str, line: int, message: str
) -> None:
    config = tmp_path / "with space.conf"
    config.write_text(f"LoadModule mpm_event_module {installation.loadable['mpm_event']}\n{text}\n")
    answer = check_syntax(installation, config)
    assert not answer.ok
    assert answer.problem is not None
    assert (answer.problem.file, answer.problem.line) == (str(config), 1 + line)
    assert answer.problem.message.startswith(message)
    for ask in (virtual_hosts, effective_config):
        with pytest.raises(StartError, match=r"refuses the configuration") as caught:
            ask(installation, config)
        assert f"{config}:{1 + line}: " in str(caught.value)


def test_a_refusal_inside_an_included_file_names_that_file(installation: Installation, tmp_path: Path) -> None:
    inner = tmp_path / "inner.conf"
    inner.write_text("Timeout 5\nLoadModule x_module /nonexistent.so\n")
    config = tmp_path / "outer.conf"
    config.write_text(f"\nInclude {inner}\n")
    problem = check_syntax(installation, config).problem
    assert problem is not None
    assert (problem.file, problem.line) == (str(inner), 2)
    assert problem.message.startswith("Cannot load /nonexistent.so")


def test_a_refusal_inside_a_macro_names_its_line_and_its_user(installation: Installation, tmp_path: Path) -> None:
    config = tmp_path / "httpd.conf"
    config.write_text(
        "".join(f"LoadModule {name}_module {installation.loadable[name]}\n" for name in ("mpm_event", "macro"))
        + "<Macro M>\nTimeout 5\nFoo bar\n</Macro>\nUse M\n"
    )
    problem = check_syntax(installation, config).problem
    assert problem is not None
    assert (problem.file, problem.line) == (str(config), 5)
    assert problem.via == f"macro 'm' used on line 7 of \"{config}\""
    assert problem.via in str(problem)


def test_a_missing_file_and_a_missing_log_folder_are_told(installation: Installation, tmp_path: Path) -> None:
    answer = check_syntax(installation, tmp_path / "none.conf")
    assert answer.problem is not None
    assert (answer.problem.file, answer.problem.line) == (str(tmp_path / "none.conf"), None)
    config = tmp_path / "httpd.conf"
    loads = f"LoadModule mpm_event_module {installation.loadable['mpm_event']}\n"
    config.write_text(f'{loads}ServerName x\nErrorLog "{tmp_path}/none/error.log"\n')
    answer = check_syntax(installation, config)
    assert answer.problem is not None
    assert (answer.problem.ah, answer.problem.file) == ("AH02291", None)
    assert "for main error log" in answer.problem.message


def test_effective_config_without_mod_info_names_the_package(installation: Installation, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "mod_ssl.so").symlink_to(installation.loadable["ssl"])
    binary = tmp_path / "bin" / "httpd"
    binary.write_text(f'#!/bin/sh\nexec "{installation.binary}" "$@"\n')
    binary.chmod(0o755)
    with pytest.raises(MissingModuleError, match="mod_info"):
        effective_config(probe_installation(binary), tmp_path / "httpd.conf")
