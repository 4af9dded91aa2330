"""Orders of people: in one step, in order, never without a name and a reason; whatever else lies there costs no run."""

import json
import os
from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfusio.errors import ConfigError
from perfusio.twin.operators.orders import Order, give, refuse, waiting
from perfusio.twin.state.order_folder import FOLDER, REFUSED

WHO = {"who": "AS", "why": "The pump is noisy."}
GOOD = {"act": "mode", "reactor": "R01", "value": "manual"} | WHO


@pytest.fixture
def orders(tmp_path):
    (tmp_path / "audit.jsonl").touch()
    (tmp_path / FOLDER).mkdir()
    return tmp_path / FOLDER


def test_orders_wait_in_the_order_in_which_they_were_given(orders):
    asked = (("mode", "manual"), ("approve", "run-1:R01:3:0"))
    wanted = [Order(act=act, reactor="R01", value=value, **WHO) for act, value in asked]
    names = [give(orders.parent, order) for order in wanted]
    found = waiting(orders.parent)
    assert [(one.id, one.order, one.problem) for one in found] == [
        (n, o, "") for n, o in zip(names, wanted, strict=True)
    ]


def test_the_same_file_given_again_is_another_order(orders):
    place = orders / "mine.json"
    place.write_text(json.dumps(GOOD))
    (first,) = waiting(orders.parent)
    place.unlink()
    place.write_text(json.dumps(GOOD))
    os.utime(place, ns=(1, 1))
    (second,) = waiting(orders.parent)
    assert first.order == second.order
    assert first.id != second.id


def folder(place):
    place.mkdir()


def pipe(place):
    os.mkfifo(place)


def link(place):
    place.symlink_to("/dev/zero")


def dangling(place):
    place.symlink_to("nowhere")


def text(content):
    return lambda place: place.write_bytes(content if isinstance(content, bytes) else content.encode())


def changed(**values):
    return text(json.dumps(GOOD | values))


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (folder, "no regular file"),
        (pipe, "no regular file"),
        (link, "is a link"),
        (dangling, "is a link"),
        (text("half a li"), "JSONDecodeError"),
        (text(b"\xff\xfe\x00"), "UnicodeDecodeError"),
        (text(""), "JSONDecodeError"),
        (text("x" * 100_000), "more than 64 KiB"),
        (text("[" * 60_000), "RecursionError"),
        (text("[1, 2]"), "Found list, expected"),
        (text("null"), "Found NoneType"),
        (text("{}"), "lacks act, reactor, who, why"),
        (changed(pump=1), "It has 'pump'"),
        (changed(reactor=5), "reactor = 5: expected a text"),
        (changed(who=["A", "B"]), "who = ['A', 'B']: expected a text"),
        (changed(act="jump"), "'jump' is nothing that can be asked of a run"),
        (changed(value={}), "value = {}: expected a text"),
        (changed(act="shelve", value="a:act", hours=float("nan")), "found nan h"),
        (changed(hours=True), "hours = True"),
        (changed(act="shelve", value="a:act", hours=10**3000), "shelved for up to 48 h"),
        (changed(hours="8"), "hours = '8'"),
        (changed(act="accept", value="1e999"), "which sample"),
        (changed(act="accept", value="nan"), "which sample"),
        (changed(who="\ud800\ud800"), "--who is '\\ud800\\ud800': expected one line"),
        (changed(why="a\nb\x1b[2J"), "--why is"),
        (changed(why="y" * 1_000), "--why has 1000 characters"),
        (changed(reactor="R" * 400), "reactor has 400 characters"),
        (changed(who=" " * 50_000 + "AS"), "--who has 2 characters"),
        (changed(who="\u202eAS"), "--who is"),
    ],
)
def test_what_is_no_order_says_why_and_is_taken_aside(orders, made, words):
    made(orders / "1.json")
    (found,) = waiting(orders.parent)
    assert found.order is None
    assert words in found.problem
    assert found.problem.isprintable()
    refuse(found)
    assert waiting(orders.parent) == []
    (aside, reason) = sorted((orders / REFUSED).iterdir())
    assert reason.name == f"{aside.name}.why.txt"
    assert words in reason.read_text()


def test_other_files_in_the_folder_are_no_orders_and_drafts_are_left_alone(orders):
    (orders / "readme.txt").write_text("Put orders here.")
    (orders / ".3.json").write_text("a draft")
    (orders / b"\xff.json".decode("utf-8", "surrogateescape")).write_text(json.dumps(GOOD))
    found = waiting(orders.parent)
    assert [one.problem for one in found] == ["Expected a JSON file, NAME.json.", ""]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"act": "jump"}, "nothing that can be asked of a run. Known: mode, release, approve, reject, ack"),
        ({"value": "wild"}, "'wild' is no mode. Known: manual, advisory, automatic, hold"),
        ({"act": "approve", "value": ""}, "approve: which decision"),
        ({"act": "shelve", "value": "viability:act", "hours": 90.0}, "shelved for up to 48 h, found 90.0 h"),
        ({"who": "X"}, "--who has 1 characters: expected 2 to 200"),
        ({"why": "no"}, "--why has 2 characters: expected 3 to 200"),
        ({"why": "y" * 201}, "--why has 201 characters"),
    ],
)
def test_impossible_orders_are_refused(changes, words):
    with pytest.raises(ConfigError, match=words):
        Order(**(GOOD | changes))


def test_initials_and_names_of_any_script_are_people():
    for who in ("AS", "J. Ü. Çelik", "علی\u200cرضا", "王芳", "Анна"):
        assert Order(**(GOOD | {"who": who})).who == who


def test_a_folder_without_a_run_takes_no_orders_and_a_file_in_its_place_is_said(tmp_path):
    with pytest.raises(ConfigError, match="holds no run"):
        give(tmp_path, Order(**GOOD))
    (tmp_path / "audit.jsonl").touch()
    (tmp_path / FOLDER).touch()
    with pytest.raises(ConfigError, match="takes no orders: File exists"):
        give(tmp_path, Order(**GOOD))
    assert waiting(tmp_path) == []


def test_a_run_without_orders_has_none(tmp_path):
    assert waiting(tmp_path) == []


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["R01", "manual", "mode", "accept"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.sampled_from(sorted(GOOD)), inner, max_size=4)
    ),
    max_leaves=8,
)
FIELDS = st.fixed_dictionaries({}, optional=dict.fromkeys((*GOOD, "hours", "extra"), JSON))


@settings(max_examples=int(os.environ.get("PERFUSIO_ORDERS", "100")), deadline=None)
@given(
    content=FIELDS.map(lambda d: json.dumps(GOOD | d).encode())
    | JSON.map(lambda d: json.dumps(d).encode())
    | st.binary()
)
def test_whatever_a_file_holds_it_is_an_order_that_can_go_on_record_or_none(tmp_path_factory, content):
    from perfusio.events import OperatorActed
    from perfusio.record.verification.schema import unfit

    folder = tmp_path_factory.mktemp("run") / FOLDER
    folder.mkdir()
    (folder / "1.json").write_bytes(content)
    (found,) = waiting(folder.parent)
    assert (found.order is None) == bool(found.problem)
    said = asdict(found.order) if found.order else {"act": "x", "who": "x", "why": found.problem, "reactor": ""}
    event = OperatorActed(reactor=said["reactor"], act=said["act"], who=said["who"], reason=said["why"])
    assert unfit(event) is None
