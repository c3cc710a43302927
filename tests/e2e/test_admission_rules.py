"""Every rule before a real API server: objects among the others that `testdata/admission/rules` puts around them.

A person called `world-builder` is not reviewed and stores what a case needs. The operators here are standbys for ever: somebody
else holds the Lease, so that nobody writes a status over what a case says.
"""

from __future__ import annotations

import copy
import json
import re
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import pytest
import yaml

from mcpg_operator.resources import LEASE as LEASE_KIND
from mcpg_operator.resources import WEBHOOK_CONFIGURATION, kind_of
from supplychain.rules.check import RULES
from tests.e2e.webhook import Webhook, plugin
from tests.e2e.world import delete_ours
from tests.support.cluster import NAMESPACE, Api, ApiError, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.cluster import RunningCluster

FOLDER = Path(__file__).resolve().parents[2] / "testdata/admission/rules"
CASES = sorted(path.parent for path in FOLDER.glob("*/object.yaml"))
ELSEWHERE = {
    "descriptors.json": "what a package requires comes from kept evidence: tests/operators/admission/test_descriptors.py",
    "operator_namespace": "the operator has one namespace here",
}
IN_THE_SCHEMA = {"NameNotUsable", "TenantNameTooLong"}
"""Rules that the definitions hold as well, so that the webhook is never asked."""
STRICT = ("--require-coordinator-tls", "--require-digest-or-cosign")
BUILDER, STRICT_PERSON = "world-builder", "strict-person"
WARNING = re.compile(r'299 - "((?:[^"\\]|\\.)*)"')


_CONDITION = {"lastTransitionTime": "2026-01-31T12:00:00Z", "reason": "Reconciled", "message": "", "observedGeneration": 1}
"""What the schema wants of a condition besides type and status."""


class Outcome(NamedTuple):
    code: int
    message: str
    warnings: tuple[str, ...]


class Person:
    """A user of the API server, by the name that it sees."""

    def __init__(self, api: Api, name: str) -> None:
        self.api = api
        api._client.headers["Impersonate-User"] = name
        api._client.headers["Impersonate-Group"] = "system:masters"

    def ask(self, method: str, path: str, body: dict[str, Any], **params: str) -> Outcome:
        response = self.api._client.request(method, path, json=body, params=params)
        found = response.json()
        words = [
            one.replace('\\"', '"').replace("\\\\", "\\")
            for one in WARNING.findall(", ".join(response.headers.get_list("warning")))
        ]
        return Outcome(200 if response.is_success else response.status_code, found.get("message", ""), tuple(words))

    def store(self, document: dict[str, Any]) -> dict[str, Any]:
        """Create an object with its status."""
        found = self.api.create(document)
        if document.get("status"):
            kind, metadata = kind_of(document), found["metadata"]
            status = copy.deepcopy(document["status"])
            for one in status.get("conditions", ()):
                for name, value in _CONDITION.items():
                    one.setdefault(name, value)
            body = {"status": status}
            found = self.api.merge(kind, metadata["name"], body, namespace=metadata.get("namespace"), part="status")
        return dict(found)


