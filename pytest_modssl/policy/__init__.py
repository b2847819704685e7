"""Published policies for TLS servers, and in what a server deviates from one."""

from __future__ import annotations

from pytest_modssl.policy.deviations import AREAS, Area, Deviation, Presented, Seen, deviations
from pytest_modssl.policy.guideline import Policy, policies, policy
from pytest_modssl.policy.report import PolicyReport, look, policy_report, presented

__all__ = [
    "AREAS",
    "Area",
    "Deviation",
    "Policy",
    "PolicyReport",
    "Presented",
    "Seen",
    "deviations",
    "look",
    "policies",
    "policy",
    "policy_report",
    "presented",
]
