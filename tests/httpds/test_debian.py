"""The httpd of a Debian suite: what is fetched, what is refused, and that nothing half-made is ever found."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import CA
from pytest_modssl.errors import FetchError
from pytest_modssl.httpds import debian, store
from pytest_modssl.httpds.apt import has_apt
from pytest_modssl.progress import in_lines
from pytest_modssl.wait import until
from tests.httpds.archive import HTTPD, LIBRARIES, Archive, handler_for
from tests.httpds.openpgp import Signer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.httpds.conftest import Get

    Left = Callable[[], list[str]]


def test_an_httpd_is_fetched_with_all_that_it_needs_and_nothing_the_second_time(
    get: Get, archive: Archive, cache: Path, verifier: str
) -> None:
    said: list[str] = []
    began = time.time()
    kept = get(say=said)
    assert len(said) == 4
    assert "index of Debian bookworm from http://127.0.0.1:" in said[0]
    assert verifier in said[0]
    assert "4 packages" in said[1]
    assert f"debian:bookworm is httpd 2.4.99, 0 MB, kept in {cache}/debian-bookworm" in said[3]
    assert (kept.name, kept.folder, kept.httpd) == ("debian:bookworm", cache / "debian-bookworm", "2.4.99")
    assert kept.parts == {"apache2-bin": "2.4.99-1", "libc6": "2.36-9", "libnew1": "1.0-1", "openssl": "3.0.22-1"}
    assert began - 1 <= kept.made.timestamp() <= time.time()
    files = [one for one in kept.folder.rglob("*") if one.is_file() and not one.is_symlink()]
    assert kept.size == sum(one.stat().st_size for one in files if one.name != "httpd.json")
    asked = archive.asked.total()
    assert get(say=said) == kept
    assert archive.asked.total() == asked
    assert len(said) == 4


def test_only_what_runs_is_unpacked_and_links_stay_inside(get: Get) -> None:
    folder = get().folder
    files = {str(file.relative_to(folder)) for file in folder.rglob("*") if not file.is_dir()}
    assert "usr/share/doc/apache2-bin/changelog" not in files
    assert {f"usr/{LIBRARIES}/libnew.so.1", f"usr/{LIBRARIES}/libc.so.6", "etc/ssl/openssl.cnf"} <= files
    assert not {name for name in files if name.startswith(("fetched", "lib/"))}
    for name in ("absolute", "relative"):
        link = folder / f"usr/{LIBRARIES}/lib{name}.so"
        assert os.readlink(link) == "libc.so.6"  # noqa: PTH115 - the text of the link


def test_how_it_is_run_names_nothing_of_the_machine(get: Get) -> None:
    kept = get()
    installation = kept.installation()
    loader, *options, binary = installation.command
    assert Path(loader).is_relative_to(kept.folder)
    assert options == ["--library-path", str(kept.folder / "usr" / LIBRARIES), "--preload", "libgcc_s.so.1"]
    assert binary == str(kept.folder / "usr/sbin/apache2")
    assert installation.environment == {"OPENSSL_CONF": str(kept.folder / "etc/ssl/openssl.cnf")}


def test_the_newest_of_the_suite_and_of_its_security_archive_counts(get: Get, archive: Archive) -> None:
    archive.add("bookworm-security", "apache2-bin", "2.4.99-1+deb12u1", {"usr/sbin/apache2": HTTPD}, "libc6")
    archive.add("bookworm-security", "openssl", "3.0.22-1~deb12u9", {"usr/bin/openssl": "older"})
    archive.publish()
    parts = get().parts
    assert (parts["apache2-bin"], parts["openssl"]) == ("2.4.99-1+deb12u1", "3.0.22-1")


def test_what_the_archive_lists_and_does_not_have_is_replaced_by_an_earlier_one(get: Get, archive: Archive) -> None:
    archive.add("bookworm-security", "libnew1", "1.0-1+deb12u1", {"x": "y"})
    archive.publish()
    (archive.root / "pool" / "libnew1_1.0-1+deb12u1.deb").unlink()
    said: list[str] = []
    assert get(say=said).parts["libnew1"] == "1.0-1"
    assert any("does not have libnew1 1.0-1+deb12u1: taking earlier ones" in line for line in said)


def test_without_an_earlier_one_that_is_told(get: Get, archive: Archive, left: Left) -> None:
    archive.package("openssl").unlink()
    with pytest.raises(FetchError, match="the archive has no package openssl, which this needs"):
        get()
    assert left() == []


def test_a_package_that_is_not_what_was_signed_is_refused(get: Get, archive: Archive, left: Left) -> None:
    file = archive.package("libnew1")
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    with pytest.raises(FetchError, match=r"(?i)is not what Debian signed|hash sum mismatch"):
        get()
    assert left() == []


def test_an_index_that_is_not_what_was_signed_is_refused(get: Get, archive: Archive, left: Left) -> None:
    for file in archive.root.glob("dists/bookworm/main/**/*"):
        if file.is_file():
            file.write_bytes(file.read_bytes() + b"\n\n")
    with pytest.raises(FetchError, match=r"(?i)is not what Debian signed|hash sum mismatch|unexpected size"):
        get()
    assert left() == []


@pytest.mark.parametrize("signature", ["unknown", "none", "broken"])
def test_what_debian_did_not_sign_is_refused(get: Get, archive: Archive, left: Left, signature: str) -> None:
    release = archive.in_release("bookworm")
    text = release.read_text()
    if signature == "unknown":
        archive.signer = Signer()
        archive.publish()
    elif signature == "none":
        release.write_text(text.partition("\n\n")[2].partition("-----BEGIN")[0])
    else:
        release.write_text(text.replace("Origin: Test", "Origin: Tost"))
    with pytest.raises(FetchError, match=r"What to do: name (another|a) mirror"):
        get()
    assert left() == []
    assert not any("/pool/" in path for path in archive.asked)


def test_what_stands_outside_of_the_signed_text_does_not_count(
    get: Get, archive: Archive, left: Left, verifier: str
) -> None:
    release = archive.in_release("bookworm")
    signed = release.read_text()
    archive.package("libnew1").write_bytes(b"other")
    release.write_text("Origin: Somebody\n" + signed.replace("Origin: Test", "Origin: Tost") + signed)
    with pytest.raises(FetchError):
        get()
    assert left() == []


def test_a_download_that_breaks_off_is_told(get: Get, archive: Archive, left: Left) -> None:
    archive.cut = "/pool/libnew1"
    with pytest.raises(FetchError, match="What to do: name a mirror that can be reached"):
        get()
    assert left() == []
    archive.cut = ""
    assert get().httpd == "2.4.99"


def test_a_mirror_that_does_not_answer_is_told(cache: Path, verifier: str, left: Left) -> None:
    with pytest.raises(FetchError, match="What to do: name a mirror that can be reached from here"):
        debian.get("bookworm", say=lambda _: None, mirrors=("http://127.0.0.1:1/debian",))
    assert left() == []


def test_what_is_no_address_is_told(cache: Path, verifier: str, left: Left) -> None:
    with pytest.raises(FetchError, match="'somewhere' is no address of a Debian mirror"):
        debian.get("bookworm", say=lambda _: None, mirrors=("somewhere",))
    assert left() == []


def test_what_does_not_run_is_not_kept(get: Get, archive: Archive, left: Left) -> None:
    archive.add("bookworm", "apache2-bin", "2.4.99-2", {"usr/sbin/apache2": "#!/bin/sh\necho hello\n"}, "libc6")
    archive.publish()
    with pytest.raises(FetchError, match=r"(?s)was fetched, but does not run on this machine.*hello"):
        get()
    assert left() == []


def test_an_index_that_has_expired_is_taken_for_a_suite_in_the_making_only(get: Get, archive: Archive) -> None:
    for suite in ("forky", "forky-security"):
        archive.suites[suite] = archive.suites["bookworm"]
    archive.publish(more="Valid-Until: Sun, 22 Nov 2020 09:15:44 UTC\n")
    assert get("forky").httpd == "2.4.99"
    if not _lenient():
        with pytest.raises(FetchError, match=r"(?i)valid until|expired"):
            get("bookworm")


def _lenient() -> bool:
    """Whether this machine's apt takes expired indexes by its own configuration."""
    if not has_apt():
        return False
    done = subprocess.run(
        ["apt-config", "dump", "Acquire::Check-Valid-Until"], capture_output=True, text=True, check=True
    )
    return '"false"' in done.stdout


