from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import ModsslAssertionError
from pytest_modssl.pki import generate_key
from pytest_modssl.repo.checks import secrets

if TYPE_CHECKING:
    from pathlib import Path

KEY = generate_key("ec-p256").pem.bytes()
ENCRYPTED = b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n"


def git(root: Path, *command: str) -> None:
    subprocess.run(["git", "-C", str(root), *command], check=True, capture_output=True)


def told(root: Path) -> str:
    with pytest.raises(ModsslAssertionError) as caught:
        secrets(root)
    assert "MIG" not in str(caught.value), "no part of a key is told"
    return str(caught.value)


def test_keys_of_any_form_are_found_where_no_git_tells_what_is_committed(tmp_path: Path) -> None:
    (tmp_path / "ssl").mkdir()
    (tmp_path / "ssl/site.pem").write_bytes(b"# certificate and key\n" + KEY)
    (tmp_path / "old.key").write_bytes(ENCRYPTED)
    (tmp_path / "notes.txt").write_text("openssl writes -----BEGIN PRIVATE KEY----- before a key")
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv/pyvenv.cfg").touch()
    (tmp_path / "venv/example.key").write_bytes(KEY)
    text = told(tmp_path)
    assert text.startswith(f"private keys in {tmp_path} (take it out")
    assert f"private key {tmp_path}/ssl/site.pem:2: expected not to be in the repository, seen a file of" in text
    assert f"{tmp_path}/old.key:1: expected not to be in the repository, seen a file of the repository, encr" in text
    assert "2 mismatches" in text
    assert f"  at {tmp_path}/ssl/site.pem:2" in text.splitlines()


def test_git_tells_what_is_committed_what_may_be_and_what_is_ignored(tmp_path: Path) -> None:
    for name in ("committed.key", "private.key", "open.key", "ignored.key"):
        (tmp_path / name).write_bytes(KEY)
        (tmp_path / name).chmod(0o600)
    (tmp_path / "open.key").chmod(0o644)
    (tmp_path / ".gitignore").write_text("ignored.key\n")
    git(tmp_path, "init")
    git(tmp_path, "add", "committed.key")
    text = told(tmp_path)
    assert f"{tmp_path}/committed.key:1: expected not to be in the repository, seen committed, not encrypted" in text
    assert f"{tmp_path}/open.key:1: expected no permission for group and others (0600, 0400), seen 0644" in text
    assert "2 mismatches" in text


def test_a_repository_without_keys_has_no_secrets(tmp_path: Path) -> None:
    (tmp_path / "site.crt").write_text("-----BEGIN CERTIFICATE-----\n")
    (tmp_path / "loop").symlink_to(tmp_path)
    secrets(tmp_path)
