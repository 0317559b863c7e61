"""Whose answer is lent to a request that was not recorded."""

import json

import pytest
from msgspec.structs import replace

from agentvcr.model.exchange import Kept
from agentvcr.replaying.lending import Lender
from tests.unit import build

CHAT = "https://api.openai.com/v1/chat/completions"


def numbered(number, request, lane="main"):
    return replace(build.exchange(request, None, lane=lane), number=number)


def asked(number, *messages, lane="main", model="m", url=CHAT, system=""):
    told = [{"role": "system", "content": system}] if system else []
    told += [{"role": "user", "content": one} for one in messages]
    request = build.request(url=url, body={"model": model, "messages": told})
    return numbered(number, request, lane)


def lender(*exchanges, used=(), **options):
    kept = Kept(exchanges)
    unused = dict.fromkeys(one.number for one in exchanges if one.number not in used)
    return Lender(kept, kept.list_keys(), unused, **options)


def lent(made, *messages, lane="main", **details):
    found = made.lend(lane, asked(0, *messages, **details).request)
    return found and found.number


@pytest.mark.parametrize(
    ("lane", "details"),
    [
        ("other", {}),
        ("main", {"url": "https://api.openai.com/v2/chat/completions"}),
        ("main", {"url": "https://api.else.com/v1/chat/completions"}),
    ],
)
def test_nothing_is_lent_to_another_lane_path_or_host(lane, details):
    assert (
        lent(lender(asked(1, "What is the time?")), "What is the date?", **details, lane=lane)
        is None
    )


LONG = "The street lies in the shade of its trees, and nobody minds. " * 35
WRITER, CRITIC = "You write our street's newsletter.", "You are the critic. Say what is wrong."


def test_an_agents_own_answer_is_nearer_than_another_agents_however_long_what_it_quotes_was():
    made = lender(
        asked(1, "An article on trees.", system=WRITER),
        asked(2, f"The draft: {LONG}", system=CRITIC),
        asked(3, f"Draft and verdict: {LONG}", system="You are the editor. Decide."),
        used=(1,),
    )
    assert lent(made, "The draft: No.", system=CRITIC) == 2
    assert lent(made, "Draft and verdict: No.", system="You are the editor. Decide.") == 3


@pytest.mark.parametrize(
    ("draft", "system", "text"),
    [
        ("Trees.", f"You are the critic. {LONG[:600]}", "The draft: Trees."),
        (LONG, CRITIC, f"The draft: {LONG[:80]}"),
        (LONG, CRITIC, f"{LONG[1000:]} and: {LONG[:1000]}"),
    ],
    ids=["grown prompt", "cut draft", "other order"],
)
def test_one_long_value_that_is_another_does_not_hide_the_counterpart(draft, system, text):
    made = lender(asked(1, f"The draft: {draft}", system=CRITIC))
    assert lent(made, text, system=system) == 1


def test_what_shares_no_long_text_is_not_alike():
    assert lent(lender(asked(1, LONG, system=CRITIC)), "Sum up: " * 30, system="Be " * 20) is None


def test_a_used_one_is_lent_where_it_is_clearly_more_alike_than_what_is_left():
    other = asked(2, "Something else is asked here, and at some length.", system="You decide.")
    near = asked(1, "Name a tree for our street.", system=WRITER)
    assert lent(lender(near, other, used=(1,)), "Name one tree for it.", system=WRITER) == 1
    assert lent(lender(near, other, used=(1,)), "Name it, at some length.", system="Or you.") == 2


def test_another_model_is_lent_where_nearly_all_else_is_the_same():
    one, other = asked(1, LONG, system=CRITIC), asked(2, "Plan it.", system=WRITER, model="n")
    made = lender(one, other)
    assert lent(made, LONG, system=CRITIC, model="n") == 1
    assert lent(made, "Plan it all.", system=WRITER, model="m") == 2
    assert lent(made, "Sum it up.", system=CRITIC, model="o") is None


def test_the_same_model_is_nearer_than_another():
    made = lender(asked(1, "What is the time?", model="n"), asked(2, "What is the date, then?"))
    assert lent(made, "What is the time now?") == 2


