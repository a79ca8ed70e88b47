"""Runs every case in one mode, as far as the time goes, and keeps each outcome at once."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.test.utils import override_settings

from tutor.evaluation.cases import Case, cases
from tutor.evaluation.stage import Stage
from tutor.evaluation.store import Store, data_digest
from tutor.providers import registry

MODES = ("none", "local", "hosted")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much is tried.

    Args:
        full: Every case also where a model answers; otherwise a seeded sample of each kind.
        until: Monotonic seconds at which to stop; what is missing waits for the next run.
    """

    seed: int
    full: bool
    until: float
    fresh: bool = False


def setting_of(mode: str) -> str:
    """Return what TUTOR_CHAT must be for a mode, and only that mode, to answer."""
    return {"none": "none", "local": "local"}.get(mode, str(settings.TUTOR_CHAT))


def is_hosted() -> bool:
    """Tell whether the operator configured a hosted model."""
    if settings.TUTOR_CHAT in {"none", "local"}:
        return False
    return bool(settings.TUTOR_CHAT or settings.TUTOR_BASE_URL)


def why_not(mode: str) -> str:
    """Return why a mode cannot be tried here, empty where it can."""
    if mode == "hosted" and not is_hosted():
        return "no hosted model is configured (TUTOR_CHAT or TUTOR_BASE_URL)"
    if mode == "local" and not registry.local_is_healthy():
        return "the local model does not serve"
    return ""


def about(mode: str, plan: Plan, model: str) -> dict[str, str]:
    """Return what a mode's outcomes belong to."""
    return {
        "mode": mode,
        "model": model,
        "data": data_digest(),
        "seed": str(plan.seed),
        "size": "full" if plan.full else "sample",
    }


def run(mode: str, plan: Plan, store: Store, *, say: Callable[[str], None]) -> tuple[int, int]:
    """Try what is not done yet; return how many of how many cases are done."""
    wanted = cases(seed=plan.seed, slow=mode != "none" and not plan.full)
    stage = Stage(seed=plan.seed)
    with override_settings(TUTOR_CHAT=setting_of(mode)):
        for case in wanted:
            if time.monotonic() > plan.until:
                break
            if _key(case) not in store.done:
                store.add(_key(case), case.carry_out(stage, mode))
                say(f"{mode}: {len(store.done)} of {len(wanted)}")
    return sum(_key(case) in store.done for case in wanted), len(wanted)


def _key(case: Case) -> str:
    return f"{case.kind}:{case.name}"
