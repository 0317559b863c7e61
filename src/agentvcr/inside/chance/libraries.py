"""The modules that hold chance: `random`, `tempfile`, `uuid`, `uuid_utils` and `numpy.random`.

Owns what is replaced in each once it is imported. Which numbers a lane gets, `stream` and `shared`
know. Classes stay what they are: `isinstance`, subclasses and pickles do not notice.
"""

from __future__ import annotations

import struct
from types import FunctionType

from agentvcr.inside import lanes, state
from agentvcr.inside.chance.shared import Shared
from agentvcr.inside.chance.stream import drawn, place
from agentvcr.inside.patching import dressed_as, unbinding

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Callable

    from agentvcr.inside.chance.shared import Kind
    from agentvcr.inside.chance.stream import Stream

_WORDS = 624
_STATE = struct.Struct("<H?d%dI" % _WORDS)
"""Of a Mersenne twister: the position, whether half a pair of normal numbers is kept, and it."""
_NODE_SIZE = 6


class _PythonKind:
    """Generators of `random`."""

    name = "random"
    seeders = ("seed", "setstate")
    anew_in_forks = True

    def __init__(self, module: Any) -> None:  # noqa: ANN401  (`random`)
        self._class = module.Random

    def make(self, number: int) -> Any:  # noqa: ANN401  (a Random)
        return self._class(number)

    def reseed(self, generator: Any, number: int) -> None:  # noqa: ANN401  (as above)
        generator.seed(number)

    def pack(self, generator: Any) -> bytes:  # noqa: ANN401  (as above)
        _, words, gauss = generator.getstate()
        return _STATE.pack(words[-1], gauss is not None, gauss or 0.0, *words[:-1])

    def unpack(self, generator: Any, data: bytes) -> None:  # noqa: ANN401  (as above)
        position, has_gauss, gauss, *words = _STATE.unpack(data)
        generator.setstate((3, (*words, position), gauss if has_gauss else None))


class _NumpyKind:
    """The older generators of `numpy.random`."""

    name = "numpy.random"
    seeders = ("seed", "set_state")
    anew_in_forks = False

    def __init__(self, base: Any) -> None:  # noqa: ANN401  (a RandomState)
        self._class = type(base)

    def make(self, number: int) -> Any:  # noqa: ANN401  (a RandomState)
        return self._class(_words_of(number))

    def reseed(self, generator: Any, number: int) -> None:  # noqa: ANN401  (as above)
        generator.seed(_words_of(number))

    def pack(self, generator: Any) -> bytes:  # noqa: ANN401  (as above)
        _, words, position, has_gauss, gauss = generator.get_state()
        return _STATE.pack(position, bool(has_gauss), gauss, *map(int, words))

    def unpack(self, generator: Any, data: bytes) -> None:  # noqa: ANN401  (as above)
        position, has_gauss, gauss, *words = _STATE.unpack(data)
        generator.set_state(("MT19937", words, position, int(has_gauss), gauss))


def _words_of(number: int) -> list[int]:
    return [number >> shift & 0xFFFFFFFF for shift in range(0, 256, 32)]


def _stand_for(module: Any, kind: Kind, base: Any, stream: Stream, *others: Any) -> Shared:  # noqa: ANN401
    """Replace what stands in a module, and in others, for methods of one generator."""
    shared = Shared(kind, base, stream)
    for name, value in list(vars(module).items()):
        if getattr(value, "__self__", None) is base:
            _replace(module, name, shared.function(value.__name__, value), *others)
    return shared


def _replace(module: Any, name: str, call: Any, *others: Any) -> None:  # noqa: ANN401
    original = vars(module).get(name)
    for one in (module, *others):
        if vars(one).get(name) is original:
            lanes.replace(one, name, call)


def hook_random(module: ModuleType, stream: Stream) -> Shared:
    """Determine `random`: a generator that is made without a seed, and the shared one.

    What it reads by itself it has from `os.urandom`, and `secrets` from it.
    """
    random: Any = module
    seed_original = random.Random.seed

    @dressed_as(seed_original)
    def seed(self: Any, a: Any = None, version: int = 2) -> None:  # noqa: ANN401  (random's own)
        seed_original(self, stream.number() if a is None else a, version)

    lanes.replace(random.Random, "seed", seed)
    return _stand_for(random, _PythonKind(random), random._inst, stream)


def hook_tempfile(module: ModuleType, _: Stream) -> None:
    """Give each lane names of its own: one generator makes those of all threads."""
    tempfile: Any = module
    names = tempfile._RandomNameSequence
    original = names.rng
    make = tempfile._Random

    def rng(self: Any) -> Any:  # noqa: ANN401  (a sequence of names)
        lane = lanes.current()
        if lane.shadow:
            return original.fget(self)
        counters, name = place(lane)
        kept = counters.get(("tempfile", name))
        if kept is None:
            kept = counters["tempfile", name] = make()
        return kept

    lanes.replace(names, "rng", property(rng))


def hook_uuid(module: ModuleType, stream: Stream) -> None:
    """Determine what is made of the time and the machine: uuid1, and from 3.14 on 6 and 7.

    Each keeps what it made last for the whole process; here for the lane, since the order of lanes
    is chance. The C library that makes uuid1 is passed by.
    """
    uuid: Any = module
    from_library = uuid._generate_time_safe or uuid._UuidCreate
    _hook_node(uuid)
    for name in ("uuid1", "uuid6", "uuid7"):
        original = getattr(uuid, name, None)
        if original is not None:
            _hook_timed(uuid, name, original, stream if from_library else None)


