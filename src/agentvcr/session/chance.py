"""Choose what a recording is given of chance.

Owns the choice; what becomes of it is `inside.chance` and `channel.environment`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from agentvcr.channel.zone import zone_here
from agentvcr.inside.chance.stream import SEED_SIZE
from agentvcr.inside.off import is_off
from agentvcr.model.chance import Chance

_NOT_A_SEED: Final = ("", "random")
_HASH_SEEDS: Final = 4_294_967_295


def chance_for(environment: Mapping[str, str], *, is_block: bool = False) -> Chance | None:
    """Choose for a run in this environment; None where that is switched off.

    Args:
        environment: The recorded program's.
        is_block: It is a block of a process that runs already, and has its hash seed.
    """
    if is_off("chance"):
        return None
    given = environment.get("PYTHONHASHSEED", "")
    is_given = given not in _NOT_A_SEED
    seed = os.urandom(SEED_SIZE)
    # Not 0, which would switch the program's hashing off; and not to be told from the seed.
    chosen = str(1 + int.from_bytes(os.urandom(8), "big") % _HASH_SEEDS)
    return Chance(
        seed=seed,
        hash_seed="" if is_block else given if is_given else chosen,
        is_hash_seed_given=is_given and not is_block,
        zone=zone_here(environment),
    )
