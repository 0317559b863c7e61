"""vcrpy's cassette, answered by whoever holds it: no patch of vcrpy's is made.

Owns the class that takes the place of vcrpy's own, and how it is put there. Who answers is told
from outside (`session.vcrpy`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import vcr.config
from vcr import cassette as stock
from vcr.patch import CassettePatcherBuilder

from agentvcr.interop.vcrpy_cassette import Cassette as Indexed

Hold = Callable[[Any], AbstractContextManager[None]]
"""Answers what is asked from a cassette, and tells it what is new, as long as it lasts."""


def _nothing() -> None:
    """Settle nothing."""


def cassette_class(hold: Hold) -> Any:  # noqa: ANN401  (vcrpy has no types)
    """Make the class of cassettes that `hold` holds; it has the name of vcrpy's own."""

    class Decorator(stock.CassetteContextDecorator):  # type: ignore[misc]  # as above
        """A cassette's block, or decorated function."""

        def _patch_generator(self, cassette: Any) -> Iterator[Any]:  # noqa: ANN401  (as above)
            with ExitStack() as stack:
                stack.enter_context(hold(cassette))
                for patcher in _of_the_user(cassette):
                    stack.enter_context(patcher)
                yield cassette

    class Cassette(Indexed):
        """A cassette of vcrpy's."""

        settle: Callable[[], None] = staticmethod(_nothing)
        """Has what is under way told before the cassette is saved."""

        @classmethod
        def use_arg_getter(cls, arg_getter: Callable[[], dict[str, Any]]) -> Any:  # noqa: ANN401
            return Decorator(cls, arg_getter)

        @classmethod
        def use(cls, **options: Any) -> Any:  # noqa: ANN401  (as above)
            return Decorator.from_args(cls, **options)

        def _save(self, force: bool = False) -> None:  # noqa: FBT001, FBT002  (vcrpy's)
            self.settle()
            super()._save(force=force)

    return Cassette


def _of_the_user(cassette: Any) -> Iterator[AbstractContextManager[Any]]:  # noqa: ANN401  (as above)
    """Give the patches that a user's configuration asks for."""
    if cassette.custom_patches:
        builder = CassettePatcherBuilder(cassette)
        yield from builder._build_patchers_from_mock_triples(cassette.custom_patches)  # noqa: SLF001  (its only way)


def take_the_place(hold: Hold) -> Callable[[], None]:
    """Give every `vcr.VCR` of this process our cassettes; returns how to undo it."""
    before = vcr.config.Cassette
    vcr.config.Cassette = cassette_class(hold)

    def undo() -> None:
        vcr.config.Cassette = before

    return undo
