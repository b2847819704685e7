"""Names of hosts for variables that nothing in a repository defines.

Images and units of systemd take the name that they serve from the environment of the deployment, which a repository
rightly does not hold. httpd leaves such a variable as it is (AH00111), and no client can ask for `${DOMAIN}`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pytest_modssl.repo.made import Substitution

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_modssl.repo.reader import Placed

# Directives whose words are names of hosts.
_NAMING: Final = frozenset({"servername", "serveralias", "mdomain", "mdomainset", "<mdomainset"})
# A variable that is still one once those that are known have been replaced, and whether more of a name follows; one
# after a colon is a port.
_UNKNOWN: Final = re.compile(r"(?<!:)\$\{(?P<name>\w+)\}(?P<more>\.)?")
_NO_LABEL: Final = re.compile(r"[^a-z0-9]+")


def assumed_names(statements: Iterable[Placed]) -> Mapping[str, tuple[str, Substitution]]:
    """Values by the name of the variable, each with what is told of it.

    A variable that is a name as a whole, or ends one, is worth a name of its own below example (RFC 2606 section 2);
    one that begins a longer name is worth a label.

    Args:
        statements: of a configuration, variables replaced as far as they are known.
    """
    found: dict[str, tuple[str, Substitution]] = {}
    for one in statements:
        if one.directive.lower() not in _NAMING:
            continue
        for match in (match for word in one.arguments for match in _UNKNOWN.finditer(word)):
            name = match["name"]
            label = _NO_LABEL.sub("-", name.lower()).strip("-") or "host"
            value = label if match["more"] else f"{label}.example"
            told = f"{value}, as nothing defines it; its own is given by --modssl-env {name}=..., or modssl_env"
            found.setdefault(name, (value, Substitution(f"${{{name}}}", told, one.origin)))
    return found
