"""Which strings of a request are ids that the provider made up, and which only look like it."""

import json

import pytest

from agentvcr.matching.canonical import canonical_body
from agentvcr.matching.rules import Applied

JSON = b"application/json"
LONG = "a1B2c3D4e5F6g7H8i9J0"
OTHER = "Z9y8X7w6V5u4T3s2R1q0"


def canonical(value, **rules):
    return canonical_body(json.dumps(value).encode(), JSON, Applied(**rules))


def filled(value, one):
    """Put an id in the place of each `$`."""
    return json.loads(json.dumps(value).replace("$", one))


PLACES = [
    pytest.param({"messages": [{"role": "tool", "tool_call_id": "$"}]}, id="OpenAI, a result"),
    pytest.param(
        {"messages": [{"role": "assistant", "tool_calls": [{"id": "$", "type": "function"}]}]},
        id="OpenAI, a call",
    ),
    pytest.param({"content": [{"type": "tool_use", "id": "$"}]}, id="Anthropic, a call"),
    pytest.param({"content": [{"type": "server_tool_use", "id": "$"}]}, id="Anthropic, its own"),
    pytest.param(
        {"content": [{"type": "tool_result", "tool_use_id": "$"}]}, id="Anthropic, a result"
    ),
    pytest.param(
        {"content": [{"type": "web_search_tool_result", "tool_use_id": "$"}]},
        id="Anthropic, a result of its own",
    ),
    pytest.param({"previous_response_id": "$", "input": []}, id="Responses, the answer before"),
    pytest.param(
        {"input": [{"type": "function_call", "id": "$", "call_id": "$"}]}, id="Responses, a call"
    ),
    pytest.param(
        {"input": [{"type": "function_call_output", "call_id": "$"}]}, id="Responses, a result"
    ),
    pytest.param({"input": [{"type": "reasoning", "id": "$"}]}, id="Responses, reasoning"),
    pytest.param({"input": [{"type": "item_reference", "id": "$"}]}, id="Responses, an item"),
    pytest.param({"contents": [{"parts": [{"functionCall": {"id": "$"}}]}]}, id="Gemini, a call"),
    pytest.param(
        {"contents": [{"parts": [{"function_response": {"id": "$"}}]}]}, id="Gemini, a result"
    ),
    pytest.param(
        {"messages": [{"content": [{"toolUse": {"toolUseId": "$"}}]}]}, id="Bedrock, a call"
    ),
    pytest.param(
        {"messages": [{"content": [{"toolResult": {"toolUseId": "$"}}]}]}, id="Bedrock, a result"
    ),
]


@pytest.mark.parametrize("body", PLACES)
def test_an_id_is_one_by_where_it_stands_whatever_it_looks_like(body):
    assert canonical(filled(body, "x1")) == canonical(filled(body, "another, with spaces"))
    assert canonical(filled(body, "x1")) != canonical(filled(body, ""))


@pytest.mark.parametrize(
    "prefix",
    ["call_", "chatcmpl-", "msg_", "resp_", "rs_", "fc_", "ctc_", "cntr_", "toolu_", "srvtoolu_"],
)
def test_an_id_of_a_known_shape_is_one_anywhere(prefix):
    assert canonical([prefix + LONG]) == canonical([prefix + OTHER])
    assert canonical({"any": {"thing": prefix + LONG}}) == canonical(
        {"any": {"thing": prefix + OTHER}}
    )


@pytest.mark.parametrize(
    "body",
    [
        {"call_id": "$"},
        {"type": "phone_call_log", "call_id": "$"},
        {"id": "$"},
        {"type": "message", "id": "$"},
        {"tool_call_id": "$"},
        {"tool_use_id": "$"},
        {"options": {"previous_response_id": "$"}},
        {"toolUseId": "$"},
        {"model": "gen-ai-model-deployment-$"},
        {"name": "call_center_operator_$"},
    ],
)
def test_elsewhere_a_word_is_a_word(body):
    assert canonical(filled(body, "1")) != canonical(filled(body, "2"))


def test_which_of_two_ids_it_is_makes_a_difference():
    def chat(first, second, answered):
        calls = [{"id": first}, {"id": second}]
        result = {"role": "tool", "tool_call_id": answered}
        return canonical({"messages": [{"role": "assistant", "tool_calls": calls}, result]})

    assert chat("a", "b", "a") == chat("x", "y", "x")
    assert chat("a", "b", "a") != chat("x", "y", "y")
    assert chat("a", "b", "a") != chat("x", "x", "x")


def test_first_appearance_does_not_depend_on_the_order_of_keys():
    one = {"b": [f"call_{LONG}"], "a": [f"call_{OTHER}", f"call_{LONG}"]}
    other = {"a": [f"call_{OTHER}", f"call_{LONG}"], "b": [f"call_{LONG}"]}
    assert canonical(one) == canonical(other)


def test_a_conversation_that_grows_keeps_the_names_of_its_ids():
    def chat(turns):
        messages = []
        for turn in range(turns):
            messages += [
                {"role": "assistant", "tool_calls": [{"id": f"c{turn}"}]},
                {"role": "tool", "tool_call_id": f"c{turn}"},
            ]
        return canonical({"messages": messages})

    assert chat(5).startswith(chat(4).removesuffix(b"]}"))


@pytest.mark.parametrize("depth", [1, 2])
def test_an_id_in_a_string_of_json_is_one_too(depth):
    def told(one):
        value = {"call": f"call_{one}", "n": 1}
        for _ in range(depth):
            value = json.dumps({"inner": value})
        return {"messages": [{"role": "tool", "tool_call_id": f"call_{one}", "content": value}]}

    assert canonical(told(LONG)) == canonical(told(OTHER))


def test_a_string_of_json_without_an_id_counts_as_it_is_written():
    assert canonical(['{"a": 1}']) != canonical(['{"a":1}'])
    assert canonical(['{"a": "msg_"}']) != canonical(['{"a":"msg_"}'])


def test_a_declared_beginning_makes_an_id_of_any_word():
    ids = {"ids": ("task-",)}
    assert canonical(["task-1", "x"], **ids) == canonical(["task-two", "x"], **ids)
    assert canonical(['{"t":"task-1"}'], **ids) == canonical(['{"t": "task-2"}'], **ids)
    assert canonical(["task-1"], **ids) != canonical(["task- 1"], **ids)
    assert canonical(["a task-1"], **ids) != canonical(["a task-2"], **ids)
    assert canonical(["task-1"]) != canonical(["task-2"])


def test_what_is_nested_too_deeply_is_not_looked_into():
    def nested(one):
        value = [f"call_{one}"]
        for _ in range(250):
            value = [value]
        return value

    assert canonical(nested(LONG)) != canonical(nested(OTHER))
