"""What is real beside virtual time (children, a database, a live service) keeps its place."""

import contextlib
import json
import socketserver
import threading

import pytest

from tests.support.command_line import agentvcr, python
from tests.support.counter_server import CounterServer

FEW = 3  # what `make check` has: then one seed is enough


class Counting(socketserver.StreamRequestHandler):
    """Counts the lines of a connection, and answers each with the count."""

    def handle(self):
        for count, _ in enumerate(self.rfile, start=1):
            self.wfile.write(b"%d\n" % count)


@contextlib.contextmanager
def counting_store():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Counting) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def recorded_and_replayed(scene, folder, seed, *, env=None, options=()):
    with CounterServer(seed=seed) as server:
        env = {**(env or {}), "BASE_URL": server.base_url}
        command = [*options, "--", *python("beside.py", scene)]
        recorded = agentvcr("record", "--force", "-o", "x.avcr", *command, cwd=folder, env=env)
        asked = server.count
        replayed = agentvcr("replay", "x.avcr", "--times", 2, *options, cwd=folder, env=env)
        assert server.count == asked, "the replay asked the provider"
    assert recorded.returncode == 0, recorded.stderr.decode()
    assert replayed.returncode == 0, replayed.stderr.decode()
    assert replayed.stdout == recorded.stdout * 2
    return json.loads(recorded.stdout)


@pytest.mark.parametrize("scene", ["children", "pipes", "database"])
def test_what_is_real_in_the_process_comes_where_it_came(scene, tmp_path, rounds):
    for seed in range(1 if rounds <= FEW else rounds):
        recorded_and_replayed(scene, tmp_path, seed)


def test_a_live_service_answers_where_it_answered(tmp_path, rounds):
    with counting_store() as port:
        env, options = {"STORE_PORT": str(port)}, ["--live", f"127.0.0.1:{port}"]
        for seed in range(1 if rounds <= FEW else rounds):
            log = recorded_and_replayed("store", tmp_path, seed, env=env, options=options)
            assert sorted(one[1] for one in log if isinstance(one, list)) == [1, 2, 3, 4, 5]