class Stage:
    """Two operators that review, one of them strictly, and the people."""

    def __init__(self, cluster: RunningCluster, folder: Path, stack: ExitStack) -> None:
        self.cluster = cluster
        delete_ours(cluster.api)  # of a world that is to be what a case says
        self._hold_the_lease()
        certificate = cluster._plane.admin
        people = {
            name: stack.enter_context(closing(cluster.client(certificate=certificate))) for name in (BUILDER, STRICT_PERSON, "a")
        }
        self.people = {name: Person(api, name) for name, api in people.items()}
        for name, flags, condition in (
            ("rules", (), f"!(request.userInfo.username in ['{BUILDER}', '{STRICT_PERSON}'])"),
            ("rules-strict", STRICT, f"request.userInfo.username == '{STRICT_PERSON}'"),
        ):
            webhook = Webhook(cluster, folder / name, name=name, flags=flags)
            webhook.operator.start()
            stack.callback(webhook.operator.program.stop, grace=15)
            webhook.operator.wait_until_ready()
            stack.callback(cluster.api.delete, WEBHOOK_CONFIGURATION, name)
            webhook.configure(condition={"name": "who-asks", "expression": condition})
        wrong = plugin("wrong", oci={"image": "ghcr.io/acme/audit:9.9.9"})
        for person in (self.people["a"], self.people[STRICT_PERSON]):
            ask = partial(person.ask, "POST", "/apis/mcpg.dev/v1alpha2/mcpgplugins", wrong, dryRun="All")
            cluster.wait_until(lambda ask=ask: ask().code == 422, what="the webhooks to be asked")  # type: ignore[misc]

    def _hold_the_lease(self) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {"holderIdentity": "somebody-else", "leaseDurationSeconds": 600, "acquireTime": now, "renewTime": now}
        metadata = {"name": "mcpg-operator", "namespace": NAMESPACE}
        self.cluster.api.delete(LEASE_KIND, "mcpg-operator", namespace=NAMESPACE)
        self.cluster.api.create({"apiVersion": LEASE_KIND.api_version, "kind": "Lease", "metadata": metadata, "spec": spec})


