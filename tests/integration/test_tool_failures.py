"""What a tool raises comes back as what it was; how it is cancelled; and what is no tool."""

import asyncio
import json
import sys
from concurrent.futures import CancelledError, Future

import httpx
import pydantic
import pytest

import agentvcr
from tests.programs import tool_calls


@pytest.fixture(autouse=True)
def _own_state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)


def twice(work):
    """Record `work` and replay it; gives both results and the replay."""
    with agentvcr.record("x.avcr"):
        told = work()
    with agentvcr.replay("x.avcr") as session:
        again = work()
    return told, again, session


# --- exceptions -----------------------------------------------------------------------------------


class OddError(Exception):
    """Wants other arguments than those that it keeps."""

    def __init__(self, name, *, code):
        super().__init__(f"{name}: {code}")
        self.code = code
        self.name = name


class Model(pydantic.BaseModel):
    number: int


def not_found():
    httpx.Response(404, request=httpx.Request("GET", "http://a.example/x")).raise_for_status()


def chained():
    try:
        Model.absent  # noqa: B018  (it fails)
    except AttributeError as error:
        raise ValueError("outer") from error


def noted():
    error = ValueError("noted")
    error.add_note("a note")
    raise error


def partly():
    error = ValueError("partly")
    error.code, error.handle = 5, object()
    raise error


def raising(error):
    def fail():
        raise error

    return fail


KINDS = {
    "builtin": lambda: int("x"),
    "key": lambda: {}["a"],
    "file": lambda: open("/nowhere/at/all"),  # noqa: PTH123, SIM115  (it fails)
    "json": lambda: json.loads("{"),
    "bytes": b"\xff".decode,
    "syntax": lambda: compile("a b", "file", "exec"),
    "module": lambda: __import__("nowhere_at_all"),
    "attribute": lambda: None.absent,
    "tuple": raising(ValueError((1, 2), b"x")),
    "stop": raising(StopIteration(5)),
    "exit": raising(SystemExit(3)),
    "interrupt": raising(KeyboardInterrupt()),
    "timeout": raising(TimeoutError()),
    "odd": lambda: (_ for _ in ()).throw(OddError("x", code=5)),
    "group": raising(ExceptionGroup("two", [ValueError(1), OddError("y", code=2)])),
    "httpx": not_found,
    "pydantic": lambda: Model(number="x"),
    "chained": chained,
    "noted": noted,
    "partly": partly,
}
LOOKED_AT = "code errno strerror filename lineno value number a returncode __notes__".split()  # noqa: SIM905


@agentvcr.tool
def fail(kind: str):
    return KINDS[kind]()


def seen(error):
    """Give what a program sees of an exception."""
    if error is None:
        return None
    own = {name: getattr(error, name, None) for name in LOOKED_AT}
    return type(error), str(error), repr(error.args), own, seen(error.__cause__)


@pytest.mark.parametrize("kind", KINDS)
def test_an_exception_comes_back_as_it_was(kind):
    def work():
        with pytest.raises(BaseException) as raised:  # noqa: PT011  (any)
            fail(kind)
        return raised.value

    told, again, session = twice(work)
    assert seen(again) == seen(told)
    assert session.diff.same


def test_the_answer_that_an_http_error_carries_can_be_asked_for():
    def work():
        with pytest.raises(httpx.HTTPStatusError) as raised:
            fail("httpx")
        return raised.value.response.status_code

    assert twice(work)[:2] == (404, 404)


def test_an_exception_whose_class_is_not_here_says_what_it_was(tmp_path, monkeypatch):
    (tmp_path / "module_of_the_tool.py").write_text("class OwnError(Exception): pass")
    monkeypatch.syspath_prepend(tmp_path)

    @agentvcr.tool
    def import_and_fail():
        import module_of_the_tool

        raise module_of_the_tool.OwnError("it", 5)

    with agentvcr.record("x.avcr"), pytest.raises(Exception, match="it"):
        import_and_fail()
    del sys.modules["module_of_the_tool"]
    with agentvcr.replay("x.avcr"), pytest.raises(agentvcr.ReplayedError, match=r"OwnError: .*it"):
        import_and_fail()


# --- cancelled, timed out, left -------------------------------------------------------------------


@pytest.mark.timeout(30)
def test_a_tool_is_timed_out_again():
    @agentvcr.tool
    async def wait():
        await asyncio.Event().wait()

    async def main():
        try:
            await asyncio.wait_for(wait(), 0.05)
        except TimeoutError:
            return "timed out"

    told, again, session = twice(lambda: asyncio.run(main()))
    assert told == again == "timed out"
    assert session.diff.same


@pytest.mark.timeout(30)
def test_a_tool_whose_own_task_is_cancelled_does_not_wait_for_ever():
    @agentvcr.tool
    async def give_up():
        task = asyncio.create_task(asyncio.Event().wait())
        await asyncio.sleep(0)
        task.cancel()
        await task

    async def main():
        try:
            await give_up()
        except asyncio.CancelledError:
            return "cancelled inside"

    told, again, _ = twice(lambda: asyncio.run(main()))
    assert told == again == "cancelled inside"


@pytest.mark.timeout(30)
def test_a_cancelled_future_in_a_plain_tool_does_not_wait_for_ever():
    @agentvcr.tool
    def give_up():
        future = Future()
        future.cancel()
        return future.result()

    def work():
        with pytest.raises(CancelledError):
            give_up()

    twice(work)


def test_a_tool_that_is_left_with_its_loop_is_left_again():
    @agentvcr.tool
    async def wait():
        await asyncio.Event().wait()

    async def main(calls):
        calls.append(asyncio.ensure_future(wait()))
        for _ in range(5):
            await asyncio.sleep(0)

    def work():
        calls = []
        loop = asyncio.new_event_loop()
        loop.run_until_complete(main(calls))
        loop.close()
        calls[0]._log_destroy_pending = False  # that it is left is the test
        calls[0].get_coro().close()

    _, _, session = twice(work)
    assert session.divergences == ()


# --- misuse ---------------------------------------------------------------------------------------


def generator():
    yield 1


async def async_generator():
    yield 1


class Callable:
    def __call__(self):
        return 1


@pytest.mark.parametrize(
    "what", [generator, async_generator, Callable, 5, classmethod(generator), Callable()]
)
def test_what_is_no_function_with_a_result_is_no_tool(what):
    with pytest.raises(TypeError):
        agentvcr.tool(what)


class Owner:
    def method(self, given):
        return given


@pytest.mark.parametrize("name", ["nothing", "self"])
def test_a_key_that_is_no_argument_is_refused_at_once(name):
    with pytest.raises(TypeError, match=name):
        agentvcr.tool(Owner.method, idempotency_key=name)


def test_wrong_arguments_are_the_functions_own_error():
    with agentvcr.record("x.avcr") as session, pytest.raises(TypeError, match="question"):
        tool_calls.count()
    assert len(session.run.exchanges) == 0


def test_a_result_that_cannot_be_kept_is_an_error_of_the_recording_and_of_no_other_run():
    @agentvcr.tool
    def handle():
        return object()

    assert handle() is not None
    with agentvcr.record("x.avcr"), pytest.raises(agentvcr.UnkeepableError):
        handle()
    with agentvcr.replay("x.avcr"), pytest.raises(agentvcr.UnkeepableError):
        handle()
