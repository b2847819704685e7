"""Which server a test gets: shared by digest, kept while held, the longest idle ended first, none that changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import psutil
import pytest

from pytest_modssl import ServerConfig, StartError, VirtualHost
from pytest_modssl.targets.local import LocalInstance
from pytest_modssl.targets.pool import Pool
from pytest_modssl.targets.server import Server

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from pytest_modssl.httpd.configuration import Configuration
    from pytest_modssl.httpd.dumps import DumpedDirective
    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.httpd.render import Rendered
    from pytest_modssl.targets.base import Prepared
    from pytest_modssl.targets.local import LocalTarget


class FakeInstance:
    """A server that is none: it notes when it is asked to end, and when its end is awaited."""

    def __init__(self, name: str, folder: Path, events: list[str]) -> None:
        self.name = name
        self.folder = folder
        self.exit_status: int | None = None
        self._events = events

    @property
    def rendered(self) -> Rendered:
        raise NotImplementedError

    def address(self, port: int) -> tuple[str, int] | None:
        raise NotImplementedError

    def dump(self) -> tuple[DumpedDirective, ...]:
        raise NotImplementedError

    def mode(self, _: str) -> int | None:
        return None

    def content(self, _: str) -> bytes | None:
        return None

    def cpu_seconds(self) -> float | None:
        return None

    def settle(self) -> frozenset[str] | None:
        return None

    @property
    def lost(self) -> Sequence[str]:
        return ()

    def reload(self, config: Configuration) -> None:
        self._events.append(f"reload {self.name} for {config.names}")

    def begin_stop(self) -> None:
        self._events.append(f"stop {self.name}")

    def finish_stop(self) -> None:
        self._events.append(f"await {self.name}")


class FakeTarget:
    """Starts servers named 1, 2, 3, ... and keeps two idle ones; `events` tells what became of them."""

    id = "fake"
    description = "a fake"

    def __init__(self, folder: Path, *, idle: int = 2) -> None:
        self.idle = idle
        self.events: list[str] = []
        self.single: list[bool] = []
        self.broken = False
        self._folder = folder

    @property
    def installation(self) -> Installation:
        return cast("Installation", None)

    def check(self, config: Configuration) -> None:
        raise NotImplementedError

    def prepared(self, config: Configuration) -> AbstractContextManager[Prepared]:
        raise NotImplementedError

    def launch(self, config: Configuration, *, single_process: bool = False) -> Server:
        if self.broken:
            raise StartError("refused")
        self.single.append(single_process)
        name = str(len(self.single))
        self.events.append(f"start {name}")
        return Server(config, self.installation, FakeInstance(name, self._folder, self.events))

    def close(self) -> None:
        raise NotImplementedError

    def abandon(self) -> None:
        pass

    def clean_up(self, run: str | None) -> None:
        raise NotImplementedError


@pytest.fixture
def target(tmp_path: Path) -> FakeTarget:
    return FakeTarget(tmp_path)


@pytest.fixture
def pool(target: FakeTarget) -> Pool:
    return Pool(target)


def config(name: str) -> ServerConfig:
    return ServerConfig(VirtualHost(f"{name}.test"))


def instance(server: Server) -> FakeInstance:
    assert isinstance(server.instance, FakeInstance)
    return server.instance


def use(pool: Pool, name: str) -> Server:
    """A server as a test has it that ends at once."""
    server = pool.get(config(name), "test")
    pool.release("test")
    return server


def test_equal_configurations_share_a_server_and_others_do_not(pool: Pool, target: FakeTarget) -> None:
    first = pool.get(config("a"), "one")
    assert pool.get(config("a"), "two") is first
    assert pool.get(config("b"), "two") is not first
    assert target.events == ["start 1", "start 2"]


def test_a_server_that_nobody_holds_is_kept_for_the_next(pool: Pool, target: FakeTarget) -> None:
    assert use(pool, "a") is use(pool, "a")
    assert target.events == ["start 1"]


def test_a_server_stays_until_its_last_holder_releases_it(pool: Pool, target: FakeTarget) -> None:
    held = pool.get(config("a"), "one")
    assert pool.get(config("a"), "two") is held
    pool.release("one")
    for name in "bcdef":
        use(pool, name)
    assert "stop 1" not in target.events
    pool.release("two")
    for name in "ghi":
        use(pool, name)
    assert "stop 1" in target.events


def test_a_holder_releases_all_that_it_holds_and_a_stranger_nothing(pool: Pool, target: FakeTarget) -> None:
    for name in "ab":
        pool.get(config(name), "one", fresh=True)
    pool.release("stranger")
    assert target.events == ["start 1", "start 2"]
    pool.release("one")
    assert target.events[2:] == ["stop 1", "stop 2"]


def test_who_asks_twice_releases_once(pool: Pool, target: FakeTarget) -> None:
    pool.get(config("a"), "one")
    pool.get(config("a"), "one")
    pool.release("one")
    for name in "bc":
        use(pool, name)
    assert "stop 1" in target.events


def test_the_idle_server_that_was_used_longest_ago_makes_room(pool: Pool, target: FakeTarget) -> None:
    use(pool, "a")
    use(pool, "b")
    use(pool, "a")
    assert target.events == ["start 1", "start 2"], "two are kept"
    use(pool, "c")
    assert target.events == ["start 1", "start 2", "stop 2", "start 3"]
    assert len(pool.servers) == 2


def test_servers_in_use_do_not_count_as_idle(pool: Pool, target: FakeTarget) -> None:
    for name in "abcd":
        pool.get(config(name), "one")
    use(pool, "e")
    use(pool, "f")
    assert not any(event.startswith("stop") for event in target.events)
    assert len(pool.servers) == 6


def test_a_target_that_keeps_none_ends_each_before_the_next_starts(tmp_path: Path) -> None:
    target = FakeTarget(tmp_path, idle=0)
    pool = Pool(target)
    use(pool, "a")
    use(pool, "b")
    assert target.events == ["start 1", "stop 1", "start 2"]


def test_a_fresh_server_is_nobody_elses_before_or_after_and_ends_with_its_test(pool: Pool, target: FakeTarget) -> None:
    shared = use(pool, "a")
    fresh = pool.get(config("a"), "one", fresh=True)
    assert fresh is not shared
    assert pool.get(config("a"), "two", fresh=True) is not fresh
    assert pool.get(config("a"), "two") is shared
    pool.release("one")
    assert target.events[3:] == ["stop 2"]
    assert fresh not in pool.servers


def test_a_server_of_one_process_is_a_fresh_one(pool: Pool, target: FakeTarget) -> None:
    first = pool.get(config("a"), "one", single_process=True)
    assert pool.get(config("a"), "one", single_process=True) is not first
    assert pool.get(config("a"), "one") is not first
    assert target.single == [True, True, False]


def test_a_server_that_died_is_not_handed_out_and_is_cleared_away_by_its_holder(pool: Pool, target: FakeTarget) -> None:
    died = pool.get(config("a"), "one")
    instance(died).exit_status = -9
    other = pool.get(config("a"), "two")
    assert other is not died
    assert died in pool.servers, "its holder's report still needs its log and files"
    pool.release("one")
    assert list(pool.servers) == [other]
    assert target.events == ["start 1", "start 2", "stop 1", "await 1"]
    instance(other).exit_status = 0
    pool.release("two")
    assert len(pool.servers) == 0


def test_a_server_that_died_while_idle_is_not_handed_out(pool: Pool) -> None:
    died = use(pool, "a")
    instance(died).exit_status = 1
    assert use(pool, "a") is not died


def test_a_reloaded_server_is_not_handed_out_and_ends_with_its_last_holder(pool: Pool, target: FakeTarget) -> None:
    reloaded = pool.get(config("a"), "one")
    assert pool.get(config("a"), "two") is reloaded
    reloaded.reload(config("b"))
    assert pool.get(config("a"), "three") is not reloaded
    assert pool.get(config("b"), "three") is not reloaded
    pool.release("one")
    assert "stop 1" not in target.events
    pool.release("two")
    assert target.events[-1] == "stop 1"


def test_a_server_that_was_reloaded_back_is_shared_again(pool: Pool) -> None:
    server = pool.get(config("a"), "one")
    server.reload(config("b"))
    server.reload(config("a"))
    pool.release("one")
    assert use(pool, "a") is server


def test_an_end_is_not_awaited_until_too_many_are_ending(pool: Pool, target: FakeTarget) -> None:
    for _ in range(4):
        pool.get(config("a"), "one", fresh=True)
        pool.release("one")
    assert not any(event.startswith("await") for event in target.events)
    pool.get(config("a"), "one", fresh=True)
    pool.release("one")
    assert target.events[-2:] == ["stop 5", "await 1"]


def test_a_start_that_fails_changes_nothing_for_the_next(pool: Pool, target: FakeTarget) -> None:
    target.broken = True
    with pytest.raises(StartError, match="refused"):
        pool.get(config("a"), "one")
    assert len(pool.servers) == 0
    target.broken = False
    assert use(pool, "a") in pool.servers


def test_closing_ends_all_at_once_held_or_not_and_awaits_each(pool: Pool, target: FakeTarget) -> None:
    pool.get(config("a"), "one")
    pool.get(config("b"), "one", fresh=True)
    use(pool, "c")
    pool.close()
    assert target.events[3:6] == ["stop 1", "stop 2", "stop 3"]
    assert sorted(target.events[6:]) == ["await 1", "await 2", "await 3"]
    assert len(pool.servers) == 0
    pool.close()
    assert len(target.events) == 9


def test_real_servers_are_shared_replaced_and_ended(local: LocalTarget) -> None:
    pool = Pool(local)
    try:
        server = use(pool, "a")
        assert use(pool, "a") is server
        assert server.get("http://a.test/").status_code == 200
        assert isinstance(server.instance, LocalInstance)
        server.instance.process.kill()
        other = use(pool, "a")
        assert other.get("http://a.test/").status_code == 200
        folders, running = [one.instance.folder for one in (server, other)], other.instance
        assert isinstance(running, LocalInstance)
        pid = running.pid
    finally:
        pool.close()
    assert not psutil.pid_exists(pid)
    assert not any(folder.exists() for folder in folders)
