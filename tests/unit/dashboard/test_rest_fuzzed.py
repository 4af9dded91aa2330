"""Calls that schemathesis makes up from the OpenAPI description: no 5xx, no status that the description lacks."""

import os

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings

from perfusio.dashboard.app import create_api
from perfusio.dashboard.runs.shelf import Shelf

N = int(os.environ.get("PERFUSIO_FUZZED_CALLS", "3"))
"""Calls of each route; the promise is tried with 200."""
ENDLESS = "/stream"


@pytest.fixture(scope="module")
def operations(site):
    described = create_api(Shelf([]), site).openapi()
    schema = schemathesis.openapi.from_dict(described).exclude(path_regex=ENDLESS)
    return [found.ok() for found in schema.get_all_operations()]


def made_up(operation):
    """Calls of one route."""
    cases = []

    @settings(max_examples=N, deadline=None, database=None, derandomize=True, suppress_health_check=[*HealthCheck])
    @given(case=operation.as_strategy())
    def collect(case):
        cases.append(case)

    collect()
    return cases


def test_made_up_calls_are_answered_as_described(operations, page):
    ada = page.client("ada")
    token = ada.post("/api/v1/tokens", json={"label": "fuzz", "role": "admin", "days": 1}).json()["secret"]
    wrong, n = [], 0
    for operation in operations:
        known = {str(status) for status in operation.definition.raw["responses"]}
        for case in made_up(operation):
            n += 1
            if "run" in case.path_parameters and n % 3:
                case.path_parameters["run"] = "run"
            answer = case.call(base_url=page.url, headers={"Authorization": f"Bearer {token}"})
            if answer.status_code >= 500 or str(answer.status_code) not in known:
                wrong.append(f"{case.method} {case.formatted_path}: {answer.status_code} {answer.text[:100]}")
    assert n >= len(operations) >= 25
    assert wrong == []
