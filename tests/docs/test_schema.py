"""The schema of the settings, for editors: it is that of the declared settings, and ships with the package."""

from __future__ import annotations

import json

import jsonschema
import pytest

from manual.schema import FILE, schema, text


def test_the_schema_that_ships_is_that_of_the_settings() -> None:
    assert FILE.read_text(encoding="utf-8") == text(), "run: python -m manual.schema"
    jsonschema.Draft202012Validator.check_schema(json.loads(text()))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"testpaths": ["tests"], "modssl": True, "modssl_target": ["local", "docker"], "modssl_start_timeout": 5},
        {"modssl": "true", "modssl_target": "local", "modssl_host_policy": ["*:8443 modern"], "modssl_policy": "old"},
    ],
)
def test_settings_as_documents_show_them_fit_the_schema(options: dict[str, object]) -> None:
    jsonschema.validate({"project": {}, "tool": {"pytest": {"ini_options": options}}}, schema())


@pytest.mark.parametrize(
    "options", [{"modssl_targets": ["local"]}, {"modssl": "si"}, {"modssl_target": 3}, {"modssl_policy": ["old"]}]
)
def test_a_slip_does_not(options: dict[str, object]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"project": {}, "tool": {"pytest": {"ini_options": options}}}, schema())
