"""The engine in the recorded process itself: threads, finalizers, and mistakes of our own."""

import threading

import pytest

from agentvcr.boundary import Boundary
from agentvcr.cassette.reader import load_run
from agentvcr.inside.exchange import NullSink, ReplayHalt
from agentvcr.recording.local import LocalHandler
from tests.unit.recorded import answer, ask, recorder_of

THREADS, EACH = 8, 40


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.avcr"


def in_threads(work):
    """Run `work(0..n)` in threads that start at one moment; give what they raised."""
    gate, errors = threading.Barrier(THREADS), []

    def run(number):
        gate.wait(10)
        try:
            work(number)
        except BaseException as error:  # noqa: BLE001  (the test says what it was)
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return errors


def test_threads_record_each_their_own(path):
    recorder = recorder_of(path)
    handler = LocalHandler(recorder)

    def work(thread):
        for number in range(EACH):
            name = b"%d-%d" % (thread, number)
            sink = handler.begin(ask(body=name, lane=f"main/thread{thread}")).sink
            answer(sink, [name, b"", name * 50])

    assert in_threads(work) == []
    recorder.close(0, None)
    run = load_run(path)
    assert recorder.broken is None
    assert [one.number for one in run.exchanges] == [*range(1, THREADS * EACH + 1)]
    for one in run.exchanges:
        asked = one.request.body
        assert [chunk.data for chunk in one.response.chunks] == [asked, b"", asked * 50]
        assert one.lane == "main/thread" + asked.decode().partition("-")[0]
    for lane in {one.lane for one in run.exchanges}:
        of_lane = [one.request.body for one in run.exchanges if one.lane == lane]
        assert of_lane == sorted(of_lane, key=lambda name: int(name.partition(b"-")[2]))


def test_a_beginning_and_an_end_are_in_the_file_when_they_return(path):
    recorder = recorder_of(path)
    handler = LocalHandler(recorder)
    sink = handler.begin(ask()).sink
    assert load_run(path).exchanges[0].ending is None
    answer(sink, [b"x"])
    assert load_run(path).exchanges[0].ending.kind == "eof"
    recorder.close(0, None)


class Collecting(Boundary):
    """Ends an exchange in the middle of another, as the garbage collector may."""

    sink = None

    def place_of(self, url):
        if self.sink is not None:
            sink, self.sink = self.sink, None
            sink.end("abandoned")
        return super().place_of(url)


def test_a_finalizer_may_end_an_exchange_in_the_middle_of_another(path):
    boundary = Collecting()
    recorder = recorder_of(path, boundary=boundary)
    handler = LocalHandler(recorder)
    boundary.sink = handler.begin(ask(body=b"1")).sink
    done = threading.Event()

    def again():
        answer(handler.begin(ask(body=b"2")).sink)
        done.set()

    threading.Thread(target=again, daemon=True).start()
    assert done.wait(10), "the lock is not the thread's own"
    recorder.close(0, None)
    assert [one.ending.kind for one in load_run(path).exchanges] == ["abandoned", "eof"]


def test_a_mistake_of_ours_at_an_end_is_kept_from_the_program(path):
    recorder = recorder_of(path)
    sink = LocalHandler(recorder).begin(ask()).sink
    answer(sink, ["text where bytes belong"])
    assert isinstance(recorder.broken, TypeError)
    recorder.close(0, None)


def test_a_request_that_we_failed_at_passes_unrecorded_and_counts(path):
    recorder = recorder_of(path)
    decision = LocalHandler(recorder).failed(ValueError("ours"))
    assert isinstance(decision.sink, NullSink)
    recorder.close(0, None)
    assert recorder.losses == ["builtins.ValueError: ours"]
    assert [one.kind for one in load_run(path).notes] == ["lost"]


def test_a_mistake_of_ours_stops_a_replay(path):
    recorder = recorder_of(path, inner=object())
    with pytest.raises(ReplayHalt, match="ours"):
        LocalHandler(recorder).failed(ValueError("ours"))
    recorder.close(0, None)


def test_a_place_that_stays_live_gets_a_sink_that_records_nothing(path):
    recorder = recorder_of(path, boundary=Boundary(("a.example",)))
    answer(LocalHandler(recorder).begin(ask()).sink, [b"live"])
    recorder.close(0, None)
    assert load_run(path).exchanges[:] == ()
