"""What a worker counts, for Prometheus; every name and bucket stands here."""

from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# Seconds; chat is judged in milliseconds, and a store's time-out is a quarter of a second.
_STAGES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_BATCHES = (1, 4, 16, 64, 128, 256, 512, 1024, 2048, 4096, 8192)


class Metrics:
    """One worker's metrics in a registry of their own, so that two in a process don't mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        say: Any = {"namespace": "chatsieve", "registry": self.registry}
        self.judged = Counter("judged", "Messages judged", ["kind"], **say)
        self.actions = Counter("actions", "Verdicts by action and label", ["action", "label"], **say)
        self.deadletters = Counter("deadletters", "Records that could not be judged", ["reason"], **say)
        self.repeats = Counter("repeats", "Records judged before; nothing was moved", **say)
        self.missing = Counter("missing", "Verdicts without something", ["what"], **say)
        self.braked = Counter("braked", "Actions that a brake lowered", ["cause"], **say)
        self.shadow = Counter("shadow", "What rules in shadow would have done", ["rule", "action"], **say)
        self.shadow_model = Counter(
            "shadow_model",
            "Verdicts by action, and by what the model in shadow led to",
            ["action", "would_be"],
            **say,
        )
        self.switched = Counter("switched", "Actions that a switch lowered", **say)
        self.orders = Gauge("orders", "Orders of operators in force", ["order"], **say)
        self.feedback = Counter("feedback", "Human decisions that were followed", ["decision"], **say)
        self.stage = Histogram("stage_seconds", "Time by stage", ["stage"], buckets=_STAGES, **say)
        self.batch = Histogram("batch_messages", "Messages a batch", buckets=_BATCHES, **say)
        self.fetches = Counter("fetches", "Times that a broker was asked for records", **say)
        self.lag = Gauge("lag_messages", "Records not yet judged", ["partition"], **say)
        self.watermark = Gauge("watermark", "Next offset to commit", ["partition"], **say)
        self.reloads = Counter("reloads", "Reloads of the packs", ["outcome"], **say)
        self.ruleset = Gauge("ruleset_info", "The rule set in force", ["hash"], **say)
        self.ruleset_since = Gauge("ruleset_since_seconds", "When it came into force, epoch seconds", **say)
        self.ruleset_age = Gauge("ruleset_age_seconds", "For how long it has been in force", **say)
        self.ruleset_stale = Gauge("ruleset_stale", "1 while newer packs are refused", **say)
        self.store_up = Gauge("store_up", "1 while the store answers", **say)
        self.store_errors = Counter("store_errors", "Calls to the store that failed", **say)
        self.journal = Gauge("journal_effects", "Effects judged and not yet saved", **say)
        self.effects_lost = Counter("effects_lost", "Effects given up at the journal's bound", **say)


class ApiMetrics(Metrics):
    """What `api` counts besides."""

    def __init__(self) -> None:
        super().__init__()
        say: Any = {"namespace": "chatsieve", "registry": self.registry}
        self.requests = Counter("api_requests", "Requests answered", ["route", "status"], **say)
        self.seconds = Histogram(
            "api_request_seconds", "Time to answer by route", ["route"], buckets=_STAGES, **say
        )
        self.asked = Histogram("api_batch_messages", "Messages judged together", buckets=_BATCHES, **say)
