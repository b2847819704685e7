"""Configurations that httpd refuses: each ends soon, says why at the user's own line, and leaves nothing."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import CA, ServerConfig, StartError, VirtualHost, self_signed
from pytest_modssl.targets import start_failure as module
from pytest_modssl.targets.local import LocalTarget
from tests.targets.test_local import processes_in

if TYPE_CHECKING:
    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.targets.registry import Owner

HERE = Path(__file__)


def refused(local: LocalTarget, owner: Owner, config: ServerConfig) -> str:
    with pytest.raises(StartError) as caught:
        local.launch(config)
    assert [path.name for path in owner.folder.iterdir()] == ["owner.lock"]
    assert processes_in(owner.folder) == []
    assert "ServerRoot" in caught.value.configuration
    return str(caught.value)


def test_an_unknown_value_is_told_at_its_line(local: LocalTarget, owner: Owner, ca: CA) -> None:
    text = refused(
        local,
        owner,
        ServerConfig(
            VirtualHost(
                "a.test",
                tls=ca.issue("a.test"),
                directives="""
                    SSLOptions +StdEnvVars
                    SSLEngine perhaps
                """,
            )
        ),
    )
    line = next(n for n, text in enumerate(HERE.read_text().splitlines(), 1) if "SSLEngine perhaps" in text)
    assert f"at {HERE}:{line}: SSLEngine perhaps" in text
    assert "Argument must be On or Off" in text


def test_an_unknown_directive_is_told_with_those_spelled_alike(local: LocalTarget, owner: Owner) -> None:
    text = refused(local, owner, ServerConfig(VirtualHost("a.test", directives="SSLEngin on")))
    assert "Invalid command 'SSLEngin'" in text
    assert "diagnosis: none of httpd's own modules has a directive SSLEngin; alike are SSLEngine" in text


def test_a_directive_in_a_file_is_told_at_the_line_of_that_file(
    local: LocalTarget, owner: Owner, tmp_path: Path
) -> None:
    file = tmp_path / "host.conf"
    file.write_text("# one\nHeader set X y\nHeader nonsense\n")
    assert f"at {file}:3: Header nonsense" in refused(
        local, owner, ServerConfig(VirtualHost("a.test", directives=file))
    )


def test_a_section_that_is_not_closed_is_told_after_its_last_line(local: LocalTarget, owner: Owner) -> None:
    text = refused(
        local, owner, ServerConfig(VirtualHost("a.test", directives="<Location />\nHeader set X-Not closed"))
    )
    line = next(n for n, text in enumerate(HERE.read_text().splitlines(), 1) if "X-Not closed" in text)
    assert f"after {HERE}:{line}: Header set X-Not closed" in text
    assert "Expected </Location> but saw </VirtualHost>" in text


def test_a_missing_certificate_file_is_told_at_its_line(local: LocalTarget, owner: Owner, ca: CA) -> None:
    text = refused(
        local,
        owner,
        ServerConfig(VirtualHost("a.test", tls=ca.issue("a.test"), directives="SSLCertificateFile /no/such/file")),
    )
    assert "SSLCertificateFile: file '/no/such/file' does not exist or is empty" in text
    assert ": SSLCertificateFile /no/such/file" in text


def test_a_key_of_another_certificate_is_told_at_its_host(local: LocalTarget, owner: Owner, ca: CA) -> None:
    leaf = ca.issue("a.test").with_key(ca.issue("a.test").private_key)
    host = VirtualHost("a.test", tls=leaf)
    text = refused(local, owner, ServerConfig(host))
    assert "AH02565" in text
    assert f"at {host.origin}: this call brings about SSLCertificateKeyFile" in text


def test_an_encrypted_key_ends_the_start_and_never_asks(local: LocalTarget, owner: Owner, ca: CA) -> None:
    host = VirtualHost("a.test", tls=ca.issue("a.test", key_type="rsa-2048").with_pass_phrase("secret"))
    text = refused(local, owner, ServerConfig(host))
    assert "AH02578" in text or "AH02577" in text
    assert "secret" not in text


def test_ssl_without_a_certificate_is_told_at_its_host(local: LocalTarget, owner: Owner) -> None:
    host = VirtualHost("a.test", directives="SSLEngine on")
    text = refused(local, owner, ServerConfig(host))
    assert "AH02572" in text
    assert f"at {host.origin}" in text


def test_a_key_too_small_for_the_security_level_is_told(local: LocalTarget, owner: Owner) -> None:
    text = refused(local, owner, ServerConfig(VirtualHost("a.test", tls=CA().issue("a.test", key_type="rsa-1024"))))
    assert "AH02562" in text
    assert "ee key too small" in text


def test_a_suite_list_with_no_suite_in_it_is_told(local: LocalTarget, owner: Owner, ca: CA) -> None:
    text = refused(
        local, owner, ServerConfig(VirtualHost("a.test", tls=ca.issue("a.test"), directives="SSLCipherSuite ADH"))
    )
    assert "AH01898" in text


def test_a_document_root_that_is_not_there_is_told(local: LocalTarget, owner: Owner) -> None:
    config = ServerConfig(VirtualHost("a.test", directives="DocumentRoot /no/such/folder"), directives="LogLevel warn")
    server = local.launch(config)
    try:
        assert server.get("http://a.test/").status_code == 404
    finally:
        server.stop()


def test_a_server_that_is_killed_while_it_starts_says_by_what(
    local: LocalTarget, owner: Owner, tmp_path: Path, local_installation: Installation
) -> None:
    program = tmp_path / "httpd"
    program.write_text("#!/bin/sh\necho dying >&2\nkill -9 $$\n")
    program.chmod(0o755)
    installation = dataclasses.replace(local_installation, binary=program)
    text = refused(LocalTarget(installation, owner, start_seconds=20), owner, ServerConfig(VirtualHost("a.test")))
    assert "was ended by signal 9 (SIGKILL) before it was ready" in text
    assert "dying" in text


def test_a_self_signed_certificate_starts(local: LocalTarget, owner: Owner) -> None:
    server = local.launch(ServerConfig(VirtualHost("a.test", tls=self_signed("a.test"))))
    server.stop()


def test_a_line_of_an_included_file_is_told_at_that_file(local: LocalTarget, owner: Owner, tmp_path: Path) -> None:
    included = tmp_path / "included.conf"
    included.write_text("# one\nNonsense on\n")
    host = VirtualHost("a.test", directives=f'Include "{included}"')
    assert f"at {included}:2: Nonsense" in refused(local, owner, ServerConfig(host))


def test_a_disk_that_is_full_is_told(local: LocalTarget, owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    config = ServerConfig(VirtualHost("a.test", directives="SSLEngine perhaps"))
    assert "No space left on device" not in refused(local, owner, config)
    monkeypatch.setattr(module, "_LITTLE_ROOM", 2**70)  # more than any disk has
    assert f"No space left on device: {owner.folder}/" in refused(local, owner, config)
