from __future__ import annotations

import base64
import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from pytest_modssl.pki import CA, Blob, _der, generate_key
from pytest_modssl.pki import cache as cache_module
from pytest_modssl.pki.cache import SLOTS, KeyPool, cache_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _fresh_process() -> Iterator[None]:
    """Each test sees the files, not the keys that this process remembers."""
    cache_module._cached_key.cache_clear()
    yield
    cache_module._cached_key.cache_clear()


def stored(folder: Path) -> set[Path]:
    return set(folder.glob("*.pem"))


def test_files_and_folder_are_the_users_alone(key_cache: Path) -> None:
    before = os.umask(0)
    try:
        generate_key("rsa-1024")
    finally:
        os.umask(before)
    assert stat.S_IMODE(key_cache.stat().st_mode) == 0o700
    files = list(key_cache.iterdir())
    assert len(files) == 2, "a key and its lock"
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_one_ca_has_eight_distinct_keys_and_then_repeats(key_cache: Path) -> None:
    one, other = CA(), CA()
    leaves = [
        (one.issue("a.test", key_type="rsa-1024"), other.issue("b.test", key_type="rsa-1024"))[0] for _ in range(9)
    ]
    assert len({leaf.public_key_sha256 for leaf in leaves[:SLOTS]}) == SLOTS
    assert leaves[SLOTS].public_key_sha256 == leaves[0].public_key_sha256
    assert len(stored(key_cache)) == SLOTS


def test_root_intermediate_and_leaf_have_keys_of_their_own(key_cache: Path) -> None:
    root = CA(key_type="rsa-1024")
    intermediate = root.intermediate(key_type="rsa-1024")
    leaf = intermediate.issue("a.test", key_type="rsa-1024")
    assert len({root.private_key, intermediate.private_key, leaf.private_key}) == 3


def test_elliptic_keys_are_never_stored(key_cache: Path) -> None:
    pool = KeyPool()
    assert pool.take("ec-p256") != pool.take("ec-p256")
    assert not key_cache.exists()


def test_another_process_gets_the_stored_key(key_cache: Path) -> None:
    code = """
from pytest_modssl.pki.cache import KeyPool
pool = KeyPool()
print(*sorted(pool.take("rsa-1024").public_key_sha256 for _ in range(8)))
"""
    children = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    printed = {child.communicate(timeout=60)[0] for child in children}
    assert len(printed) == 1, "processes at once agree on the keys"
    pool = KeyPool()
    assert printed == {" ".join(sorted(pool.take("rsa-1024").public_key_sha256 for _ in range(SLOTS))) + "\n"}


@pytest.mark.parametrize(
    "damage", ["empty", "rubbish", "other type", "halves of two keys", "readable", "link", "folder"]
)
def test_broken_file_is_replaced_by_a_whole_one(key_cache: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    monkeypatch.setattr(cache_module, "SLOTS", 1)
    good = KeyPool().take("rsa-1024")
    (path,) = stored(key_cache)
    if damage == "empty":
        path.write_bytes(b"")
    elif damage == "rubbish":
        path.write_bytes(good.pem.bytes()[:200] + b"\xff" * 100)
    elif damage == "other type":
        Blob(generate_key("rsa-1536").pem.bytes()).write_to_path(path)
    elif damage == "halves of two keys":
        Blob(mixed_halves()).write_to_path(path)
    elif damage == "readable":
        path.chmod(0o644)
    elif damage == "link":
        path.rename(key_cache / "elsewhere")
        path.symlink_to(key_cache / "elsewhere")
    elif damage == "folder":
        path.unlink()
        path.mkdir()
    cache_module._cached_key.cache_clear()
    made = KeyPool().take("rsa-1024")
    assert made.type == "rsa-1024"
    assert made != good
    if damage != "folder":
        assert path.read_bytes() == made.pem.bytes()
        assert stat.S_IMODE(path.lstat().st_mode) == 0o600


def mixed_halves() -> bytes:
    """A file that loads as RSA-1024, whose private exponents do not belong to its public one."""
    key = rsa.generate_private_key(65537, 1024).private_numbers()
    public = key.public_numbers
    numbers = (0, public.n, public.e, key.d + 2, key.p, key.q, key.dmp1 + 2, key.dmq1, key.iqmp)
    body = base64.encodebytes(_der.sequence(*map(_der.integer, numbers)))  # RFC 8017 appendix A.1.2
    return b"-----BEGIN RSA PRIVATE KEY-----\n" + body + b"-----END RSA PRIVATE KEY-----\n"


def test_without_home_keys_go_to_a_private_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    generate_key("rsa-1024")
    (folder,) = tmp_path.iterdir()
    assert folder.name == f"pytest-modssl-keys-{os.geteuid()}"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_where_no_folder_is_private_nothing_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/dev/null")
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / f"pytest-modssl-keys-{os.geteuid()}").symlink_to(tmp_path / "elsewhere")
    assert cache_folder() is None
    assert generate_key("rsa-1024").type == "rsa-1024"
    assert not list(tmp_path.rglob("*.pem"))


def test_folder_that_stands_open_is_closed(key_cache: Path) -> None:
    key_cache.mkdir(parents=True)
    key_cache.chmod(0o777)
    assert cache_folder() == key_cache
    assert stat.S_IMODE(key_cache.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_folder_of_somebody_else_is_not_used(key_cache: Path) -> None:
    key_cache.mkdir(parents=True, mode=0o700)
    os.chown(key_cache, 65534, -1)
    assert cache_folder() != key_cache


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_file_of_somebody_else_is_replaced(key_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "SLOTS", 1)
    good = KeyPool().take("rsa-1024")
    (path,) = stored(key_cache)
    os.chown(path, 65534, -1)
    cache_module._cached_key.cache_clear()
    assert KeyPool().take("rsa-1024") != good
    assert path.stat().st_uid == os.geteuid()


def test_unknown_type_leaves_no_trace(key_cache: Path) -> None:
    with pytest.raises(Exception, match="no key type"):
        generate_key("rsa-999")
    assert not key_cache.exists()
