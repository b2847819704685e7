"""Users and passwords: password files, group files, DBMs and SRP verifiers, all with one known password."""

from __future__ import annotations

import base64
import hashlib
import re
import struct
from typing import TYPE_CHECKING, Final

from pytest_modssl.errors import PkiError
from pytest_modssl.pki import srp_verifier, srp_verifier_file
from pytest_modssl.repo.making.plan import SECRET, as_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pytest_modssl.repo.making.plan import Plan
    from pytest_modssl.repo.making.scopes import Scope, Use

USER: Final = "modssl"
PASSWORD: Final = "modssl"  # noqa: S105 - told to the user, on loopback alone
# The size of a page of APR's SDBM, and what one pair may take of it (apr-util, dbm/sdbm/sdbm_private.h).
_PAGE: Final = 1024
_SDBM_OR_DEFAULT: Final = frozenset({"default", "sdbm"})
_DBM_TYPES: Final = {
    "DBM passwords": ("authdbmtype",),
    "DBM groups": ("authzdbmtype", "authdbmtype"),
    "address map": ("proxyexpressdbmtype",),
}
_MAP_TYPE: Final = re.compile(r"dbm=(\w+):")


def make_logins(plan: Plan, scopes: Sequence[Scope]) -> dict[str, str]:
    """Adds password and group files to a plan; gives the password of each user in them."""
    logins: dict[str, str] = {}
    for scope in scopes:
        for use in scope.uses:
            if use.kind in _MAKERS and not _is_there(plan, use):
                users = _users(scope)
                _MAKERS[use.kind](plan, use, users)
                logins |= dict.fromkeys(users, PASSWORD)
    return logins


def required(scope: Scope, *what: str) -> list[str]:
    """The names in `Require WHAT name ...` that concern a server, in order, each once (manual, Require)."""
    found: dict[str, None] = {}
    for one in scope.anywhere("require"):
        words = [word for word in one.words if word.lower() != "not"]
        if words and words[0].lower() in what:
            found |= dict.fromkeys(word for word in words[1:] if word and "%{" not in word)
    return list(found)


def sdbm(pairs: Mapping[bytes, bytes]) -> bytes | None:
    """The pages of an SDBM file that has one page; `None` where these do not fit (apr-util, dbm/sdbm/sdbm_pair.c).

    Numbers are in the byte order of the machine: what is made here is read here.
    """
    offsets: list[int] = []
    content = b""
    for part in (part for pair in pairs.items() for part in pair):
        content = part + content
        offsets.append(_PAGE - len(content))
    head = struct.pack(f"={len(offsets) + 1}h", len(offsets), *offsets)
    if len(head) + len(content) > _PAGE:
        return None
    return head + bytes(_PAGE - len(head) - len(content)) + content


def _users(scope: Scope) -> list[str]:
    return [*required(scope, "user"), USER]


def _groups(scope: Scope) -> list[str]:
    return required(scope, "group", "dbm-group")


def _told(users: Sequence[str]) -> str:
    return f"{', '.join(users)}, each with the password {PASSWORD}"


def _hashed() -> str:
    """As htpasswd -s does: every APR checks it, whatever the platform's crypt() can (manual, password formats)."""
    return "{SHA}" + base64.b64encode(hashlib.sha1(PASSWORD.encode(), usedforsecurity=False).digest()).decode()


def _password_file(plan: Plan, use: Use, users: Sequence[str]) -> None:
    lines = [f"{user}:{_hashed()}\n" for user in users]
    realms = list(_realms(use))
    for realm in realms:
        for user in users:
            # RFC 7616 section 3.4.2 with MD5, as htdigest writes it.
            ha1 = hashlib.md5(as_bytes(f"{user}:{realm}:{PASSWORD}"), usedforsecurity=False).hexdigest()
            lines.append(f"{user}:{realm}:{ha1}\n")
    what = f"digests for {', '.join(realms)}" if realms else "password file"
    plan.append(use, as_bytes("".join(lines)), f"{what}: {_told(users)}")


def _realms(use: Use) -> Iterator[str]:
    """The realms in which a password file serves AuthType Digest."""
    scope, sections = use.scope, use.directive.sections
    for around in (sections, None):
        types = [one for one in scope.anywhere("authtype") if around is None or one.sections == around]
        if not types:
            continue
        if any("".join(one.words[:1]).lower() == "digest" for one in types):
            names = [one for one in scope.anywhere("authname") if around is None or one.sections == around]
            yield from dict.fromkeys(one.words[0] for one in names if one.words)
        return


def _group_file(plan: Plan, use: Use, users: Sequence[str]) -> None:
    groups = _groups(use.scope) or [USER]
    content = "".join(f"{group}: {' '.join(users)}\n" for group in groups)
    plan.append(use, as_bytes(content), f"group file: {', '.join(groups)} with {', '.join(users)}")


def _dbm(plan: Plan, use: Use, users: Sequence[str]) -> None:
    # A file that has both has "password:groups" (manual, AuthDBMGroupFile).
    values = [_hashed(), ",".join(_groups(use.scope) or [USER])]
    both = {one.kind for one in use.scope.uses if one.path == use.path} >= {"DBM passwords", "DBM groups"}
    value = ":".join(values) if both else values[use.kind == "DBM groups"]
    what = f"DBM of {'groups' if use.kind == 'DBM groups' else 'passwords'}: {_told(users)}"
    add_dbm(plan, use, {as_bytes(user): as_bytes(value) for user in users}, what)


def add_dbm(plan: Plan, use: Use, pairs: Mapping[bytes, bytes], what: str) -> None:
    """Adds an SDBM to a plan; what httpd takes for another type of DBM, or may take so, is told as left out."""
    types = [one for name in _DBM_TYPES.get(use.kind, ()) for one in use.scope.anywhere(name)]
    told = {"".join(one.words[:1]).lower() for one in types}
    told |= {match[1].lower() for word in use.directive.words if (match := _MAP_TYPE.match(word))}
    pages = sdbm(pairs) if pairs else b""
    if not told <= _SDBM_OR_DEFAULT or pages is None:
        entries = f"{', '.join(sorted(told)) or 'sdbm'} with {len(pairs)} entries"
        plan.leave(use, f"a DBM of type {entries} is not written here")
        return
    for suffix, content in ((".dir", b""), (".pag", pages)):
        plan.add(use, content, what, path=use.path + suffix)
    if "sdbm" not in told:
        # Debian's APR takes Berkeley DB, in one file of that very name, which has to be there for a RewriteMap.
        if use.kind == "DBM map":
            plan.add(use, b"", what)
        plan.leave(use, "only an SDBM is, and the default type of DBM is chosen when APR is built")


def _srp(plan: Plan, use: Use, users: Sequence[str]) -> None:
    verifiers = []
    for user in dict.fromkeys(users):
        try:
            verifiers.append(srp_verifier(user, PASSWORD))
        except (PkiError, ValueError) as error:
            plan.leave(use, str(error))
    plan.add(use, srp_verifier_file(*verifiers).bytes(), f"SRP verifiers: {_told(users)}", mode=SECRET)


def _is_there(plan: Plan, use: Use) -> bool:
    paths = [use.path, f"{use.path}.pag"] if use.kind.startswith("DBM") else [use.path]
    return any(plan.holdings.file(path) is not None for path in paths)


_MAKERS: Final[dict[str, Callable[[Plan, Use, Sequence[str]], None]]] = {
    "password file": _password_file,
    "group file": _group_file,
    "DBM passwords": _dbm,
    "DBM groups": _dbm,
    "SRP verifiers": _srp,
}
