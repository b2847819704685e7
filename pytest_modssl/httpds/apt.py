"""Debian's packages fetched and verified by the machine's apt, with a configuration and state folders of its own.

Nothing of the machine is read but how to reach the network (`Acquire`, apt.conf(5)), and nothing is changed.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_modssl.errors import FetchError
from pytest_modssl.httpd.runner import run_here
from pytest_modssl.httpds.archives import COMPONENT, keyrings, mirrors_in
from pytest_modssl.httpds.packages import Index

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence

    from pytest_modssl.httpds.archives import Archive
    from pytest_modssl.httpds.packages import Package

# The part of apt that fetches a file with a given hash; in package apt, outside of PATH.
_HELPER: Final = Path("/usr/lib/apt/apt-helper")
_SECONDS: Final = 600
_SHOWN: Final = 8
# What would make other files than our own: the lists, their format, and what is done after an update.
_LEFT_OUT: Final = re.compile(r"Acquire::(?:IndexTargets|GzipIndexes|Languages|Changelogs)\b")
# apt.conf(5). The cache of package lists would take longer to build than all the rest; who calls is the only user; a
# second attempt follows after a second, a third (as is the default) would after two more.
_CONFIGURATION: Final = """\
Dir::Etc::Main "/dev/null";
Dir::Etc::Parts "/dev/null";
Dir::Etc::SourceList "{work}/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State "{work}/state";
Dir::State::status "{work}/status";
Dir::Cache "{work}/cache";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
pkgCacheFile::Generate "false";
APT::Architecture "{architecture}";
APT::Architectures {{ "{architecture}"; }};
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::GzipIndexes "false";
Acquire::Languages "none";
Acquire::Retries "1";
"""


def has_apt() -> bool:
    """Whether this machine has an apt that can be used."""
    return shutil.which("apt-get") is not None and os.access(_HELPER, os.X_OK)


def machine_mirrors() -> list[str]:
    """The mirrors that this machine's own apt is set up to use for Debian; empty for none."""
    return mirrors_in(run_here(["apt-get", "update", "--print-uris"], env={"LC_ALL": "C"}, timeout=20).stdout)


class Apt:
    """A `Fetcher`.

    Args:
        work: an empty folder.
        architecture: Debian's name of it (`amd64`).
    """

    description = "apt"

    def __init__(self, work: Path, architecture: str) -> None:
        self._work = work
        self._architecture = architecture

    def indexes(self, archives: Sequence[Archive]) -> list[Index]:
        """See `Fetcher`."""
        self._configure(archives)
        answer = self._run(["apt-get", "-q", "update"])
        lists = self._work / "state" / "lists"
        found = []
        for archive in archives:
            end = f"_dists_{archive.suite}_{COMPONENT}_binary-{self._architecture}_Packages"
            text = next((path.read_bytes() for path in lists.glob(f"*{end}")), None)
            if text is None and not any(lists.glob(f"*_dists_{archive.suite}_InRelease")):
                raise _failure(f"the index of {archive.suite} at {archive.url}", answer)
            found.append(Index(archive.url, text or b""))  # apt keeps no list that is empty
        if answer.returncode:
            raise _failure("the indexes of packages", answer)
        return found

    def packages(self, packages: Sequence[Package], folder: Path) -> None:
        """See `Fetcher`."""
        files = [(one.url, str(folder / f"{one.name}.deb"), f"SHA256:{one.sha256}") for one in packages]
        answer = self._run([str(_HELPER), "-q", "download-file", *(word for file in files for word in file)])
        errors = [
            line for line in answer.stderr.splitlines() if line.startswith("E: ") and line != "E: Download Failed"
        ]
        if answer.returncode and (not errors or any(not re.search(r"\s404\s", line) for line in errors)):
            raise _failure("packages", answer)

    def _configure(self, archives: Sequence[Archive]) -> None:
        for name in ("state/lists/partial", "cache/archives/partial"):
            (self._work / name).mkdir(parents=True)
        (self._work / "status").touch()
        keys = ",".join(map(str, keyrings()))
        options = {one: " check-valid-until=no" if one.may_expire else "" for one in archives}
        lines = [f"deb [signed-by={keys}{options[one]}] {one.url} {one.suite} {COMPONENT}\n" for one in archives]
        (self._work / "sources.list").write_text("".join(lines))
        network = run_here(["apt-config", "dump", "Acquire"], env={"LC_ALL": "C"}).stdout.splitlines(keepends=True)
        text = _CONFIGURATION.format(work=self._work, architecture=self._architecture)
        (self._work / "apt.conf").write_text("".join(line for line in network if not _LEFT_OUT.match(line)) + text)

    def _run(self, argv: Sequence[str]) -> subprocess.CompletedProcess[str]:
        environment = {"LC_ALL": "C", "APT_CONFIG": str(self._work / "apt.conf"), "TMPDIR": str(self._work)}
        return run_here(argv, env=environment, timeout=_SECONDS)


def _failure(what: str, answer: subprocess.CompletedProcess[str]) -> FetchError:
    lines = [line for line in answer.stderr.splitlines() if line.strip()] or answer.stdout.splitlines()
    shown = "".join(f"\n    {line}" for line in lines[:_SHOWN])
    return FetchError(
        f"apt could not fetch {what}. What to do: name a mirror that can be reached from here (--modssl-debian-mirror, "
        f"PYTEST_MODSSL_DEBIAN_MIRROR), and a proxy where there is one (http_proxy, or apt's own). It "
        f"said:{shown}"
    )
