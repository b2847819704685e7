"""httpd, OpenSSL and what they need of a Debian suite, unpacked and run by the suite's own loader, as any user."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from pytest_modssl.errors import FetchError
from pytest_modssl.httpds import store
from pytest_modssl.httpds.apt import Apt, has_apt, machine_mirrors
from pytest_modssl.httpds.archives import archives_of
from pytest_modssl.httpds.deb import unpack
from pytest_modssl.httpds.packages import closure
from pytest_modssl.httpds.suites import SUITES
from pytest_modssl.progress import Step, looking

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_modssl.httpds.archives import Archive, Fetcher
    from pytest_modssl.httpds.packages import Package
    from pytest_modssl.progress import Say

# The program `openssl` comes with the configuration of the library, /etc/ssl/openssl.cnf.
_ROOTS: Final = ("apache2-bin", "openssl")
# Not needed to run httpd: apxs and split-logfile are in perl, debconf asks at installation, the types of files are not
# looked up in /etc/mime.types.
_WITHOUT: Final = frozenset({"perl", "debconf", "debconf-2.0", "media-types", "mime-support"})
_SUFFIX: Final = ".deb"
# How often what a mirror lists and does not have is replaced: a version may itself need another one.
_ROUNDS: Final = 5


@dataclass(frozen=True, slots=True)
class Machine:
    """What Debian calls a processor, and how its loader is called (ABI supplements of each)."""

    architecture: str
    triplet: str
    loader: str


_MACHINES: Final = {
    "x86_64": Machine("amd64", "x86_64-linux-gnu", "ld-linux-x86-64.so.2"),
    "aarch64": Machine("arm64", "aarch64-linux-gnu", "ld-linux-aarch64.so.1"),
}


def why_not_here() -> str | None:
    """Why Debian's programs cannot be run on this machine; `None` where they can."""
    name, machine = platform.system(), platform.machine()
    if name != "Linux" or machine not in _MACHINES:
        return f"this is {name} on {machine}, and Debian's httpd is run on Linux on {' or '.join(_MACHINES)} only"
    try:
        glibc = os.confstr("CS_GNU_LIBC_VERSION")  # confstr(3): glibc alone knows it
    except (ValueError, OSError):
        glibc = None
    return None if glibc else "this Linux has another C library than glibc, on which it has not been seen to run"


def get(
    suite: str,
    *,
    say: Say,
    offline: bool = False,
    again: bool = False,
    mirrors: Sequence[str] = (),
    unsigned: bool = False,
) -> store.KeptHttpd:
    """The httpd of a suite, fetched when it is not there.

    Args:
        suite: one of `SUITES`.
        say: told of each step that takes time; of nothing where it is there.
        offline: nothing may be fetched.
        again: fetch it also when it is there.
        mirrors: addresses of the main and the security archive; none for the machine's own, else Debian's.
        unsigned: where there is no apt, trust HTTPS when nothing can check Debian's signature.

    Raises:
        FetchError: when it cannot be had: what was tried, what came back, what to do.
        WaitTimeoutError: when another process that fetches it does not end.
    """
    if suite not in SUITES:
        raise FetchError(f"there is no suite {suite!r} of Debian to be had; known are {', '.join(SUITES)}")
    because = why_not_here()
    if because is not None:
        raise FetchError(
            f"debian:{suite} cannot be had: {because}. What to do: install httpd (target local), or take a container "
            "(target docker)."
        )
    make = partial(_make, suite, mirrors=tuple(mirrors), unsigned=unsigned, say=say)
    return store.get("debian", suite, make, say=say, offline=offline, again=again)


def _make(suite: str, folder: Path, *, mirrors: Sequence[str], unsigned: bool, say: Say) -> store.Made:
    machine = _MACHINES[platform.machine()]
    work = folder / "fetched"
    work.mkdir()
    fetcher, mirrors = _fetcher(work, machine, mirrors, unsigned=unsigned)
    archives = archives_of(suite, mirrors)
    left = [*(folder / store.LEFT).glob(f"*/{work.name}/*{_SUFFIX}")]
    packages = _fetch(fetcher, archives, work, say, left=left)
    _unpack(packages, work, folder, machine, say)
    shutil.rmtree(work)
    return store.Made(layout=_layout(folder, machine), parts={one.name: one.version for one in packages})


