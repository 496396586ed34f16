"""What is deployed fits what is written: settings, metrics, alerts and the page that explains them."""

import json
import re
from pathlib import Path
from typing import Any

import yaml

from streams import settings
from streams.metrics import Metrics

TREE = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((TREE / "docker-compose.yml").read_text())
RULES = [
    rule
    for group in yaml.safe_load((TREE / "deploy/alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
DASHBOARD = json.loads((TREE / "deploy/grafana/dashboards/chatsieve.json").read_text())


def test_compose_gives_workers_settings_that_exist() -> None:
    """A misspelt variable would end the worker with code 2."""
    given = {
        name: re.sub(r"\$\{\w+(?::-(.*?)|:\?.*?)\}", r"\1", str(value))
        for name, value in COMPOSE["services"]["worker"]["environment"].items()
    }
    assert settings.read(given).broker == "kafka:9092"


def test_workers_can_be_scaled() -> None:
    """Neither a name nor a host port of its own, which only one of them could have."""
    worker = COMPOSE["services"]["worker"]
    assert not {"ports", "container_name"} & set(worker)


def test_rules_and_models_cannot_be_changed_by_a_worker() -> None:
    """Packs and artifacts come in read-only."""
    mounts = [mount for mount in COMPOSE["services"]["worker"]["volumes"] if mount.startswith("./")]
    assert len(mounts) == 2
    assert all(mount.endswith(":ro") for mount in mounts)


def test_no_secret_is_written_down() -> None:
    """Passwords and keys come from the environment, and compose stops where one is missing."""
    text = (TREE / "docker-compose.yml").read_text()
    for secret in ("REDIS_PASSWORD", "GRAFANA_PASSWORD", "CHATSIEVE_KEY"):
        assert f"${{{secret}:?" in text


def test_alerts_and_dashboard_ask_for_metrics_that_exist() -> None:
    """A renamed metric would silence its alert."""
    metrics = Metrics()
    known = {metric.name for metric in metrics.registry.collect()}
    asked = [rule["expr"] for rule in RULES]
    asked += [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    names = {name for expression in asked for name in re.findall(r"chatsieve_\w+", expression)}
    assert {re.sub("_(total|bucket)$", "", name) for name in names} <= known


def test_every_alert_is_explained() -> None:
    """Each has its section in docs/operations.md, which says whether it can wait, and no other has one."""
    page = (TREE / "docs/operations.md").read_text()
    explained = dict(re.findall(r"^### (Chatsieve\w+)\n\*(Page|Ticket)\.\*", page, re.MULTILINE))
    assert explained == {rule["alert"]: rule["labels"]["severity"].capitalize() for rule in RULES}


def test_every_exit_code_and_broker_setting_is_explained() -> None:
    """As the command line gives them out and `serve --help` names them."""
    page = (TREE / "docs/operations.md").read_text()
    assert re.findall(r"^\| (\d) \|", page, re.MULTILINE) == ["0", "1", "2", "3"]
    for name, _, _ in settings.table():
        if name.startswith("CHATSIEVE_BROKER"):
            assert f"`{name}`" in page