@pytest.fixture(scope="module")
def stage(cluster: RunningCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with ExitStack() as stack:
        stack.callback(cluster.api.delete, LEASE_KIND, "mcpg-operator", namespace=NAMESPACE)
        yield Stage(cluster, tmp_path_factory.mktemp("rules"), stack)


def read(case: Path, name: str) -> Any:
    path = case / name
    if not path.exists():
        return None
    return json.loads(path.read_text()) if path.suffix == ".json" else list(yaml.safe_load_all(path.read_text()))


class Scene:
    """One case, set up."""

    def __init__(self, stage: Stage, case: Path) -> None:
        self.stage = stage
        self.expected = read(case, "expected.json")
        (self.document,) = read(case, "object.yaml")
        self.strict = bool(read(case, "strictness.json"))
        self.stored: list[dict[str, Any]] = []
        self.old: dict[str, Any] | None = None
        self._before = read(case, "old.yaml") or []
        self._world = read(case, "world.yaml") or []

    def __enter__(self) -> Self:
        try:
            self._build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Take everything away again but namespaces, which take their time."""
        for one in reversed(self.stored):
            metadata = one["metadata"]
            self.stage.cluster.api.delete(kind_of(one), metadata["name"], namespace=metadata.get("namespace"))

    def _build(self) -> None:
        for one in [*self._world, *self._before, self.document]:
            self._namespace(one)
        aged = sorted(self._world, key=lambda one: str(one["metadata"].get("creationTimestamp", "")))
        for one in [*aged, *self._before]:
            if one["kind"] == "Namespace":
                continue
            self.stored.append(one)
            found = self.stage.people[BUILDER].store(one)
            if _key(one) == _key(self.document):
                self.old = found
            if one["metadata"].get("creationTimestamp"):
                born = found["metadata"]["creationTimestamp"]  # in whole seconds: the next one is to be younger
                wait_until(lambda born=born: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") > born)  # type: ignore[misc]

    def _namespace(self, document: dict[str, Any]) -> None:
        metadata = document["metadata"]
        name = metadata["name"] if document["kind"] == "Namespace" else metadata.get("namespace")
        if name:
            self.stage.cluster.namespace(name)

    def ask(self) -> Outcome:
        """Create or change the object, storing nothing."""
        kind, metadata = kind_of(self.document), self.document["metadata"]
        space = f"/namespaces/{metadata.get('namespace', 'default')}" if kind.namespaced else ""
        path = f"/apis/{kind.api_version}{space}/{kind.plural}"
        person = self.stage.people[STRICT_PERSON if self.strict else "a"]
        if self.old is None:
            return person.ask("POST", path, self.document, dryRun="All")
        body = copy.deepcopy(self.document)
        body["metadata"]["resourceVersion"] = self.old["metadata"]["resourceVersion"]
        return person.ask("PUT", f"{path}/{metadata['name']}", body, dryRun="All")

    def wrong(self, outcome: Outcome) -> str:
        """What is not as expected; empty where all is."""
        errors = [one["field"] for one in self.expected["rules"] if one["severity"] == "Error"]
        if self.expected["verdict"] == "Denied" and self.expected["about"] in IN_THE_SCHEMA:
            return (
                ""
                if (outcome.code, " is invalid: " in outcome.message) == (422, True)
                else f"expected the schema to refuse: {outcome}"
            )
        if self.expected["verdict"] == "Denied":
            lines = outcome.message.partition("denied the request: ")[2].splitlines()
            fields = [line.partition(": ")[0] for line in lines]
            if (outcome.code, sorted(fields)) != (self.expected["code"], sorted(errors)):
                return f"expected {self.expected['code']} {errors}, got {outcome}"
        elif outcome.code != 200:
            return f"expected it to be admitted, got {outcome}"
        warned = [one for one in self.expected["rules"] if one["severity"] == "Warning" and one["rule"] != "NamespaceNotFound"]
        missing = [one["field"] for one in warned if not any(word.startswith(f"{one['field']}: ") for word in outcome.warnings)]
        return f"not warned of {missing}: {outcome}" if missing else ""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_webhook_says_what_the_rules_say(stage: Stage, case: Path) -> None:
    reasons = [why for what, why in ELSEWHERE.items() if (case / what).exists() or what in (read(case, "strictness.json") or {})]
    if reasons:
        pytest.skip(reasons[0])
    said = [""]
    with Scene(stage, case) as scene:

        def as_expected() -> bool:
            said[0] = scene.wrong(scene.ask())
            return not said[0]

        try:
            wait_until(as_expected, seconds=10)  # the caches lag behind what was stored a moment ago
        except TimeoutError:
            pytest.fail(said[0])


def _key(document: dict[str, Any]) -> tuple[str, str, str | None]:
    return document["kind"], document["metadata"]["name"], document["metadata"].get("namespace")


def refusing() -> list[Path]:
    """One case for each rule that refuses."""
    found: dict[str, Path] = {}
    for case in CASES:
        expected = read(case, "expected.json")
        if expected["about"] in IN_THE_SCHEMA:
            continue
        if expected["verdict"] == "Denied" and not any(
            (case / name).exists() for name in ("descriptors.json", "strictness.json", "old.yaml")
        ):
            found.setdefault(expected["about"], case)
    return list(found.values())


@pytest.mark.parametrize("case", refusing(), ids=lambda case: case.name)
def test_kubectl_shows_who_refused_and_why(stage: Stage, case: Path) -> None:
    with Scene(stage, case) as scene:
        wait_until(lambda: not scene.wrong(scene.ask()), seconds=10)
        words = ("apply", "--dry-run=server", "-f", "-", "--as=a", "--as-group=system:masters")
        shown = stage.cluster.kubectl(*words, input=yaml.safe_dump(scene.document), check=False)
        kind = kind_of(scene.document)
        assert f'admission webhook "{kind.plural}.mcpg.dev" denied the request' in shown
        for one in scene.expected["rules"]:
            assert ("" if one["severity"] == "Error" else "Warning: ") + one["field"] in shown


def test_every_rule_that_refuses_is_shown_by_kubectl_or_needs_more_than_one_object() -> None:
    shown = {read(case, "expected.json")["about"] for case in refusing()}
    every = {rule.name for rules in RULES.values() for rule in rules if rule.severity.value == "Error"}
    assert every - shown == {"CoordinatorInUse", "GrantNotRequired", *IN_THE_SCHEMA}


def test_a_world_builder_is_really_not_reviewed(stage: Stage) -> None:
    wrong = plugin("unreviewed", oci={"image": "ghcr.io/acme/audit:9.9.9"})
    assert stage.people[BUILDER].ask("POST", "/apis/mcpg.dev/v1alpha2/mcpgplugins", wrong, dryRun="All").code == 200
    with pytest.raises(ApiError, match="denied the request"):
        stage.people["a"].api.create(wrong)
