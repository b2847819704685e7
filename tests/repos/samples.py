"""The sample repositories, and copies of them with the faults that `NAME.faults.yaml` beside each describes.

A fault is a change that an owner might make by mistake (`edits`), with the tests that then fail, and no others
(`fails`: names of tests, in which `*` stands for anything; what begins with `::` follows the title of the
configuration), the words that their messages have (`says`), and the line that they name (`at`: a file, a piece of the
line, and how many lines further).
"""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import yaml

from pytest_modssl._data import fixture
from pytest_modssl.pki import CA, generate_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

SAMPLES: Final = ("gazette", "campus", "museum", "hosting", "gateway", "clinic")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A test that fails, or all whose names fit.

    Attributes:
        test: its name from the repository on, in which `*` stands for anything.
        says: what its message has.
        at: the line that it names: file, a piece of the line, and how many lines further; `None` where no line is to
            blame.
    """

    test: str
    says: tuple[str, ...]
    at: tuple[str, str, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault of a sample.

    Attributes:
        sample: name of the repository.
        name: of the fault, in a few words.
        edits: what is changed.
        failures: what fails then; all other tests pass, or cannot be made where httpd does not even start.
    """

    sample: str
    name: str
    edits: tuple[Mapping[str, Any], ...]
    failures: tuple[Failure, ...]

    def __str__(self) -> str:
        return f"{self.sample}-{self.name}"


def faults() -> tuple[Fault, ...]:
    """Every fault of every sample."""
    return tuple(one for sample in SAMPLES for one in _read(sample))


def healthy(sample: str, folder: Path) -> Path:
    """A copy of a sample in a folder that must not exist yet."""
    shutil.copytree(fixture(f"repos/{sample}"), folder, symlinks=True)
    # A wheel holds no links, so an installed sample has a copy of each file that Debian's tools would link.
    for enabled in folder.rglob("*-enabled"):
        for path in sorted(enabled.iterdir()):
            original = enabled.with_name(enabled.name.replace("-enabled", "-available")) / path.name
            if original.is_file() and not path.is_symlink():
                path.unlink()
                path.symlink_to(f"../{original.parent.name}/{path.name}")
    return folder


def faulty(fault: Fault, folder: Path) -> Path:
    """A copy of a sample with a fault, in a folder that must not exist yet."""
    healthy(fault.sample, folder)
    for edit in fault.edits:
        kind = next(iter(edit))
        _EDITS[kind](folder / edit[kind], edit)
    return folder


def places(failure: Failure, folder: Path) -> set[tuple[Path, int]]:
    """The lines any of which a failure names, as file and number: those with the text that `at` has."""
    if failure.at is None:
        return set()
    file, text, further = failure.at
    lines = (folder / file).read_text(encoding="utf-8").split("\n")
    return {((folder / file).resolve(), number + further) for number, line in enumerate(lines, 1) if text in line}


@cache
def _read(sample: str) -> tuple[Fault, ...]:
    data = yaml.safe_load(fixture(f"repos/{sample}.faults.yaml").read_text(encoding="utf-8"))
    return tuple(
        Fault(
            sample=sample,
            name=name,
            edits=tuple(fault["edits"]),
            failures=tuple(_failure(data["title"], test, told) for test, told in fault["fails"].items()),
        )
        for name, fault in data["faults"].items()
    )


def _failure(title: str, test: str, told: Mapping[str, Any]) -> Failure:
    at = told.get("at")
    return Failure(
        test=title + test if test.startswith("::") else test,
        says=tuple(told.get("says", ())),
        at=None if at is None else (at[0], at[1], at[2] if at[2:] else 0),
    )


def _replace(path: Path, edit: Mapping[str, Any]) -> None:
    text = path.read_bytes().decode()
    end = "\r\n" if "\r\n" in text else "\n"
    old, new = (edit[key].replace("\n", end) for key in ("replace", "by"))
    found = text.count(old)
    assert found == 1, f"{path}: {old!r} stands there {found} times"
    path.write_bytes(text.replace(old, new).encode())


def _add(path: Path, edit: Mapping[str, Any]) -> None:
    assert not path.exists(), path
    path.write_text(edit["text"], encoding="utf-8")


def _remove(path: Path, _edit: Mapping[str, Any]) -> None:
    path.unlink()


def _add_key(path: Path, edit: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    generate_key().pem.write_to_path(path)
    path.chmod(edit["mode"])


def _add_certificate(path: Path, edit: Mapping[str, Any]) -> None:
    """The public part of a certificate, whose key is on the machine alone."""
    end = dt.datetime.now(dt.timezone.utc) + dt.timedelta(days=edit.get("days", 90))
    leaf = CA(common_name="Public CA").issue(*edit["names"], not_before=end - dt.timedelta(days=90), not_after=end)
    leaf.cert_file_pem.write_to_path(path)


_EDITS: Final[Mapping[str, Callable[[Path, Mapping[str, Any]], None]]] = {
    "in": _replace,
    "add": _add,
    "remove": _remove,
    "key": _add_key,
    "certificate": _add_certificate,
}
