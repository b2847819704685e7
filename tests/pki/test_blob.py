from __future__ import annotations

import os
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest

from pytest_modssl.errors import PkiError
from pytest_modssl.pki import CA, CSR, Blob, generate_key

if TYPE_CHECKING:
    from pathlib import Path

PEM = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
DH = b"-----BEGIN DH PARAMETERS-----\nAAAA\n-----END DH PARAMETERS-----\n"


def test_kind_names_each_label_once_in_order() -> None:
    assert Blob(PEM + PEM + DH).kind == "CERTIFICATE + DH PARAMETERS"


def test_kind_of_other_bytes_says_that_they_are_no_pem() -> None:
    assert Blob(b"\xff\x00").kind == "no PEM"


def test_repr_shows_kind_and_digest_but_no_content() -> None:
    blob = generate_key().pem
    assert repr(blob) == str(blob)
    assert repr(blob).startswith("<Blob PRIVATE KEY sha256:")
    assert blob.text().splitlines()[1] not in repr(blob)


def test_blobs_compare_and_add_by_content() -> None:
    assert Blob(PEM) + Blob(DH) == Blob(PEM + DH)
    assert len({Blob(PEM), Blob(PEM)}) == 1


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_written_file_has_exactly_the_mode_whatever_the_umask(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        path = Blob(PEM).write_to_path(tmp_path / "a.pem", mode=mode)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert path.read_bytes() == PEM


def test_write_replaces_a_file_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "a.pem"
    Blob(DH).write_to_path(path, mode=0o644)
    reader = path.open("rb")
    Blob(PEM).write_to_path(path)
    with reader:
        assert reader.read() == DH, "who had the old file open goes on reading it whole"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.pem"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        Blob(PEM).write_to_path(tmp_path / "folder")
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize("kind", ["x509", "req", "pkcs8 -topk8 -nocrypt"])
def test_der_is_what_openssl_writes_both_ways(kind: str) -> None:
    key = generate_key()
    pem, label = {
        "x509": (CA().issue("www.example.test").cert_pem, "CERTIFICATE"),
        "req": (CSR.create(key, "www.example.test").pem, "CERTIFICATE REQUEST"),
        "pkcs8 -topk8 -nocrypt": (key.pem, "PRIVATE KEY"),
    }[kind]

    def openssl(stdin: bytes, *forms: str) -> bytes:
        return subprocess.run(["openssl", *kind.split(), *forms], input=stdin, capture_output=True, check=True).stdout

    assert pem.der == openssl(pem.bytes(), "-outform", "DER")
    assert Blob.from_der(pem.der, label).bytes() == openssl(pem.der, "-inform", "DER", "-outform", "PEM")


def test_of_several_blocks_the_first_is_der() -> None:
    first, second = CA().cert_pem, CA().cert_pem
    assert (first + second).der == first.der


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no PEM",
        b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n",
    ],
)
def test_what_has_no_der_says_so(content: bytes) -> None:
    with pytest.raises(PkiError, match="has no"):
        _ = Blob(content).der
