"""The published schema, the check that perfusio itself makes, and what is written say the same."""

import copy
import json
from importlib.resources import files

import pytest
from jsonschema import Draft202012Validator

from perfusio.events import EVENTS, to_json
from perfusio.record.audit_logger import AuditLogger
from perfusio.record.line import Record
from perfusio.record.verification.schema import SHAPES, members, misfit, names_on_record, record_schema, strangers
from perfusio.testing import ManualClock

SCHEMA = json.loads(files("perfusio.record.verification").joinpath("audit.schema.json").read_text(encoding="utf-8"))


@pytest.fixture
def records(tmp_path, example_events):
    with AuditLogger(tmp_path / "audit.jsonl", clock=ManualClock(), run_id="run-1") as log:
        for event in example_events:
            log.append(event)
    return [json.loads(line) for line in (tmp_path / "audit.jsonl").read_bytes().splitlines()]


@pytest.fixture(scope="module")
def validator():
    Draft202012Validator.check_schema(SCHEMA)
    return Draft202012Validator(SCHEMA)


def test_the_published_file_is_what_the_types_say():
    module = "perfusio.record.verification"
    assert record_schema() == SCHEMA, f"run: python -m {module}.schema > audit.schema.json beside it"


def test_every_event_type_is_written_valid_and_comes_back_equal(records, validator, example_events):
    assert [r["event"] for r in records] == [*EVENTS]
    for record, event in zip(records, example_events, strict=True):
        assert not list(validator.iter_errors(record))
        assert misfit(record) is None
        again = Record(**record).to_event()
        assert type(again) is type(event)
        assert (again.reactor, again.turn, again.reason) == (event.reactor, event.turn, event.reason)
        assert to_json(again) == to_json(event)  # unmeasured values are None here, and None equals None


def spoilt(record):
    """Each way in which one field of a record can be wrong, by name."""
    for name in record:
        yield f"without {name}", {k: v for k, v in record.items() if k != name}
    for name, value in record.items():
        yield f"{name} of another kind", {**record, name: [value]}
    yield "extra field", {**record, "role": "operator"}
    payload = record["payload"]
    _, required = members(record["event"])
    for name in payload:
        if name in required:
            yield f"payload without {name}", {**record, "payload": {k: v for k, v in payload.items() if k != name}}
        yield f"payload {name} of another kind", {**record, "payload": {**payload, name: [[]]}}
    yield "payload with an extra field", {**record, "payload": {**payload, "surplus": 1}}
    for name in payload.keys() & {"state", "setpoints", "old"}:
        changed = copy.deepcopy(payload)
        changed[name]["cellcount"] = "3"
        yield f"{name} with a quantity that is no number", {**record, "payload": changed}
        changed = copy.deepcopy(payload)
        changed[name]["cell count"] = 3.0
        yield f"{name} with what is no name of a quantity", {**record, "payload": changed}


@pytest.mark.parametrize("event", [*EVENTS])
def test_schema_and_own_check_refuse_the_same(event, records, validator):
    record = next(r for r in records if r["event"] == event)
    for what, bad in spoilt(record):
        assert misfit(bad) is not None, what
        assert list(validator.iter_errors(bad)), what


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("v", 3, "version 3"),
        ("v", True, "whole number"),
        ("seq", 1.5, "whole number"),
        ("ts", "2026-01-05T08:00:00Z", "microseconds"),
        ("ts", "2026-01-05T08:00:00.000000Z\n", "microseconds"),
        ("run", "../../elsewhere", "run identifier"),
        ("hash", "A" * 64, "64 hexadecimal digits"),
        ("event", "RunEndedd", "name of an event"),
        ("reactor", 1, "text or null"),
    ],
)
def test_a_misfit_is_named_in_words(name, value, words, records):
    assert words in misfit({**records[1], name: value})


def test_what_is_no_object_is_no_record():
    assert misfit([]) == "is not a JSON object"


def test_a_quantity_of_another_process_fits_the_shape_and_is_a_stranger_to_the_default_one(records, validator):
    asn = {"species": [{"name": "vcd"}, {"name": "asparagine"}], "setpoints": [{"name": "asparagine"}]}
    for record in records:
        for name in record["payload"].keys() & {"state", "setpoints", "old"}:
            changed = copy.deepcopy(record["payload"])
            changed[name]["asparagine"] = 3.0
            assert misfit({**record, "payload": changed}) is None
            assert not list(validator.iter_errors({**record, "payload": changed}))
            assert strangers(record["event"], changed, names_on_record({"run": {}})) == ["asparagine"]
            found = strangers(record["event"], changed, names_on_record({"run": {"process": asn}}))
            assert "asparagine" not in found
            assert {"glucose", "bleed_rate"} & set(found)


@pytest.mark.parametrize("process", ["x", {}, {"species": {"vcd": {}}, "setpoints": []}, {"species": [3]}, [], 1])
def test_a_process_that_names_no_quantities_allows_none(process):
    assert names_on_record({"run": {"process": process}}) == {"State": frozenset(), "Setpoints": frozenset()}


def test_species_are_no_setpoints(records):
    (found,) = (r for r in records if r["event"] == "SetpointsFound")
    payload = {"found": {**found["payload"]["found"], "vcd": 3.0}}
    assert strangers("SetpointsFound", payload, names_on_record({})) == ["vcd"]


def test_states_name_their_units():
    assert SCHEMA["$defs"]["State"]["properties"]["glucose"]["description"] == "Glucose [g/L]"
    assert set(SCHEMA["$defs"]) == set(SHAPES) - {"Record"}
