"""What is checked of a repository's configuration: each virtual host from outside, its start, its files."""

from __future__ import annotations

from pytest_modssl.repo.checks.check import Check, Visit
from pytest_modssl.repo.checks.hosts import Hosts
from pytest_modssl.repo.checks.observed import Observed
from pytest_modssl.repo.checks.options import Options
from pytest_modssl.repo.checks.secrets import secrets
from pytest_modssl.repo.checks.start import starts
from pytest_modssl.repo.checks.table import CHECKS

__all__ = ["CHECKS", "Check", "Hosts", "Observed", "Options", "Visit", "secrets", "starts"]
