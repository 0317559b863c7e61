"""Start processes in all the ways there are: `starts.py WAY [METHOD] [cleared]`.

With a chat provider at BASE_URL. The children ask the same, all at once. With `cleared` the program
empties its environment before. Prints a JSON list of [child, first answer, second answer].
"""

import asyncio
import json
import multiprocessing
import os
import pathlib
import pty
import shlex
import subprocess
import sys
import threading

import asking

WORDS = ("a", "b", "c")
SPELLINGS = ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")
PYTHON = pathlib.Path(sys.executable)
CHILD = asking.__file__


def argv(word):
    return [sys.executable, CHILD, word]


def line(word):
    return shlex.join(argv(word))


def environment():
    return {name: os.environ[name] for name in ("BASE_URL", "PATH")}


def waited(pids):
    for pid in pids:
        assert os.waitpid(pid, 0)[1] == 0


def in_forks(act, words=WORDS):
    """Call `act` with each word in a fork of its own, all at once."""
    pids = []
    for word in words:
        pid = os.fork()
        if not pid:
            act(word)
            os._exit(0)
        pids.append(pid)
    waited(pids)
    return words


def in_threads(act, words=WORDS):
    threads = [threading.Thread(target=act, args=(word,)) for word in words]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return words


def process(method, target=asking.leave):
    context = multiprocessing.get_context(method)
    context.Lock()  # which starts a server of multiprocessing
    children = [context.Process(target=target, args=(word,)) for word in WORDS]
    for child in children:
        child.start()
    for child in children:
        child.join()
        assert child.exitcode == 0
    return WORDS


def have_asked(word):
    subprocess.run(argv(word), check=True)


def grandchildren(method):
    """Start processes that start one each."""
    return process(method, have_asked)


def threads(method):
    """Start processes from threads, which race."""
    context = multiprocessing.get_context(method)

    def act(word):
        child = context.Process(target=asking.leave, args=(word,))
        child.start()
        child.join()
        assert child.exitcode == 0

    return in_threads(act)


async def in_asyncio(word):
    child = await asyncio.create_subprocess_exec(*argv(word))
    return await child.wait()


SUBPROCESSES = {
    "run": lambda word: subprocess.run(argv(word), check=False).returncode,
    "own": lambda word: subprocess.call(argv(word), env=environment(), close_fds=False),
    "shell": lambda word: subprocess.call(f"{line(word)}; true", shell=True),
    "bash": lambda word: subprocess.call(["bash", "-c", line(word)]),
    "asyncio": lambda word: asyncio.run(in_asyncio(word)),
    "popen": lambda word: os.popen(line(word)).close() or 0,
    "system": lambda word: os.system(f"export A=1 && {line(word)}"),
}


def subprocesses():
    ended = {}
    in_threads(lambda word: ended.update({word: SUBPROCESSES[word](word)}), [*SUBPROCESSES])
    assert not any(ended.values()), ended
    return [*SUBPROCESSES]


def forks():
    pid, fd = pty.fork()
    if not pid:
        asking.leave("pty")
        os._exit(0)
    in_forks(asking.leave)
    try:
        while os.read(fd, 1000):
            pass
    except OSError:  # the child has ended
        waited([pid])
    return ["pty", *WORDS]


def called(name, word, *before):
    """Call one of `os.exec*` or `os.spawn*` with what its name says that it takes."""
    letters = name[4:] if name.startswith("exec") else name[5:]
    python = PYTHON.name if "p" in letters else sys.executable
    words = argv(word) if "l" in letters else [argv(word)]
    env = [environment()] if letters.endswith("e") else []
    return getattr(os, name)(*before, python, *words, *env)


def execs():
    return in_forks(lambda name: called(name, name), [f"exec{one}" for one in SPELLINGS])


def spawns():
    names = [f"spawn{one}" for one in SPELLINGS]
    pids = [called(name, name, os.P_NOWAIT) for name in names]
    pids.append(os.posix_spawn(sys.executable, argv("posix"), environment()))
    pids.append(os.posix_spawnp(PYTHON.name, argv("path"), environment()))
    waited(pids)
    return [*names, "posix", "path"]


def go_on():
    """Ask, then let another program take this one's place, which asks the same."""
    asking.leave("a")
    os.execv(sys.executable, [sys.executable, __file__, "went_on"])


def went_on():
    asking.leave("b")
    subprocess.run(argv("c"), check=True)
    return WORDS


def main():
    way, *arguments = sys.argv[1:]
    kept = {"BASE_URL": os.environ["BASE_URL"], "PATH": os.environ["PATH"]}
    if arguments[-1:] == ["cleared"]:
        arguments.pop()
        os.environ.clear()
    os.environ.update(kept)
    os.environ["PATH"] = f"{PYTHON.parent}:{kept['PATH']}"
    print(json.dumps(asking.told(globals()[way](*arguments))))


if __name__ == "__main__":
    main()