def test_a_model_that_the_path_names_may_be_another_too():
    url = "https://generativelanguage.googleapis.com/v1beta/models/{}:generateContent"
    body = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
    one, two = (build.request(url=url.format(f"gemini-2.{n}"), body=body) for n in (0, 5))
    assert lender(numbered(1, one)).lend("main", two).number == 1


def test_a_stranger_without_a_lane_of_the_recording_may_be_lent_anything():
    assert lent(lender(asked(1, "What?"), any_lane=True), "What now?", lane="other") == 1


def test_of_equally_alike_ones_the_next_that_has_answered_nobody_is_lent():
    made = lender(*(asked(number, "Go on.") for number in (1, 2, 3)))
    assert [lent(made, "Go on, then.") for _ in range(4)] == [1, 2, 3, 1]


def test_a_conversation_with_an_edited_beginning_finds_its_own_counterparts():
    turns = ["Be kind and brief.", *(f"Turn {number}: tell me about it" for number in range(6))]
    made = lender(*(asked(number, *turns[: number + 1]) for number in range(1, 6)))
    edited = ["Be kind, brief and a little bit funny.", *turns[1:]]
    for number in (2, 1, 5, 3, 4):
        assert lent(made, *edited[: number + 1]) == number


def test_a_long_lane_whose_every_step_is_edited_keeps_its_pairs():
    made = lender(*(asked(n, "Be kind.", f"Chapter {n} of the tale") for n in range(1, 501)))
    told = [lent(made, "Be rude.", f"Chapter {n} of the tale") for n in range(1, 501)]
    assert told == list(range(1, 501))


def test_two_edits_far_apart_do_not_hide_the_counterpart():
    long = [f"Turn {number}: " + "word " * 40 for number in range(8)]
    made = lender(asked(1, "Kind.", *long, "It is Monday."), asked(2, "Short and other."))
    assert lent(made, "Unkind!", *long, "It was on a Tuesday.") == 1


def test_one_that_is_left_out_is_not_lent_to_those_behind_it():
    made = lender(
        *(asked(n, "Be kind.", f"Chapter {n} of the tale of {n * 111}") for n in (1, 2, 3))
    )
    assert [lent(made, "Be rude.", f"Chapter {n} of the tale of {n * 111}") for n in (1, 3)] == [
        1,
        3,
    ]


def test_what_answered_already_is_lent_only_where_nothing_is_left():
    made = lender(asked(1, "Tell me."), asked(2, "Tell me more."), used=(1,))
    assert lent(made, "Tell me!") == 2
    assert lent(lender(asked(1, "Tell me."), used=(1,)), "Tell me!") == 1


def test_who_waits_for_another_answer_waits_in_vain():
    made = lender(asked(1, "Are we there?"))
    told = [lent(made, "Are we there yet?") for _ in range(12)]
    assert told == [1] * 10 + [None] * 2
    same = asked(2, "Are we there?")
    again = lender(same, used=(2,))
    assert [bool(again.lend("main", same.request, same)) for _ in range(12)] == [True] * 10 + [
        False
    ] * 2


def test_calls_of_one_function_are_alike_whatever_they_are_given():
    request = build.request(
        method="CALL", url="tool:look", body=json.dumps({"x": "a" * 50}).encode()
    )
    made = lender(numbered(1, request))
    other = build.request(method="CALL", url="tool:look", body=json.dumps({"x": "zz"}).encode())
    assert made.lend("main", other).number == 1
    strange = build.request(method="CALL", url="tool:listen", body=json.dumps({"x": "zz"}).encode())
    assert made.lend("main", strange) is None


def test_a_query_counts_for_the_likeness():
    pages = [build.request(method="GET", url=f"https://a.example/page?of=book&n={n}") for n in "ab"]
    made = lender(*(numbered(n, one) for n, one in enumerate(pages, 1)))
    wanted = build.request(method="GET", url="https://a.example/page?of=books&n=b")
    assert made.lend("main", wanted).number == 2
