"""`pytest-modssl images`, as it is called in a shell."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import __version__
from pytest_modssl.cli import main
from tests.cli.answers import differing, documented, one_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.targets.engine import Engine


@pytest.fixture
def outdated(engine: Engine, image: str) -> Iterator[str]:
    """Another name of the default image, as one has that was built by an earlier recipe."""
    tag = f"bookworm-{uuid.uuid4().hex[:12]}"
    engine.client.api.tag(image, "modssl/debian", tag)
    yield f"modssl/debian:{tag}"
    if engine.client.images.list(f"modssl/debian:{tag}"):
        engine.client.images.remove(f"modssl/debian:{tag}")


def test_the_program_is_the_module() -> None:
    command = [sys.executable, "-m", "pytest_modssl", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"pytest-modssl {__version__}\n"


@pytest.mark.parametrize("arguments", [["images"], ["images", "list"]])
def test_every_image_is_listed_with_its_name_and_age(
    arguments: list[str], engine: Engine, image: str, outdated: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    head, titles, *rows = capsys.readouterr().out.splitlines()
    assert head == engine.description
    assert titles.split() == ["NAME", "TAG", "SIZE", "BUILT", "(UTC)"]
    (current,) = [row for row in rows if image in row]
    (old,) = [row for row in rows if outdated in row]
    assert current.startswith("modssl/debian:bookworm ")
    assert not current.endswith("outdated")
    assert old.endswith("outdated")


def test_the_same_is_had_as_data(engine: Engine, image: str, outdated: str, capsys: pytest.CaptureFixture[str]) -> None:
    keys = documented("images")
    assert main(["images", "--json"]) == 0
    out = capsys.readouterr().out
    assert differing(out, keys) == set()
    told = json.loads(out)
    assert told["engine"] == engine.description
    assert {one["tag"]: one["current"] for one in told["images"]}.items() >= {image: True, outdated: False}.items()
    assert main(["images", "build", "--json"]) == 0
    out = capsys.readouterr().out
    assert differing(out, one_of(keys, "images[].")) == set()
    assert json.loads(out)["tag"] == image
    assert main(["images", "remove", outdated, "--json"]) == 0
    assert [one["tag"] for one in json.loads(capsys.readouterr().out)["removed"]] == [outdated]


def test_building_what_is_there_prints_its_name(image: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["images", "build"]) == 0
    assert capsys.readouterr() == (f"{image}\n", "")


def test_removing_takes_what_is_named_and_nothing_else(
    engine: Engine, image: str, outdated: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["images", "remove", outdated]) == 0
    assert capsys.readouterr().out == f"removed {outdated}\n"
    assert not engine.client.images.list(outdated)
    assert engine.client.images.list(image)


def test_what_is_not_ours_can_neither_be_built_nor_removed(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["images", "build", "debian:bookworm"]) == 1
    assert main(["images", "remove", "debian:bookworm"]) == 1
    complaints = capsys.readouterr().err
    assert "debian:bookworm is not one of the project's own images" in complaints
    assert "no image of pytest-modssl is called debian:bookworm" in complaints


@pytest.mark.parametrize("arguments", [[], ["nosuch"], ["images", "remove"], ["images", "remove", "x", "--all"]])
def test_a_wrong_command_line_ends_with_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: pytest-modssl" in capsys.readouterr().err


def test_without_an_engine_the_status_is_1_and_the_reason_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    assert main(["images", "list", "--json"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("pytest-modssl: cannot reach the container engine at unix:///nonexistent/docker.sock")


def test_an_interruption_ends_with_status_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pytest_modssl.targets.engine.connect", interrupt)
    assert main(["images"]) == 130
    assert capsys.readouterr().err == "pytest-modssl: interrupted\n"
