"""The environment of a run's first process, which brings it and all that it starts under the hub.

Owns what is set and what is left out. What a process hands on to its children is `inside.children`.
"""

from __future__ import annotations

import os
from pathlib import Path

from agentvcr.channel.hub import Hub
from agentvcr.channel.lending import lent
from agentvcr.channel.zone import variable_for
from agentvcr.inside import gateway
from agentvcr.inside.off import is_off
from agentvcr.inside.streams import identity
from agentvcr.model.chance import Chance

_PROXIES = {"http_proxy", "https_proxy", "all_proxy"}


def child_environment(  # noqa: PLR0913  (what a session says of itself)
    hub: Hub,
    project: Path,
    *,
    replaying: bool,
    stdin: int | None = None,
    clock: str = "virtual",
    chance: Chance | None = None,
) -> dict[str, str]:
    """Make the environment that brings a child Python under the hub's session.

    Args:
        hub: The session.
        project: The folder whose files are the program's.
        replaying: Whether it is one of a replay. Proxies are not for it: a client asks a proxy
            for telemetry too, and the guard would see no more than the proxy's address.
        stdin: The descriptor that the child will get as standard input, if not ours.
        clock: `real` leaves a replay the clock of this machine.
        chance: What the run is given of it; None for a recording that was made without.
    """
    root = Path(__file__).resolve().parent.parent
    env = dict(os.environ)
    if replaying and not hub.has_live:
        env = {name: value for name, value in env.items() if name.lower() not in _PROXIES}
    path_entry = str(root / "inside" / "bootstrap" / "path")
    given = [
        one for one in env.get("PYTHONPATH", "").split(os.pathsep) if one and one != path_entry
    ]
    env["PYTHONPATH"] = os.pathsep.join([path_entry, *given])
    env["AGENTVCR_CHANNEL"] = hub.address
    env["AGENTVCR_TOKEN"] = hub.token
    env["AGENTVCR_MODE"] = "replay" if replaying else "record"
    env["AGENTVCR_ROOT"] = str(root)
    env["AGENTVCR_LENT"] = lent()
    env["AGENTVCR_CLOCK"] = clock
    env["AGENTVCR_PROJECT"] = str(project)
    env["AGENTVCR_LANE"] = "main"
    env["AGENTVCR_STREAMS"] = ",".join(map(identity, (stdin or 0, 1, 2)))
    if chance is not None and not is_off("chance"):
        _determine(env, chance)
    if hasattr(os, "fork"):  # elsewhere a process takes over no listening socket
        env |= gateway.variables(env, hub.door.base, "main", "")
    return env


def _determine(env: dict[str, str], chance: Chance) -> None:
    """Set what a Python takes from its environment when it starts, and its children after it."""
    defaults = {}
    if chance.hash_seed:
        defaults["PYTHONHASHSEED"] = chance.hash_seed
        if not chance.is_hash_seed_given:
            env["AGENTVCR_HIDDEN"] = "PYTHONHASHSEED"
    zone = None if chance.zone is None else variable_for(chance.zone, env)
    if zone is not None:
        defaults["TZ"] = zone
    env |= defaults
    env["AGENTVCR_SEED"] = chance.seed.hex()
    env["AGENTVCR_DEFAULTS"] = "\n".join(f"{name}={value}" for name, value in defaults.items())
