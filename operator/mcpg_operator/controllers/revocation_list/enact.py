"""Carries a plan out: first what must outlive the list, then the copies; what fails in one namespace does not stop the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mcpg_operator.controllers.revocation_list.copies import COPY, content_hash, copy_manifest
from mcpg_operator.controllers.revocation_list.decide import Done, seed_manifest
from mcpg_operator.names import manager
from mcpg_operator.resources import CONFIG_MAP, REVOCATION_LIST, Resource
from mcpg_operator.revocations import LIST
from supplychain.errors import ApplyForbiddenError, ApplyRejectedError, ConflictError, SupplyChainError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mcpg_operator.controllers.revocation_list.decide import Plan
    from mcpg_operator.controllers.revocation_list.observe import Copy, Observation
    from mcpg_operator.services import Services

__all__ = ["Enactor"]

_SHOWN: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Enactor:
    """Writes everything but the status."""

    services: Services
    controller: str
    wrote: Callable[[Resource, str], None]
    """Is told of every copy that was written, with the hash of its data."""

    def enact(self, seen: Observation, plan: Plan) -> Done:
        """Carry a plan out as far as possible.

        Raises:
            ClusterUnavailableError, ConflictError: the entries could not be kept, which passes; the rest was done.
            ApplyForbiddenError, ApplyRejectedError: the empty list could not be created.
        """
        if plan.seed:
            self._seed()
            return Done()
        passing: SupplyChainError | None = None
        keep_failure = ""
        try:
            self._keep(seen, plan)
        except (ApplyForbiddenError, ApplyRejectedError) as exc:
            keep_failure = str(exc)[:_SHOWN]
        except SupplyChainError as exc:
            passing = exc
        failures = _each(plan.remove, lambda one: self._remove(one, uid=plan.remove[one]))
        rendered = seen.rendered
        if rendered is not None:
            failures |= _each(plan.write, lambda one: self._write(one, rendered, instead_of=seen.copies.get(one)))
        if passing is not None:
            raise passing
        return Done(failures=failures, keep_failure=keep_failure)

    def _seed(self) -> None:
        try:
            self.services.cluster.create(seed_manifest())
        except ConflictError:
            return  # somebody was faster, and what they wrote counts

    def _keep(self, seen: Observation, plan: Plan) -> None:
        if plan.keep is not None:
            self.services.cluster.apply(plan.keep, manager=manager(self.controller))
        if plan.vanished:
            about = seen.last or Resource(REVOCATION_LIST, {"metadata": {"name": LIST}})
            count = 0 if seen.revocations is None else len(seen.revocations.entries)
            self.services.recorder.publish(
                about,
                controller=self.controller,
                warning=True,
                reason="RevocationListVanished",
                action="Keep",
                note=f"`{LIST}` was deleted; its {count} revocations stay in force until a list of that name exists again",
            )

    def _write(self, namespace: str, rendered: bytes, *, instead_of: Copy | None) -> None:
        """Write one copy; one of ours that cannot be changed, because somebody made it immutable, is made anew."""
        manifest, by = copy_manifest(namespace, rendered), manager(self.controller)
        try:
            written = self.services.cluster.apply(manifest, manager=by)
        except ApplyRejectedError:
            if instead_of is None:
                raise
            self._remove(namespace, uid=instead_of.uid)
            written = self.services.cluster.apply(manifest, manager=by)
        self.wrote(written, content_hash(rendered))

    def _remove(self, namespace: str, *, uid: str) -> None:
        self.services.cluster.delete(CONFIG_MAP, COPY, namespace=namespace, uid=uid)


def _each(namespaces: Iterable[str], act: Callable[[str], None]) -> dict[str, str]:
    """Act in each namespace, and give what went wrong where."""
    failures = {}
    for one in namespaces:
        try:
            act(one)
        except SupplyChainError as exc:
            failures[one] = str(exc)[:_SHOWN]
    return failures
