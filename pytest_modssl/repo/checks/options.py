"""What a user may say of the checks."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_modssl.policy import policy

if TYPE_CHECKING:
    from pytest_modssl.policy import Policy
    from pytest_modssl.repo.hosts import RepoHost


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How strict the checks are.

    Attributes:
        policy: name of the policy that hosts are held against.
        host_policies: pairs of a pattern of hosts and the name of another policy for them; of several that fit the last
            counts.
        allowed_warnings: AH numbers and pieces of text of warnings that httpd may give when it starts.
    """

    policy: str = "intermediate"
    host_policies: tuple[tuple[str, str], ...] = ()
    allowed_warnings: tuple[str, ...] = ()

    def policy_of(self, host: RepoHost) -> Policy:
        """The policy that a host is held against.

        Raises:
            PolicyError: when there is none of that name.
        """
        named = [name for pattern, name in self.host_policies if fits(pattern, host)]
        return policy(named[-1] if named else self.policy)


def fits(pattern: str, host: RepoHost) -> bool:
    """Whether a pattern stands for a host: `shop.example:443`, `*.example:443`, or a name for all of its ports."""
    wanted = pattern.lower()
    return any(fnmatch.fnmatchcase(one, wanted) for one in (f"{host.name}:{host.port}".lower(), host.name.lower()))
