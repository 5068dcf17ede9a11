"""The life of each order, against a plain loop."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from openoutcry.replay.flow import MESSAGE, Action, Messages
from openoutcry.replay.lives import NO_ENTRY, NO_ORDER, add_again, trace

DELETED = -1000
"""Below anything that taking quantities off can leave."""

ROWS = st.lists(
    st.tuples(st.sampled_from(list(Action)), st.integers(1, 4), st.integers(0, 1), st.integers(1, 9)), max_size=40
)


def messages_of(rows: list[tuple[Action, int, int, int]]) -> Messages:
    """Build messages from action, order, pair and quantity."""
    messages = np.zeros(len(rows), dtype=MESSAGE)
    for message, (action, order, pair, lots) in zip(messages, rows, strict=True):
        message["action"], message["order_id"], message["pair"], message["qty_lots"] = action, order, pair, lots
    return messages


@given(ROWS)
def test_entry_and_leaves_are_those_of_a_plain_loop(rows: list[tuple[Action, int, int, int]]) -> None:
    """Two pairs, four order ids, every action; ids are used again at will, messages come before any entry."""
    lives = trace(messages_of(rows))
    entries: dict[tuple[int, int], int] = {}
    leaves: dict[tuple[int, int], int] = {}
    for index, (action, order, pair, lots) in enumerate(rows):
        key = (pair, order)
        if action in (Action.TRADE, Action.AUCTION):
            expected = (NO_ORDER, 0, 0)
        elif action == Action.ADD:
            entries[key], leaves[key] = index, lots
            expected = (index, 0, lots)
        elif key not in entries:
            expected = (NO_ENTRY, 0, 0)
        else:
            before = leaves[key]
            gone = before == DELETED
            after = DELETED if gone or action == Action.DELETE else before - lots
            leaves[key] = after
            expected = (entries[key], 0 if gone else before, 0 if after == DELETED else after)
        assert (lives.entry[index], lives.before_lots[index], lives.after_lots[index]) == expected


def test_an_id_may_be_used_again_only_when_its_order_is_gone() -> None:
    """Added, filled whole, added again, added while live."""
    rows = [
        (Action.ADD, 7, 0, 5),
        (Action.FILL, 7, 0, 5),
        (Action.ADD, 7, 0, 3),
        (Action.ADD, 7, 0, 3),
        (Action.ADD, 7, 1, 3),
    ]
    assert add_again(messages_of(rows)).tolist() == [False, False, False, True, False]
