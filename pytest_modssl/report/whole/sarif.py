"""A report as SARIF 2.1.0 (OASIS standard, 2020), which services of code review show at the user's lines."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pytest_modssl import __version__

if TYPE_CHECKING:
    from pytest_modssl.report.whole.value.failure import Failure, Problem
    from pytest_modssl.report.whole.value.place import Line
    from pytest_modssl.report.whole.value.run import Report, Test

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_UNEXPLAINED = "test-failed"
_ROOT = "ROOT"
_LEVELS = {"certain": "error", "likely": "error", "possible": "warning"}


def as_sarif(report: Report) -> str:
    """The report as the text of a SARIF file: a result for each diagnosis, or failure without one."""
    rules: dict[str, dict[str, Any]] = {}
    results = [
        _result(test, failure, problem, rules)
        for test in report.tests
        for failure in test.failures
        for problem in failure.problems or (None,)
    ]
    run = {
        "tool": {"driver": {"name": "pytest-modssl", "version": __version__, "rules": list(rules.values())}},
        "originalUriBaseIds": {_ROOT: {"uri": f"{Path(report.root).as_uri()}/"}},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1, ensure_ascii=False) + "\n"


def _result(test: Test, failure: Failure, problem: Problem | None, rules: dict[str, dict[str, Any]]) -> dict[str, Any]:
    rule = _UNEXPLAINED if problem is None else problem.id
    if rule not in rules:
        rules[rule] = _rule(rule, problem)
    places = places_of(failure, problem, test.place)
    result: dict[str, Any] = {
        "ruleId": rule,
        "ruleIndex": list(rules).index(rule),
        "level": "error" if problem is None else _LEVELS[problem.certainty],
        "message": {"text": told(test.id, failure, problem)},
        "partialFingerprints": {"test/v1": hashlib.sha256(f"{test.id} {rule}".encode()).hexdigest()},
    }
    if places:
        result["locations"] = [_location(places[0])]
        result["relatedLocations"] = [{"id": at, **_location(one)} for at, one in enumerate(places[1:], 1)]
    return result


def told(test: str, failure: Failure, problem: Problem | None) -> str:
    """What is wrong, and what to do, in lines; and which test says so."""
    text = "" if problem is None else f"{problem.cause}. To do: {problem.remedy}\n"
    differences = "".join(f"\n{one.what}: expected {one.expected}, seen {one.seen}" for one in failure.differences)
    return f"{text}{test}: {failure.headline}{differences}"


def places_of(failure: Failure, problem: Problem | None, test: Line | None) -> list[Line]:
    """The lines that a failure is about, the one to blame first: the directive, the call, the test."""
    own = None if problem is None else problem.place
    return [one for one in dict.fromkeys((own, failure.place, test)) if one is not None]


def _rule(rule: str, problem: Problem | None) -> dict[str, Any]:
    if problem is None:
        return {"id": rule, "shortDescription": {"text": "A test failed, and no diagnosis applies"}}
    links = next(iter(problem.links), None)
    return {
        "id": rule,
        "shortDescription": {"text": problem.question},
        **({"helpUri": links} if links else {}),
    }


def _location(line: Line) -> dict[str, Any]:
    absolute = line.file.startswith("/")
    place = {"uri": Path(line.file).as_uri()} if absolute else {"uri": quote(line.file), "uriBaseId": _ROOT}
    return {"physicalLocation": {"artifactLocation": place, "region": {"startLine": line.line}}}
