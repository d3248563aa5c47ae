"""For whom Graft is served: `$GRAFT_PROFILE` names the limits of the folders that have none of their own yet."""

from __future__ import annotations

import os
from dataclasses import dataclass

from core.errors import WorkspaceError
from core.store.limits import Limits, MachineLimits

VARIABLE = "GRAFT_PROFILE"
LOCAL = "local"


@dataclass(frozen=True)
class Profile:
    """Limits that are stored where none are; None: nothing is stored, the generous ones hold."""

    workspace: Limits | None = None
    machine: MachineLimits | None = None


PROFILES = {
    LOCAL: Profile(),
    "demo": Profile(Limits.demo(), MachineLimits.demo()),
}
"""One's own machine, and a public demo: anonymous visitors on a small one."""


def chosen() -> Profile:
    """The profile that the environment names, `local` without one. Raises WorkspaceError for an unknown name."""
    name = os.environ.get(VARIABLE) or LOCAL
    if name not in PROFILES:
        raise WorkspaceError(f"{VARIABLE} is '{name}', and there is no such profile.", f"Use {' or '.join(PROFILES)}.")
    return PROFILES[name]
