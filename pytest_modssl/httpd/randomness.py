"""What the sources of `SSLRandomSeed` really give, asked where httpd is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_modssl.httpd.installation import Installation

# A program gets the number of bytes as its argument (manual, SSLRandomSeed).
_READ = """
limit=$1 kind=$2 source=$3 bytes=$4
case $kind in
file) set -- cat "$source" ;;
exec) set -- "$source" "$bytes" ;;
esac
[ -e "$source" ] || { echo missing; exit; }
"$@" 2>/dev/null </dev/null | head -c "$limit" | wc -c
"""
_SECONDS = 1.0
# Without a number of bytes mod_ssl reads a file to its end, which /dev/urandom does not have: then httpd never gets
# ready (measured on httpd 2.4.71). What is longer than this has no end, for all that anybody would wait.
_ENDLESS = 1 << 20
_TIMED_OUT = 124


@dataclass(frozen=True, slots=True)
class RandomSource:
    """A source of `SSLRandomSeed`, and what is wrong with it.

    Attributes:
        source: "file:/dev/urandom 512", as configured.
        wanted: what it should give.
        fault: what it gives instead; empty where nothing is wrong.
        blocks: whether who reads it waits, for more than a second or for ever.
    """

    source: str
    wanted: str
    fault: str
    blocks: bool


def random_source(installation: Installation, words: Sequence[str], *, root: str) -> RandomSource | None:
    """What the source of one `SSLRandomSeed` gives; `None` for `builtin`, which needs nothing.

    Args:
        installation: runs commands where httpd is.
        words: the arguments of the directive: "startup", "file:/dev/urandom", "512".
        root: ServerRoot, from which relative paths count.
    """
    kind, colon, path = words[1].partition(":")
    if not colon:
        kind, path = "file", words[1]
    if words[1] == "builtin" or kind not in ("file", "exec"):
        return None
    source, bytes_ = str(PurePosixPath(root, path)), words[2] if len(words) > 2 else ""
    limit = int(bytes_) if bytes_ else _ENDLESS
    ran = installation.run(["sh", "-c", _READ, "read", str(limit), kind, source, bytes_], timeout=_SECONDS)
    said = ran.stdout.strip()
    endless = not bytes_ and said == str(_ENDLESS)
    if ran.returncode == _TIMED_OUT:
        fault = f"nothing within {_SECONDS:g} s"
    elif said == "missing":
        fault = "nothing: it does not exist, or is not to be seen"
    elif endless:
        fault = "no end: without a number of bytes httpd reads on for ever"
    else:
        fault = "nothing" if said == "0" else ""
    wanted = f"{bytes_} bytes" if bytes_ else "some bytes, and an end"
    return RandomSource(" ".join(words[1:]), wanted, fault, blocks=endless or ran.returncode == _TIMED_OUT)
