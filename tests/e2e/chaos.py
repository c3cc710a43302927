"""`make chaos`: the operator is killed (SIGKILL) at random moments while people publish, rotate, revoke, delete and change sets.

    python -m tests.e2e.chaos --runs 200 --seed 1

After every kill: no Secret holds anything but a verified artifact, and what was verified and not touched is still there. In the
end: everything is as if nobody had ever been killed. A seed gives the same steps again, not the same moments.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.keeping import payload_hash
from mcpg_operator.resources import PLUGIN, PLUGIN_MIRROR, PLUGIN_SET, REVOCATION_LIST, SECRET
from supplychain.delivery import open_delivery
from supplychain.errors import SupplyChainError
from tests.e2e.world import World, payload, sha256
from tests.support.cluster import NAMESPACE as HOME
from tests.support.cluster import PROGRAMS, RunningCluster, definitions, rights
from tests.support.cluster.objects import plugin_set
from tests.support.cluster.publishing import Published, key_secret, make_release
from tests.support.components import find
from tests.support.registries import RunningRegistries
from tests.support.sigstore.keys import pem
from tests.support.testdata.demo import flip
from tests.support.testdata.release import signing_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.support.cluster.operator_process import OperatorProcess

__all__ = ["Chaos", "main"]

NAMES: Final = ("ape", "bee", "cat", "dog", "elk")
SETS: Final = ("left", "right")
TENANT: Final = "chaos"
_BUILDS: Final = 3
_LARGE: Final = 2 << 20
"""Of one plugin, which therefore takes several Secrets."""


class Chaos:
    """Does the steps, does the killing, and knows what must be true."""

    def __init__(self, world: World, *, seed: int) -> None:
        self.world = world
        self.chance = random.Random(seed)
        world.namespace(TENANT)
        self.good = {name: [self._published(name, build) for build in range(_BUILDS)] for name in NAMES}
        self.bad = {name: self._spoilt(name) for name in NAMES}
        self.artifacts = {one.release.artifact_hash for builds in self.good.values() for one in builds}
        self.wanted: dict[str, Published] = {}
        self.wrong_key: set[str] = set()
        self.revoked: set[str] = set()
        self.sets: dict[str, tuple[str, ...]] = {}
        self.touched: set[str] = set()
        self.steps = 0
        self.kills = 0

    # -- the steps -----------------------------------------------------------------------------------------------------

    def step(self) -> None:
        """Do one thing that people do."""
        name = self.chance.choice(NAMES)
        often = [self._install] * 5 + [self._change_a_set] * 2
        action = self.chance.choice([*often, self._remove, self._rotate, self._revoke, self._steal])
        action(name)
        self.steps += 1

    def _install(self, name: str) -> None:
        """Ask for one of the good builds, or for what an attacker made of one."""
        self.touched.add(name)
        self.wanted[name] = self.chance.choice([*self.good[name], *self.good[name], self.bad[name]])
        self.wrong_key.discard(name)
        self.world.install(name, self.wanted[name])

    def _remove(self, name: str) -> None:
        self.touched.add(name)
        self.wanted.pop(name, None)
        self.world.api.delete(PLUGIN, name)

    def _rotate(self, name: str) -> None:
        """To a key that did not sign, or back."""
        self.touched.add(name)
        self.wrong_key ^= {name}
        owner = "somebody else" if name in self.wrong_key else "release"
        self.world.api.apply(key_secret(f"{name}-key", pem(signing_key(owner))))

    def _revoke(self, name: str) -> None:
        """Revoke one build of a plugin, or take the revocations of all back."""
        self.touched.update(NAMES)
        self.revoked = (
            set() if len(self.revoked) > 1 else self.revoked | {self.chance.choice(self.good[name]).release.artifact_hash}
        )
        self.world.revoke(*sorted(self.revoked))

    def _change_a_set(self, _: str) -> None:
        which = self.chance.choice(SETS)
        chosen = tuple(sorted(self.chance.sample(NAMES, self.chance.randint(0, len(NAMES)))))
        if not chosen:
            self.sets.pop(which, None)
            self.world.api.delete(PLUGIN_SET, which, namespace=TENANT)
            return
        self.sets[which] = chosen
        self.world.api.apply(plugin_set(TENANT, which, {f"dev.acme.{name}": name for name in chosen}))

    def _steal(self, name: str) -> None:
        """Delete a Secret of verified bytes by hand, at home or at the tenant's."""
        self.touched.add(name)
        found = self.world.stored_for(name)
        if found:
            self.world.api.delete(SECRET, self.chance.choice(found), namespace=self.chance.choice([HOME, TENANT]))

    # -- the killing ---------------------------------------------------------------------------------------------------

    def run(self, operator: OperatorProcess, *, kills: int) -> Iterator[str]:
        """Kill the operator so many times, look after each time, and wait for the end; says what was done."""
        operator.start()
        for _ in range(kills):
            mood = self.chance.random()
            at_work = mood < 0.8  # the others die while they start
            if at_work:
                self.world.until(lambda: operator.answers("/reconcilez"), seconds=60, what="the operator to work")
            if mood < 0.3:
                self.converge()
            self.touched.clear()
            safe = self._verified_now()
            for _ in range(self.chance.randint(1, 4)):
                self.step()
            threading.Event().wait(self.chance.uniform(0, 0.5 if at_work else 2))  # the random moment
            operator.kill()
            self.kills += 1
            self.check_secrets()
            self._check_nothing_lost(safe)
            operator.start()
            yield f"killed {self.kills} times, {self.steps} steps, {len(self.world.stored())} Secrets of verified bytes"
        operator.wait_until_ready()
        self.converge()

    def _verified_now(self) -> dict[str, str]:
        """Secrets of plugins that are Ready, and rightly so: a status may also lag behind what people did last."""
        there = self.world.stored()
        ready = [name for name in self.wanted if self.good_and_wanted(name) and self.world.is_ready(name)]
        used = {name: self.world.status(name).get("artefactSecretName", "") for name in ready}
        return {name: secret for name, secret in used.items() if secret in there}

    def _check_nothing_lost(self, safe: Mapping[str, str]) -> None:
        there = self.world.stored()
        lost = [f"`{secret}` of `{name}`" for name, secret in safe.items() if name not in self.touched and secret not in there]
        assert not lost, f"verified, not touched, and gone: {', '.join(lost)}"

    # -- what must be true ---------------------------------------------------------------------------------------------

    def check_secrets(self) -> None:
        """No Secret of verified bytes, in any namespace, holds anything but a whole artifact that is good."""
        for namespace in (HOME, TENANT):
            found = self._payloads("mcpg.dev/plugin", namespace)
            shards = self._payloads("mcpg.dev/plugin-shard", namespace)
            for name, data in shards.items():
                assert name.endswith(sha256(data["shard"])[:32]), f"{namespace}/{name} is another shard than its name says"
            for name, data in found.items():
                assert self._artifact(data, shards) in {*self.artifacts, "incomplete"}, f"{namespace}/{name} was never verified"
                assert name.endswith(payload_hash(data)[:32]), f"{namespace}/{name} holds other bytes than its name says"

    def converge(self) -> None:
        """Wait until everything is as it should be, and nothing is left over."""
        for name in NAMES:
            self.world.until(partial(self._as_wanted, name), seconds=60, what=partial(self._about, name))
        for which in SETS:
            self.world.until(partial(self._set_as_wanted, which), seconds=60, what=partial(self._about_set, which))
        self.world.until(lambda: not self._left_over(), seconds=60, what=lambda: f"leftovers to go: {self._left_over()}")
        self.check_secrets()
        for kind in (PLUGIN, PLUGIN_SET, PLUGIN_MIRROR, REVOCATION_LIST, SECRET):
            stuck = [one["metadata"] for one in self.world.api.list(kind) if one["metadata"].get("deletionTimestamp")]
            assert not [one for one in stuck if one.get("finalizers")], f"stuck in deletion: {stuck}"

    def good_and_wanted(self, name: str) -> bool:
        """Whether a plugin is to be Ready in the end."""
        published = self.wanted.get(name)
        if published is None or name in self.wrong_key:
            return False
        return published is not self.bad[name] and published.release.artifact_hash not in self.revoked

    def _as_wanted(self, name: str) -> bool:
        said = self.world.said(name)
        if name not in self.wanted:
            return self.world.api.get(PLUGIN, name) is None
        if said.status not in {"True", "False"} or (said.status == "True") is not self.good_and_wanted(name):
            return False
        if said.status == "False":
            return True
        status, artifact = self.world.status(name), self.wanted[name].release.artifact_hash
        secret = self.world.api.get(SECRET, status.get("artefactSecretName", "none"), namespace=HOME)
        return status["resolvedDigest"] == artifact == self._whole(payload(secret or {}), HOME)

    def _set_as_wanted(self, which: str) -> bool:
        if which not in self.sets:
            return self.world.resolved(TENANT, which) == {}
        resolved = self.world.resolved(TENANT, which)
        status = self.world.the_set(TENANT, which).get("status", {})
        ready = [name for name in self.sets[which] if self.good_and_wanted(name)]
        if status.get("resolvedEntries") != len(ready) or {f"dev.acme.{name}" for name in ready} - resolved.keys():
            return False
        return all(self._entry_as_wanted(entry) for entry in resolved.values())

    def _entry_as_wanted(self, entry: Mapping[str, Any]) -> bool:
        """Whether an entry is the wanted build, or an older one of a plugin that is not good now; and its copies are there."""
        name, artifact = entry["pluginName"], entry["resolvedDigest"]
        if artifact in self.revoked or (self.good_and_wanted(name) and artifact != self.wanted[name].release.artifact_hash):
            return False
        copy = self.world.api.get(SECRET, entry["artefactSecretName"], namespace=TENANT)
        return self._whole(payload(copy or {}), TENANT) == artifact

    def _left_over(self) -> list[str]:
        """Secrets at home of plugins that are gone, unless a document still names them."""
        named = {part["name"] for which in SETS for one in self.world.resolved(TENANT, which).values() for part in one["secrets"]}
        gone = [name for name in NAMES if name not in self.wanted]
        return [one for name in gone for one in self.world.stored_for(name) if one not in named]

    def _about(self, name: str) -> str:
        wanted = "no such plugin" if name not in self.wanted else f"Ready={self.good_and_wanted(name)}"
        return f"`{name}` to be {wanted}: {(self.world.api.get(PLUGIN, name) or {}).get('status')}"

    def _about_set(self, which: str) -> str:
        found = self.world.api.get(PLUGIN_SET, which, namespace=TENANT)
        return f"set `{which}` of {self.sets.get(which)} to be right: {found}, {sorted(self.world.resolved(TENANT, which))}"

    def _payloads(self, kind: str, namespace: str) -> dict[str, dict[str, bytes]]:
        found = self.world.api.list(SECRET, namespace=namespace, fields=f"type={kind}")
        return {one["metadata"]["name"]: payload(one) for one in found}

    def _whole(self, data: Mapping[str, bytes], namespace: str) -> str:
        return self._artifact(data, self._payloads("mcpg.dev/plugin-shard", namespace))

    def _artifact(self, data: Mapping[str, bytes], shards: Mapping[str, Mapping[str, bytes]]) -> str:
        """The hash of the library; `incomplete` where a shard is missing, which gives nobody any bytes."""
        try:
            stored = open_delivery(data, shard=lambda name: shards.get(name, {}).get("shard"))
            return sha256(b"".join(stored.pieces()))
        except SupplyChainError as error:
            return "incomplete" if error.reason == "ShardMissing" else error.reason

    def _published(self, name: str, build: int) -> Published:
        release = make_release(name, size=_LARGE if name == NAMES[-1] else 0)
        release.library += f"build {build}".encode()
        return self.world.publish(name, release)

    def _spoilt(self, name: str) -> Published:
        release = make_release(name)
        release.signature = release.key.sign(release.library)
        release.library = flip(release.library, len(release.library) - 1)
        return self.world.publish(name, release)


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.chaos", description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="kills")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args(arguments)
    missing = [name for name in (*PROGRAMS, "registry-referrers") if find(name) is None]
    if missing:
        parser.exit(1, f"{', '.join(missing)}: not built; run `make tools` (needs Go, takes minutes)\n")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.stdout.write(f"{options.runs} kills, seed {options.seed}\n")
    with tempfile.TemporaryDirectory(prefix="mcpg-chaos-") as folder, ExitStack() as stack:
        cluster = stack.enter_context(RunningCluster.running(Path(folder), definitions=definitions()))
        cluster.api.apply(rights())
        registries = RunningRegistries(Path(folder))
        stack.callback(registries.close)
        world = World(cluster, registries)
        stack.callback(world.stack.close)
        chaos = Chaos(world, seed=options.seed)
        operator = world.make_operator(flags=("--no-leader-election",))
        stack.callback(operator.program.kill)
        for number, said in enumerate(chaos.run(operator, kills=options.runs), 1):
            if number % 10 == 0 or number == options.runs:
                sys.stdout.write(f"{said}\n")
                sys.stdout.flush()
        defects = operator.defects()
        if defects:
            sys.stdout.write(f"the operator's log tells of {len(defects)} defects, the first one is {defects[0]}\n")
            return 1
    sys.stdout.write("converged: no unverified Secret, no lost Secret, nothing left over or stuck\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