def _fetcher(work: Path, machine: Machine, mirrors: Sequence[str], *, unsigned: bool) -> tuple[Fetcher, Sequence[str]]:
    if has_apt():
        return Apt(work, machine.architecture), mirrors or machine_mirrors()
    from pytest_modssl.httpds.mirror import Mirror  # noqa: PLC0415 - loads requests

    return Mirror(work, machine.architecture, unsigned=unsigned), mirrors


def _fetch(
    fetcher: Fetcher, archives: Sequence[Archive], folder: Path, say: Say, *, left: Sequence[Path]
) -> list[Package]:
    """The packages, each in the folder as `NAME.deb`; `left` are files of a fetch that was killed."""
    suite, url = archives[0].suite, archives[0].url
    say(Step(f"fetching the index of Debian {suite} from {url}, by {fetcher.description}"))
    indexes = fetcher.indexes(archives)
    lacking: list[Package] = []
    for _ in range(_ROUNDS):
        packages = closure(indexes, _ROOTS, without=_WITHOUT, lacking=lacking)
        for file in left:
            if any(f"{one.name}{_SUFFIX}" == file.name and _is_there(one, file.parent) for one in packages):
                file.replace(folder / file.name)
        wanted = [one for one in packages if not _is_there(one, folder)]
        rest = "" if len(wanted) == len(packages) else f" of {len(packages)}, the others are there already"
        size = sum(one.size for one in wanted) / 1e6
        what = f"fetching httpd of Debian {suite}: {len(wanted)} packages{rest}"
        files = [folder / f"{one.name}{_SUFFIX}" for one in wanted]
        if wanted:
            with looking(say, partial(_fetched, what, files, size)):
                fetcher.packages(wanted, folder)
        missing = [one for one in wanted if not _is_there(one, folder)]
        if not missing:
            return packages
        lacking += missing
        names = ", ".join(f"{one.name} {one.version}" for one in missing)
        say(f"the archive lists and does not have {names}: taking earlier ones")
    raise FetchError(
        f"{url} lists packages that it does not have, the last of them {names}. What to do: name another mirror "
        "(--modssl-debian-mirror)."
    )


def _is_there(package: Package, folder: Path) -> bool:
    file = folder / f"{package.name}{_SUFFIX}"
    return file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == package.sha256


def _fetched(what: str, files: Sequence[Path], total: float) -> Step:
    """How far a fetch of files is that have so many MB in all."""
    size = 0
    for file in files:
        with contextlib.suppress(OSError):
            size += file.stat().st_size
    return Step(what, size / 1e6, total, "MB")


def _unpack(packages: Sequence[Package], work: Path, folder: Path, machine: Machine, say: Say) -> None:
    kept = (
        f"usr/lib/{machine.triplet}/",
        "usr/lib/apache2/modules/",
        "usr/sbin/apache2",
        "usr/bin/openssl",
        "etc/ssl/openssl.cnf",
    )

    def one(package: Package) -> None:
        unpack((work / f"{package.name}{_SUFFIX}").read_bytes(), folder, wanted=lambda path: path.startswith(kept))

    # Most of the time goes into decompression, which lets other threads run.
    with ThreadPoolExecutor() as pool:
        say(Step("unpacking packages", 0, len(packages)))
        for done, _ in enumerate(pool.map(one, packages), 1):
            say(Step("unpacking packages", done, len(packages)))


def _layout(folder: Path, machine: Machine) -> store.Layout:
    """How it is run, with nothing of the machine's own where the library would otherwise look."""
    libraries = f"usr/lib/{machine.triplet}"
    engines = next((one.name for one in (folder / libraries).glob("engines-*")), "engines")
    variables = {
        "OPENSSL_CONF": "etc/ssl/openssl.cnf",  # openssl-env(7)
        "OPENSSL_MODULES": f"{libraries}/ossl-modules",
        "OPENSSL_ENGINES": f"{libraries}/{engines}",
        "GCONV_PATH": f"{libraries}/gconv",  # iconv(1): modules go with their C library
    }
    return store.Layout(
        binary="usr/sbin/apache2",
        loader=f"{libraries}/{machine.loader}",
        library_path=(libraries,),
        # glibc loads it when a thread ends (pthread_exit), and aborts when it cannot: the children of an httpd that
        # root started may not be able to enter root's cache.
        preload=("libgcc_s.so.1",),
        variables={name: path for name, path in variables.items() if (folder / path).exists()},
    )
