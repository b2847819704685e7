"""httpd from source, as far as it is not the real building: that takes minutes, and is in `tests/builds`.

The script of these tests installs a program that runs the machine's httpd.
"""

from __future__ import annotations

import hashlib
import re
import signal
import subprocess
import sys
import textwrap
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

from pytest_modssl import _data
from pytest_modssl.cli import main
from pytest_modssl.errors import FetchError
from pytest_modssl.httpds import kinds, source, store
from pytest_modssl.httpds.builds import builds
from pytest_modssl.httpds.toolchain import Part, Toolchain
from pytest_modssl.httpds.wishes import Wishes
from pytest_modssl.progress import in_lines
from pytest_modssl.wait import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.httpd.installation import Installation

TOOLS = Toolchain(compiler="/bin/cc", platform="some-machine", openssl="OpenSSL 3.0.22", without=())
INSTALL = """
echo "== first step"
echo noise
mkdir -p "$3$2/bin"
printf '#!/bin/sh\\nexec {httpd} "$@"\\n' >"$3$2/bin/httpd"
chmod 755 "$3$2/bin/httpd"
echo "== last step"
"""


class Script(Protocol):
    def __call__(self, text: str) -> None: ...


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that keeps the httpds of this test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "pytest-modssl" / "httpds"


@pytest.fixture
def script(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, local_installation: Installation
) -> Iterator[Script]:
    """Sets the script that builds; at first one that installs what runs the machine's httpd."""
    folder = tmp_path / "containers" / "source"
    folder.mkdir(parents=True)
    sources = tmp_path / "cache" / "pytest-modssl" / "sources"
    sources.mkdir(parents=True)
    (sources / "archive.tar.gz").write_bytes(b"archive")
    digest = hashlib.sha256(b"archive").hexdigest()
    (folder / "sources.txt").write_text(f"httpd 2.4.99 pypi none archive.tar.gz {digest}\n")
    (folder / "builds.csv").write_text("name,httpd,openssl,flags,reason\n2.4.99,2.4.99,,-DX,why\n")
    monkeypatch.setattr(_data, "container", lambda name: tmp_path / "containers" / name)
    monkeypatch.setattr(source, "find_toolchain", lambda **_: TOOLS)
    builds.cache_clear()

    def script(text: str) -> None:
        (folder / "build.sh").write_text(text)

    script(INSTALL.format(httpd=local_installation.binary))
    yield script
    builds.cache_clear()


def get(said: list[str] | None = None, *, again: bool = False, offline: bool = False) -> store.KeptHttpd:
    told: list[str] = [] if said is None else said
    return source.get("2.4.99", say=in_lines(told.append), again=again, offline=offline)


@pytest.mark.usefixtures("script")
def test_it_is_built_once_and_each_step_is_told(cache: Path, local_installation: Installation) -> None:
    said: list[str] = []
    kept = get(said)
    assert said[:3] == [
        said[0],
        "building httpd 2.4.99 from source: first step",
        "building httpd 2.4.99 from source: last step",
    ]
    assert re.fullmatch(rf"building httpd 2\.4\.99 from source, .*{cache}/source-2\.4\.99\.log", said[0])
    assert kept.installation().version == local_installation.version
    assert kept.target == "source:2.4.99"
    assert "noise" in (kept.folder / "build.log").read_text()
    assert not (kept.folder / "work").exists()
    assert not list(cache.glob("*.log"))
    said.clear()
    assert get(said) == kept
    assert said == []


@pytest.mark.usefixtures("script")
def test_it_is_a_kind_of_httpd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(kinds.KINDS, "source", replace(kinds.KINDS["source"], choices=("2.4.99",)))
    kept = kinds.get("source:2.4.99", Wishes(say=lambda _: None))
    assert kinds.get(kept.name, Wishes(say=lambda _: None, offline=True)) == kept


@pytest.mark.usefixtures("script")
def test_it_is_removed_by_the_name_of_its_target(capsys: pytest.CaptureFixture[str]) -> None:
    kept = get()
    assert main(["httpds", "remove", "source:2.4.99"]) == 0
    assert f"removed {kept.name}" in capsys.readouterr().out
    assert store.kept_httpds() == []


def test_what_fails_is_told_by_its_last_lines_and_where_its_log_is(script: Script, cache: Path) -> None:
    script("for i in $(seq 100); do echo line $i; done; echo unfit.c: error; exit 3")
    with pytest.raises(FetchError, match=r"2\.4\.99 ended with exit status 3") as caught:
        get()
    (log,) = cache.glob("source-*.log")
    assert str(log) in str(caught.value)
    assert "\n    line 100\n    unfit.c: error" in str(caught.value)
    assert "line 50\n" not in str(caught.value)
    assert "line 50\n" in log.read_text()
    assert store.kept_httpds() == []
    assert [path for path in cache.iterdir() if path.is_dir()] == []