@pytest.fixture
def by_gpgv(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fetching without apt."""
    monkeypatch.setattr(debian, "has_apt", lambda: False)


@pytest.mark.usefixtures("by_gpgv", "cache")
def test_the_index_of_another_suite_is_refused(archive: Archive, url: str, left: Left) -> None:
    archive.publish(names={"bookworm": "buster"})
    with pytest.raises(FetchError, match="is the index of buster, not of bookworm"):
        debian.get("bookworm", say=lambda _: None, mirrors=(url,))
    assert left() == []


@pytest.mark.usefixtures("by_gpgv", "cache")
def test_without_gpgv_nothing_is_fetched(
    archive: Archive, url: str, left: Left, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(FetchError, match=r"gpgv is not installed\. What to do: install it .*--modssl-debian-unsigned"):
        debian.get("bookworm", say=lambda _: None, mirrors=(url,))
    with pytest.raises(FetchError, match="is not HTTPS, and without Debian's signature nothing else is trusted"):
        debian.get("bookworm", say=lambda _: None, mirrors=(url,), unsigned=True)
    assert not archive.asked
    assert left() == []


@pytest.fixture
def https(archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The archive's address over HTTPS, which this machine trusts."""
    ca = CA()
    leaf = ca.issue("localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    chain = leaf.private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    context.load_cert_chain(chain)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler_for(archive)) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("SSL_CERT_FILE", str(ca.cert_pem.write_to_path(tmp_path / "ca.pem", mode=0o644)))
        yield f"https://localhost:{server.server_address[1]}/debian"
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("by_gpgv", "cache")
def test_https_alone_is_trusted_where_that_is_asked_for(
    archive: Archive, https: str, left: Left, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.in_release("bookworm").write_text("Codename: bookworm\n" + archive.in_release("bookworm").read_text())
    said: list[str] = []
    assert debian.get("bookworm", say=in_lines(said.append), mirrors=(https,), unsigned=True).httpd == "2.4.99"
    assert "its signature unchecked" in said[0]
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(FetchError, match=r"(?i)certificate verify failed"):
        debian.get("bookworm", say=in_lines(said.append), mirrors=(https,), unsigned=True, again=True)
    assert left() == ["debian-bookworm"]


# Alone, killed, and several at once

KILLED = """
import sys
from pytest_modssl.httpds import apt, debian, mirror
from pathlib import Path
url, keyring, with_apt = sys.argv[1:]
apt.keyrings = mirror.keyrings = lambda: [Path(keyring)]
debian.has_apt = lambda: with_apt == "apt"
debian.get("bookworm", say=print, mirrors=(url,))
"""


@pytest.fixture
def killed(url: str, verifier: str, tmp_path: Path) -> list[str]:
    """The command line of another process that fetches the same."""
    return [sys.executable, "-c", KILLED, url, str(tmp_path / "keyring.pgp"), verifier]


def test_a_killed_fetch_leaves_nothing_that_is_found_and_the_next_one_removes_it(
    get: Get, archive: Archive, killed: list[str], left: Left
) -> None:
    archive.hang = "/pool/"
    with subprocess.Popen(killed, start_new_session=True, stdout=subprocess.DEVNULL) as process:
        assert archive.hanging.wait(20)
        process.send_signal(signal.SIGKILL)
    (half,) = left()
    assert half.startswith(".debian-bookworm.")
    assert store.find("debian", "bookworm") is None
    assert store.kept_httpds() == []
    archive.hang = ""
    archive.release.set()
    said: list[str] = []
    assert get(say=said).httpd == "2.4.99"
    assert not any("waiting" in line for line in said)
    # What the killed one had started may write a last file into its folder while that is removed.
    until(lambda: get(again=True) and left() == ["debian-bookworm"], seconds=20, what="the leftover to be gone")


def test_what_a_killed_fetch_had_already_is_not_fetched_again(
    get: Get, archive: Archive, killed: list[str], cache: Path
) -> None:
    archive.hang = "/pool/openssl"
    whole = {archive.package(name).read_bytes() for name in ("apache2-bin", "libc6", "libnew1")}

    def there() -> bool:
        return whole <= {file.read_bytes() for file in cache.glob(".debian-bookworm.*/fetched/*.deb")}

    with subprocess.Popen(killed, start_new_session=True, stdout=subprocess.DEVNULL) as process:
        until(there, seconds=20, what="all but the last to be there")
        process.send_signal(signal.SIGKILL)
    archive.hang = ""
    said: list[str] = []
    assert get(say=said).httpd == "2.4.99"
    archive.release.set()
    assert any("1 packages of 4, the others are there already" in line for line in said)
    asked = {path: count for path, count in archive.asked.items() if "/pool/" in path and "openssl" not in path}
    assert list(asked.values()) == [1, 1, 1]


def test_several_at_once_fetch_once(get: Get, archive: Archive) -> None:
    archive.hang = "/pool/"
    said: list[str] = []
    got: list[store.KeptHttpd] = []
    threads = [threading.Thread(target=lambda: got.append(get(say=said))) for _ in range(3)]
    for thread in threads:
        thread.start()
    until(lambda: sum("waiting to fetch debian:bookworm" in one for one in said) == 2, seconds=20, what="two to wait")
    archive.release.set()
    for thread in threads:
        thread.join()
    assert got[0] == got[1] == got[2]
    assert {count for path, count in archive.asked.items() if "/pool/" in path} == {1}


@pytest.fixture
def small_disk(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A cache on a disk that is too small; where none can be mounted, one that says so."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = os.geteuid() == 0 and shutil.which("mount") is not None
    if mounted:
        command = ["mount", "-t", "tmpfs", "-o", "size=160k", "none", str(disk)]
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    if mounted:
        monkeypatch.setenv("XDG_CACHE_HOME", str(disk))
    else:

        def full(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(debian, "unpack", full)
    yield
    if mounted:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.usefixtures("small_disk")
def test_a_full_disk_is_told_and_nothing_is_left_on_it(get: Get, archive: Archive) -> None:
    archive.add("bookworm", "libnew1", "1.0-2", {f"usr/{LIBRARIES}/libnew.so.1": os.urandom(10_000) * 40})
    archive.publish()
    with pytest.raises(FetchError, match=r"(?is)no space left on device.*What to do") as caught:
        get()
    base = Path(os.environ["XDG_CACHE_HOME"]) / "pytest-modssl" / "httpds"
    assert str(base) in str(caught.value)
    assert [one.name for one in base.iterdir() if one.suffix != ".lock"] == []


# Where it cannot be


@pytest.mark.parametrize(
    ("place", "told"),
    [
        (("Darwin", "arm64", "glibc 2.36"), "this is Darwin on arm64"),
        (("Linux", "riscv64", "glibc 2.36"), "this is Linux on riscv64"),
        (("Linux", "x86_64", None), "another C library than glibc"),
    ],
)
def test_a_machine_on_which_it_cannot_run_is_told(
    monkeypatch: pytest.MonkeyPatch, cache: Path, place: tuple[str, str, str | None], told: str
) -> None:
    system, machine, libc = place
    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr("os.confstr", lambda _: libc)
    with pytest.raises(FetchError, match=f"cannot be had: .*{told}.*target docker"):
        debian.get("trixie", say=lambda _: None)
    assert not cache.exists()


def test_an_unknown_suite_is_told_with_those_that_there_are(cache: Path) -> None:
    with pytest.raises(FetchError, match=r"no suite 'woody'.*bullseye, bookworm, trixie, forky, sid"):
        debian.get("woody", say=lambda _: None)


def test_offline_nothing_is_fetched_but_what_is_there_is_taken(get: Get, archive: Archive, left: Left) -> None:
    with pytest.raises(FetchError, match=r"offline mode forbids.*pytest-modssl httpds fetch debian:bookworm"):
        get(offline=True)
    assert not archive.asked
    kept = get()
    assert get(offline=True) == kept
