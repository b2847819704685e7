"""Who removes what: owners, the dead, and the end of a run."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import textwrap
from types import SimpleNamespace
from typing import TYPE_CHECKING, TypeAlias

import psutil
import pytest

from pytest_modssl.errors import ModsslError
from pytest_modssl.targets import registry
from pytest_modssl.targets.registry import Owner, ProcessEntry, bury, end_run, sweep
from pytest_modssl.wait import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ForeignOwner: TypeAlias = tuple[subprocess.Popen[str], int]

OWNER = """
    import os, signal, subprocess, sys
    from pathlib import Path
    import psutil
    from pytest_modssl.targets.registry import Owner, ProcessEntry
    owner = Owner("run1", base=Path(sys.argv[1]))
    folder = owner.new_folder()
    process = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    ProcessEntry(process.pid, psutil.Process(process.pid).create_time()).write(folder)
    print(process.pid, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def foreign_owner(base: Path) -> Iterator[ForeignOwner]:
    """Another process that owns a folder with a running process: its `Popen`, and the process's id."""
    code = textwrap.dedent(OWNER)
    with subprocess.Popen(
        [sys.executable, "-c", code, str(base)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as popen:
        assert popen.stdout is not None
        pid = int(popen.stdout.readline())
        yield popen, pid
        popen.kill()
        ProcessEntry(pid, _started(pid)).end()


def _started(pid: int) -> float:
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return 0.0


def ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_an_owner_that_closes_leaves_nothing_but_the_base_lock(base: Path) -> None:
    owner = Owner("run1", base=base)
    folder = owner.new_folder()
    assert folder.is_dir()
    assert folder.parent == owner.folder
    owner.close()
    assert [path.name for path in base.iterdir()] == ["registry.lock"]


def test_folders_can_be_entered_by_all_whatever_the_umask(base: Path) -> None:
    before = os.umask(0o077)
    try:
        owner = Owner("run1", base=base)
        folder = owner.new_folder()
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == owner.folder.stat().st_mode & 0o777 == 0o755
    owner.close()


def test_a_living_owner_is_left_alone(base: Path, foreign_owner: ForeignOwner) -> None:
    _, pid = foreign_owner
    assert sweep(base) == 0
    end_run("run1", base)
    assert not ended(pid)
    assert len(list(base.glob("run1-*"))) == 1


def test_a_killed_owner_is_removed_with_what_it_started(base: Path, foreign_owner: ForeignOwner) -> None:
    popen, pid = foreign_owner
    popen.kill()
    until(lambda: [path.name for path in base.iterdir()] == ["registry.lock"], seconds=30, what="its folder to go")
    assert ended(pid)


def _kill_with_its_will(owner: subprocess.Popen[str]) -> None:
    for one in psutil.Process(owner.pid).children():
        if "executor" in " ".join(one.cmdline()):
            one.kill()
    owner.kill()
    owner.wait()


def test_one_that_was_killed_with_its_will_is_swept(base: Path, foreign_owner: ForeignOwner) -> None:
    popen, pid = foreign_owner
    _kill_with_its_will(popen)
    assert sweep(base) == 1
    until(lambda: ended(pid), seconds=30, what="the process to end")
    assert [path.name for path in base.iterdir()] == ["registry.lock"]


def test_the_end_of_a_run_removes_its_dead_owners_and_no_other_run(base: Path, foreign_owner: ForeignOwner) -> None:
    popen, pid = foreign_owner
    _kill_with_its_will(popen)
    end_run("run2", base)
    assert not ended(pid)
    end_run("run1", base)
    until(lambda: ended(pid), seconds=30, what="the process to end")


def test_a_process_id_that_was_given_to_another_is_not_killed() -> None:
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as other:
        ProcessEntry(other.pid, psutil.Process(other.pid).create_time() - 100).end()
        assert other.poll() is None
        ProcessEntry(other.pid, psutil.Process(other.pid).create_time()).end()
        assert other.wait() == -9


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": "x"}', '{"pid": 1}'])
def test_an_entry_that_was_not_written_in_full_is_no_entry(tmp_path: Path, content: str) -> None:
    (tmp_path / "process.json").write_text(content)
    assert ProcessEntry.read(tmp_path) is None


def test_the_base_is_where_children_of_the_server_can_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setenv("TMPDIR", "elsewhere than in memory")
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(closed))
    assert closed not in registry.default_base().parents


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no folder in memory")
@pytest.mark.parametrize(
    ("changed", "in_memory"),
    [({}, True), ({"f_flag": os.ST_NOEXEC}, False), ({"f_bavail": 0}, False)],
    ids=["as it should be", "no program may be run there", "full"],
)
def test_the_base_is_in_memory_where_that_will_do(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, int], *, in_memory: bool
) -> None:
    room = {"f_bavail": 1 << 20, "f_frsize": 4096, "f_flag": 0}
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(**room | changed))
    assert registry.default_base().is_relative_to("/dev/shm") is in_memory


def test_who_says_where_temporary_files_go_is_heard(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(base))
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(base))
    assert registry.default_base().parent == base


def test_a_base_that_others_can_write_is_refused(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "elsewhere than in memory")
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(base))
    folder = registry.default_base()
    folder.chmod(0o777)
    with pytest.raises(ModsslError, match="only this user can write"):
        registry.default_base()


def test_a_base_that_is_a_link_is_refused(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "elsewhere than in memory")
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(base))
    (base / f"pytest-modssl-{os.getuid()}").symlink_to(tmp_path)
    with pytest.raises(ModsslError, match="only this user can write"):
        registry.default_base()


def test_burying_what_is_gone_already_brings_nothing_back(tmp_path: Path) -> None:
    base = tmp_path / "base"
    bury(base / "run1-1-0000")
    assert not base.exists()
