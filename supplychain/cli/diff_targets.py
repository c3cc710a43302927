"""TARGETs beside several manifests: which plugin each of them is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from supplychain.cli.sources import BundleTarget, RegistryTarget, parse_target
from supplychain.errors import InvalidPolicyError, SupplyChainError
from supplychain.reference import OciReference

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from supplychain.cli.request import Question
    from supplychain.cli.sources import Target

__all__ = ["aimed"]


def aimed(questions: Sequence[Question], texts: Sequence[str]) -> tuple[Question, ...]:
    """Ask about each target what the manifest of its plugin asks; without targets, about every plugin where its manifest says.

    Raises:
        InvalidReferenceError: a text is no target.
        InvalidPolicyError: nothing says which plugin a target is.
    """
    if not texts:
        return tuple(questions)
    return tuple(question for text in texts for question in _of_target(text, questions))


def _of_target(text: str, questions: Sequence[Question]) -> Iterator[Question]:
    target = parse_target(text)
    if len(questions) == 1:
        yield _moved(questions[0], target, text=text)
        return
    if isinstance(target, BundleTarget) and target.wanted is None:
        for question in questions:
            upstream = None if isinstance(question.asked, SupplyChainError) else question.asked.upstream
            yield _moved(question, replace(target, wanted=None if upstream is None else str(upstream)), text=text)
        return
    wanted = _reference(target)
    found = [one for one in questions if wanted is not None and _is_of(one, wanted)]
    if len(found) != 1:
        raise InvalidPolicyError(
            "nothing says which plugin of the manifests this is" if not found else "several plugins of the manifests are this",
            expected="the repository of one of them, or manifests of one plugin only",
            got=f"`{text}`",
            hint="leave the targets out to read every plugin where its manifest says",
        )
    yield _moved(found[0], target, text=text)


def _reference(target: Target) -> OciReference | None:
    if isinstance(target, RegistryTarget):
        return target.reference
    if isinstance(target, BundleTarget) and target.wanted is not None and not target.wanted.startswith("sha256:"):
        return OciReference.parse(target.wanted)
    return None


def _is_of(question: Question, wanted: OciReference) -> bool:
    """Whether a target is in the repository that the plugin's manifest names, or in its mirror."""
    if isinstance(question.asked, SupplyChainError):
        return False
    place = question.asked.target
    places = (question.asked.upstream, place.reference if isinstance(place, RegistryTarget) else None)
    return any(one is not None and (one.registry, one.repository) == (wanted.registry, wanted.repository) for one in places)


def _moved(question: Question, target: Target, *, text: str) -> Question:
    """The same question about what is read elsewhere."""
    if isinstance(question.asked, SupplyChainError):
        return question
    asked = replace(question.asked, target=target, named=question.asked.upstream)
    return replace(question, name=f"{question.name} ({text})", asked=asked)