def _hook_timed(uuid: Any, name: str, original: Any, stream: Stream | None) -> None:  # noqa: ANN401
    """Make one function again for each lane, over global names of its own."""
    passes_by = name == "uuid1" and stream is not None

    @dressed_as(original)
    def timed(*args: Any, **options: Any) -> Any:  # noqa: ANN401  (uuid's own)
        lane = lanes.current()
        if lane.shadow:
            return original(*args, **options)
        counters, where = place(lane)
        own = counters.get((name, where))
        if own is None:
            globals_ = {key: vars(uuid)[key] for key in _names(original) if key in vars(uuid)}
            made = FunctionType(
                original.__code__,
                {**globals_, **dict.fromkeys(("_generate_time_safe", "_UuidCreate"))},
                name,
                original.__defaults__,
                original.__closure__,
            )
            # The library keeps its own sequence, so that a seeded program loses no number to it.
            sequence = stream.draw(lane, 2) if passes_by and stream is not None else b""
            own = counters[name, where] = (made, int.from_bytes(sequence, "big") & 0x3FFF)
        if passes_by and all(one is None for one in (*args, *options.values())):
            # Whether it is safe, the library says of this machine.
            made = uuid.UUID(int=own[0](None, own[1]).int, is_safe=original().is_safe)
            return drawn(made)
        return drawn(own[0](*args, **options))

    lanes.replace(uuid, name, timed)


def _names(function: Any) -> tuple[str, ...]:  # noqa: ANN401  (a function of uuid)
    return (*function.__code__.co_names, "__name__", "__builtins__")


def _hook_node(uuid: Any) -> None:  # noqa: ANN401  (the module)
    """Let a replayed program have the address of the machine that it was recorded on.

    It is told only if the program asks for it.
    """
    original = uuid.getnode
    known: list[tuple[Any, int]] = []

    @dressed_as(original)
    def getnode() -> Any:  # noqa: ANN401  (an int)
        handler = state.handler
        if handler is None or lanes.is_shadow():
            return original()
        if not known or known[0][0] is not handler:
            found = handler.recorded_world("node") if handler.replaying else []
            node = int.from_bytes(found[0][1], "big") if found else original()
            handler.world("node", "", node.to_bytes(_NODE_SIZE, "big"))
            known[:] = [(handler, node)]
        return known[0][1]

    lanes.replace(uuid, "getnode", getnode)


def hook_uuid_utils(module: ModuleType, stream: Stream) -> None:
    """Determine versions 4 and 7 of the `uuid` that is written in Rust, and reads chance there."""
    made_in_rust: Any = module

    def four(_: object, /) -> Any:  # noqa: ANN401  (an int)
        lane = lanes.current()
        if lane.shadow:
            return four_original()
        return _marked(int.from_bytes(stream.draw(lane, 16), "big"), 4)

    def seven(_: object, /, timestamp: Any = None, nanos: Any = None) -> Any:  # noqa: ANN401
        lane = lanes.current()
        if lane.shadow:
            return seven_original(timestamp, nanos)
        counters, name = place(lane)
        if timestamp is None:
            from time import time_ns  # noqa: PLC0415  (what stands there when it is read)

            milliseconds = time_ns() // 1_000_000
        else:
            milliseconds = seven_original(timestamp, nanos) >> 80
        drawn = stream.draw(lane, 11)  # as much each time, whatever the clock says
        made = _marked(milliseconds << 80 | int.from_bytes(drawn[:9], "big"), 7)
        last = counters.get(("uuid_utils", name), 0)
        if timestamp is None and made <= last:  # of one millisecond, and in order all the same
            made = last + 1 + int.from_bytes(drawn[9:], "big")
        counters["uuid_utils", name] = made
        return made

    four_original, seven_original = made_in_rust._uuid4_int, made_in_rust._uuid7_int
    _also_as_objects(made_in_rust, "uuid4", "_uuid4_int", four)
    _also_as_objects(made_in_rust, "uuid7", "_uuid7_int", seven)


def _marked(number: int, version: int) -> int:
    """Write a version, and the variant of RFC 9562, into the 128 bits of an identifier."""
    return number & ~(0xF << 76 | 0x3 << 62) | version << 76 | 0x2 << 62


def _also_as_objects(module: Any, name: str, name_of_int: str, make: Any) -> None:  # noqa: ANN401
    def as_object(_: object, /, *args: Any, **options: Any) -> Any:  # noqa: ANN401  (a UUID)
        return drawn(module.UUID(int=make(None, *args, **options)))

    for one, call in ((name_of_int, make), (name, as_object)):
        lanes.replace(module, one, unbinding(getattr(module, one), module.__name__)(call))


def hook_numpy(module: ModuleType, stream: Stream) -> Shared:
    """Take the older shared generator apart; those of `default_rng` draw from `secrets`."""
    numpy: Any = module
    base = numpy.mtrand._rand
    shared = _stand_for(numpy.mtrand, _NumpyKind(base), base, stream, numpy)
    seed = numpy.mtrand.seed
    if getattr(seed, "__self__", None) is None:  # a function since 1.24
        _replace(numpy.mtrand, "seed", shared.function("seed", seed), numpy)
    for name in ("ranf", "sample"):
        original = getattr(numpy.mtrand, name, None)
        if original is not None and getattr(original, "__self__", None) is None:
            _replace(numpy.mtrand, name, shared.function("random_sample", original), numpy)
    return shared


HOOKS: dict[str, Callable[[ModuleType, Stream], Shared | None]] = {
    "numpy.random": hook_numpy,
    "random": hook_random,
    "tempfile": hook_tempfile,
    "uuid": hook_uuid,
    "uuid_utils": hook_uuid_utils,
}
"""What to do when which module is imported; gives the generator that it shares, if it does."""
