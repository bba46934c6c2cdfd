"""Put a take's parameters back into the controls, and report what could not be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from history_ui.knobs import Knob
from history_ui.seeds import resolved
from history_ui.snapshot import is_kept
from history_ui.words import humanise


@dataclass(frozen=True)
class Clamped:
    """A control that took another value than the take had: out of its range, or a choice that is gone."""

    name: str
    label: str
    wanted: str
    given: str


@dataclass(frozen=True)
class Report:
    """What a replay did: how many controls hold the take's value, and which do not.

    `changed` are the labels of the controls that showed something else before; `missing` are controls that stay as they were, because the take has no value that fits them; `unused` are
    parameters of the take that no control here shows.
    """

    applied: int = 0
    changed: tuple[str, ...] = ()
    clamped: tuple[Clamped, ...] = ()
    missing: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return {
            "applied": self.applied,
            "changed": list(self.changed),
            "clamped": [vars(one) for one in self.clamped],
            "missing": list(self.missing),
            "unused": list(self.unused),
        }


@dataclass(frozen=True)
class Replay:
    """The values to put into the controls, as the browser gets them, by parameter; and the report."""

    payloads: Mapping[str, Any]
    report: Report


def replay(params: Any, seed: int | None, knobs: Mapping[str, Knob], before: Mapping[str, Any] | None = None) -> Replay:
    """Fit a take's parameters to the controls of a page, which show `before` (as the browser has it), where that is known.

    A seed that was drawn is put back as drawn, and a "random seed" switch is turned off, so that the same comes again.
    """
    wanted = resolved(params if isinstance(params, dict) else {}, seed)
    payloads: dict[str, Any] = {}
    clamped: list[Clamped] = []
    missing: list[str] = []
    applied = 0
    for name, knob in knobs.items():
        fitted = knob.fit(wanted[name]) if name in wanted and is_kept(wanted[name]) else None
        if fitted is None or not fitted.ok:
            missing.append(name)
            continue
        payloads[name] = knob.payload(fitted.value)
        if fitted.clamped:
            clamped.append(Clamped(name, knob.label, knob.text(wanted[name]), knob.text(fitted.value)))
        else:
            applied += 1
    changed = [knobs[name].label for name, payload in payloads.items() if before and payload != before.get(name)]
    unused = [humanise(name) for name in wanted if name not in knobs]
    return Replay(payloads, Report(applied, tuple(changed), tuple(clamped), tuple(missing), tuple(unused)))
