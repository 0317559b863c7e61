"""Who lacks nothing but a core is at work."""

import hashlib
import os
import sys
import threading

import pytest

from agentvcr.inside.order import cores

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")


def test_a_thread_that_computes_without_pythons_lock_is_seen():
    over = threading.Event()

    def compute():
        while not over.is_set():
            hashlib.pbkdf2_hmac("sha256", b"word", b"salt", 200_000)

    thread = threading.Thread(target=compute)
    thread.start()
    seen = any(cores.is_anybody_ready() for _ in range(10_000))
    over.set()
    thread.join()
    assert seen


def test_a_thread_that_waits_is_not():
    lock = threading.Lock()
    lock.acquire()
    thread = threading.Thread(target=lock.acquire)
    thread.start()
    seen = [cores._state_of(b"%d" % thread.native_id) for _ in range(2000)]
    lock.release()
    thread.join()
    assert b"S" in seen


def test_where_nobody_tells_nobody_is_ready(monkeypatch, tmp_path):
    monkeypatch.setattr(cores, "_THREADS", os.fsencode(tmp_path / "nowhere"))
    assert not cores.is_anybody_ready()
    assert cores._state_of(b"1") == b"?"