def test_a_build_that_leaves_no_httpd_is_not_kept(script: Script, cache: Path) -> None:
    script('mkdir -p "$3$2/bin"; echo "#!/bin/sh" >"$3$2/bin/httpd"; chmod 755 "$3$2/bin/httpd"')
    with pytest.raises(FetchError, match="does not run on this machine"):
        get()
    assert store.kept_httpds() == []


def test_the_environment_of_the_caller_does_not_change_what_is_built(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CFLAGS", "-DSPOILT")
    script("env; exit 1")
    with pytest.raises(FetchError) as caught:
        get()
    assert "SPOILT" not in str(caught.value)
    assert "HTTPD_CPPFLAGS=-DX" in str(caught.value)
    assert "CC=/bin/cc" in str(caught.value)


@pytest.mark.usefixtures("script")
@pytest.mark.parametrize(
    "tools",
    [
        replace(TOOLS, openssl="OpenSSL 3.5.9"),
        replace(TOOLS, platform="other-machine"),
        replace(TOOLS, without=(Part("zlib.h", "zlib1g-dev", "", "", ("deflate",)),)),
    ],
    ids=["openssl", "platform", "libraries"],
)
def test_what_the_machine_brings_makes_it_another_build(tools: Toolchain, monkeypatch: pytest.MonkeyPatch) -> None:
    before = get()
    monkeypatch.setattr(source, "find_toolchain", lambda **_: tools)
    said: list[str] = []
    after = get(said)
    assert after.folder != before.folder
    assert after.target == before.target
    assert ("building without mod_deflate: zlib.h is missing (zlib1g-dev in Debian)" in said) == bool(tools.without)


def test_a_machine_that_cannot_build_takes_what_was_built(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(**_: bool) -> Toolchain:
        raise FetchError("gcc is missing")

    kept = get()
    monkeypatch.setattr(source, "find_toolchain", nothing)
    assert get() == kept
    with pytest.raises(FetchError, match="gcc is missing"):
        get(again=True)
    script("another script, and so another httpd")
    with pytest.raises(FetchError, match="gcc is missing"):
        get()


@pytest.mark.usefixtures("script")
def test_offline_it_is_built_from_archives_that_are_there(tmp_path: Path) -> None:
    archive = tmp_path / "cache" / "pytest-modssl" / "sources" / "archive.tar.gz"
    content = archive.read_bytes()
    archive.unlink()
    with pytest.raises(FetchError, match=r"source:2\.4\.99 would have to be fetched, which offline mode forbids"):
        get(offline=True)
    archive.write_bytes(content)
    assert get(offline=True) == get(offline=True)


@pytest.mark.usefixtures("script")
def test_a_path_that_makefiles_do_not_bear_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "two words"))
    with pytest.raises(FetchError, match="do not bear ' ' in a path"):
        get()


def test_two_that_want_it_at_once_build_it_once(script: Script, tmp_path: Path) -> None:
    text = (tmp_path / "containers" / "source" / "build.sh").read_text()
    script(f"echo x >>{tmp_path}/runs\n{text}")
    got: list[store.KeptHttpd] = []
    threads = [threading.Thread(target=lambda: got.append(get())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one.folder for one in got}) == 1
    assert len(got) == 3
    assert (tmp_path / "runs").read_text() == "x\n"


KILLED = """
import sys
from pathlib import Path
from pytest_modssl import _data
from pytest_modssl.httpds import source
from pytest_modssl.httpds.toolchain import Toolchain
_data.container = lambda name: Path(sys.argv[1]) / name
tools = Toolchain(compiler="/bin/cc", platform="some-machine", openssl="OpenSSL 3.0.22", without=())
source.find_toolchain = lambda **_: tools
source.get("2.4.99", say=lambda told: print(told, flush=True))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="it looks for processes in /proc")
def test_a_build_whose_owner_is_killed_ends_and_leaves_nothing_that_is_used(
    script: Script, cache: Path, tmp_path: Path
) -> None:
    good = (tmp_path / "containers" / "source" / "build.sh").read_text()
    script(f"{good}\nsleep 1000 &\necho $$ $! >{tmp_path}/pids\necho '== waiting'\nwait\n")
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path / "containers")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert any(line.endswith(": waiting\n") for line in owner.stdout)
        owner.send_signal(signal.SIGKILL)
    started = [Path("/proc", pid) for pid in (tmp_path / "pids").read_text().split()]
    assert len(started) == 2
    until(lambda: not any(one.exists() for one in started), seconds=10, what="the script and its child to end")
    assert store.kept_httpds() == []
    assert [path for path in cache.iterdir() if path.is_dir()]
    script(good)
    kept = get()
    assert [path for path in cache.iterdir() if path.is_dir()] == [kept.folder]
