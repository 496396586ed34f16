"""What a batch adds to the metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rules.verdict import Verdict
from streams.judging.cases import Case
from streams.metrics import Metrics


def count_verdict(metrics: Metrics, verdict: Verdict) -> None:
    """Count what only some verdicts have."""
    if verdict.repeat:
        metrics.repeats.inc()
    for shadow in verdict.shadow:
        metrics.shadow.labels(shadow.rule, shadow.action).inc()
    for name in verdict.lowered_by:
        kind, _, what = name.partition(":")
        if kind == "brake":
            metrics.braked.labels(what).inc()
        elif kind == "switch":
            metrics.switched.inc()


def count_batch(metrics: Metrics, cases: Sequence[Case], said: Counter[tuple[str, str]]) -> None:
    """Count a batch; `said` is how often which action was taken for which label."""
    metrics.batch.observe(len(cases))
    for kind, number in Counter([case.message.kind for case in cases]).items():
        metrics.judged.labels(kind).inc(number)
    for (action, label), number in said.items():
        metrics.actions.labels(action, label).inc(number)
    for missing, number in Counter([case.missing for case in cases]).items():
        for what in missing:
            metrics.missing.labels(what).inc(number)
