"""Orders of people: in one step, in order, never without a name and a reason."""

import pytest

from perfusio.errors import ConfigError
from perfusio.twin.orders import FOLDER, Order, give, waiting

WHO = {"who": "A. Smith", "why": "The pump is noisy."}


def test_orders_wait_in_the_order_in_which_they_were_given(tmp_path):
    (tmp_path / "audit.jsonl").touch()
    asked = (("mode", "manual"), ("approve", "run-1:R01:3:0"))
    orders = [Order(act=act, reactor="R01", value=value, **WHO) for act, value in asked]
    places = [give(tmp_path, order) for order in orders]
    assert waiting(tmp_path) == list(zip(places, orders, strict=True))


def test_what_is_no_order_comes_with_the_reason(tmp_path):
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "1.json").write_text('{"act": "jump", "reactor": "R01", "who": "abc", "why": "abc"}')
    (tmp_path / FOLDER / "2.json").write_text("half a li")
    (tmp_path / FOLDER / ".3.json").write_text("a draft")
    assert ["nothing that can be asked" in str(found) for _, found in waiting(tmp_path)] == [True, False]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"act": "jump"}, "nothing that can be asked of a run. Known: mode, release, approve, reject, ack"),
        ({"value": "wild"}, "'wild' is no mode. Known: manual, advisory, automatic, hold"),
        ({"act": "approve", "value": ""}, "approve: which decision"),
        ({"act": "shelve", "value": "viability:act", "hours": 90.0}, "shelved for up to 48 h, found 90 h"),
        ({"who": "X"}, "--who has 1 characters: expected 3 to 200"),
        ({"why": "y" * 201}, "--why has 201 characters"),
    ],
)
def test_impossible_orders_are_refused(changes, words):
    with pytest.raises(ConfigError, match=words):
        Order(**({"act": "mode", "reactor": "R01", "value": "manual"} | WHO | changes))


def test_a_folder_without_a_run_takes_no_orders(tmp_path):
    with pytest.raises(ConfigError, match="holds no run"):
        give(tmp_path, Order(act="reject", reactor="R01", value="k", **WHO))


def test_a_run_without_orders_has_none(tmp_path):
    assert waiting(tmp_path) == []
