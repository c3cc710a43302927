"""Runs mutmut in the current folder with the operators of this house. A script: it imports nothing of the repository.

mutmut neither deletes a statement nor forces a condition, and most of what it does change is the text of messages. A deletion test
asks the other question: is every check needed, and does every part of its condition count? So this list of operators deletes calls,
forces conditions, drops one operand of `and` and `or`, ends loops after one turn, drops filters of comprehensions, and leaves
everything inside an error's constructor alone, and whatever else only words a message: facts such as `message=`, sentences on their
way into one, functions that show a value.

    tester.py run [--max-children N]     mutate and test
    tester.py results                    print `[module, name, status, diff]` per mutant, as JSON
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, TypeAlias

import libcst as cst
from libcst import matchers as m
from mutmut.mutation import mutators

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SILENT: dict[int, cst.CSTNode] = {}
"""Nodes inside a message, by identity; held so that no other node gets the same one."""

_FACTS = {"what", "expected", "got", "where", "hint", "rule", "field", "effect", "remedies"}
_TELLING = {"Fault", "_Fault", "Failure", "Refused", "Dependency", "Plan"}
"""What carries a `message` for people beside what is decided."""
_SENTENCES = m.Name(m.MatchIfTrue({"text", "more", "said", "stopped", "whom", "some", "named"}.__contains__))
"""What parts of a message are called before they are put together."""
_WORDS = m.SimpleString(m.MatchRegex(r".*\w \w.*")) | m.FormattedStringText(m.MatchRegex(r".* .*"))
"""Text of several words: whatever holds some is for people."""
_SHOWING = m.FunctionDef(name=m.Name("_shown") | m.Name("_named"), returns=m.Annotation(m.Name("str")))
"""Functions that put a value into the words of a message, and do nothing else."""
_SWAPPED = {"any": "all", "all": "any", "min": "max", "max": "min"}
_TRUE, _FALSE = cst.Name("True"), cst.Name("False")


_Wording: TypeAlias = cst.Raise | cst.Assign | cst.Call | cst.Arg | cst.FormattedStringExpression | cst.FunctionDef


def silence(node: _Wording) -> Iterator[cst.CSTNode]:
    """Mark what stands inside an error or a message, and the words for its facts: who reads them decides nothing by them."""
    inner = node.exc if isinstance(node, cst.Raise) else _message(node)
    waiting = [inner] if inner is not None else []
    while waiting:
        one = waiting.pop()
        _SILENT[id(one)] = one
        waiting.extend(one.children)
    yield from ()


def _message(node: cst.Assign | cst.Call | cst.Arg | cst.FormattedStringExpression | cst.FunctionDef) -> cst.CSTNode | None:
    if isinstance(node, cst.FunctionDef):
        return node.body if m.matches(node, _SHOWING) else None
    if isinstance(node, cst.FormattedStringExpression):
        # How much of a value is shown.
        return node.expression if m.matches(node.expression, m.Subscript(slice=[m.SubscriptElement(m.Slice())])) else None
    if isinstance(node, cst.Assign):
        is_text = m.matches(node.targets[0].target, m.Name("where") | m.Name("hint"))
        is_shown = m.matches(node.targets[0].target, m.Name("got")) and m.findall(
            node.value, m.SimpleString() | m.FormattedString()
        )
        is_sentence = m.matches(node.targets[0].target, _SENTENCES) and m.findall(node.value, _WORDS)
        return node.value if is_text or is_shown or is_sentence else None
    if isinstance(node, cst.Arg):
        return node if node.keyword is not None and node.keyword.value in _FACTS else None
    return _wording(node)


def _wording(call: cst.Call) -> cst.CSTNode | None:
    name = call.func.attr if isinstance(call.func, cst.Attribute) else call.func
    if not isinstance(name, cst.Name):
        return None
    if name.value in _TELLING:
        return next((one for one in call.args if one.keyword is not None and one.keyword.value == "message"), None)
    if name.value in {"Fields", "cast"}:
        return call.args[-1 if name.value == "Fields" else 0]
    return call if name.value.endswith("Error") or name.value in {"translating", "pass_over", "offer", "Remedy"} else None


def delete_call(node: cst.SimpleStatementLine) -> Iterator[cst.CSTNode]:
    """`check(x)` alone on its line → `pass`."""
    if len(node.body) == 1 and m.matches(node.body[0], m.Expr(value=m.Call(func=~m.Attribute(attr=m.Name("offer"))))):
        yield node.with_changes(body=[cst.Pass()])


def force_condition(node: cst.If) -> Iterator[cst.CSTNode]:
    """`if x:` → `if False:`, and `if True:` where the branch does not refuse."""
    yield node.with_changes(test=_FALSE)
    if not isinstance(node.body, cst.IndentedBlock) or not m.matches(
        node.body.body[-1], m.SimpleStatementLine(body=[m.ZeroOrMore(), m.Raise()])
    ):
        yield node.with_changes(test=_TRUE)


def drop_operand(node: cst.BooleanOperation) -> Iterator[cst.CSTNode]:
    """`a and b` → `a` and → `b`; the same for `or`."""
    yield _bracketed(node.left)
    yield _bracketed(node.right)


def _bracketed(node: cst.BaseExpression) -> cst.BaseExpression:
    # A chain that stood on several lines inside brackets needs brackets of its own.
    return node if node.lpar else node.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])


def swap_comparison(node: cst.ComparisonTarget) -> Iterator[cst.CSTNode]:
    """`<` → `<=`, `==` → `!=` and so on; `in` and `is` are mutmut's own keyword operator."""
    yield from mutators.operator_swap_op(node)


def drop_filter(node: cst.CompFor) -> Iterator[cst.CSTNode]:
    """`for x in y if z` → `for x in y`."""
    for i in range(len(node.ifs)):
        yield node.with_changes(ifs=[*node.ifs[:i], *node.ifs[i + 1 :]])


def end_loop(node: cst.For | cst.While) -> Iterator[cst.CSTNode]:
    """End a loop after its first turn: every element must count."""
    if isinstance(node.body, cst.IndentedBlock) and not m.matches(
        node.body.body[-1], m.SimpleStatementLine(body=[m.ZeroOrMore(), m.Raise() | m.Return() | m.Break()])
    ):
        ended = [*node.body.body, cst.SimpleStatementLine([cst.Break()])]
        yield node.with_changes(body=node.body.with_changes(body=ended))


def drop_with(node: cst.With) -> Iterator[cst.CSTNode]:
    """`with guard():` without `as` → its body alone."""
    if all(item.asname is None for item in node.items):
        yield cst.If(test=_TRUE, body=node.body, leading_lines=node.leading_lines)


def swap_call(node: cst.Call) -> Iterator[cst.CSTNode]:
    """`any` ↔ `all`, `min` ↔ `max`."""
    if isinstance(node.func, cst.Name) and node.func.value in _SWAPPED:
        yield node.with_changes(func=cst.Name(_SWAPPED[node.func.value]))


def forget_argument(node: cst.Call) -> Iterator[cst.CSTNode]:
    """`f(at=time)` → `f(at=None)`: a bound that is not handed on."""
    for i, argument in enumerate(node.args):
        if (
            argument.keyword is not None
            and argument.keyword.value not in _FACTS
            and id(argument) not in _SILENT
            and not m.matches(argument.value, m.Name("None") | m.Name("True") | m.Name("False"))
        ):
            forgotten = argument.with_changes(value=cst.Name("None"))
            yield node.with_changes(args=[*node.args[:i], forgotten, *node.args[i + 1 :]])


def change_text(node: cst.SimpleString) -> Iterator[cst.CSTNode]:
    """`"x"` → `"XXxXX"`; one such change is enough, and text of several words is for people."""
    if " " not in node.value:
        yield from list(mutators.operator_string(node))[:1]


def _audible(operator: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda node: () if id(node) in _SILENT else operator(node)


_OPERATORS: list[tuple[type, Callable[[Any], Any]]] = [
    (cst.BaseNumber, mutators.operator_number),
    (cst.SimpleString, change_text),
    (cst.Name, mutators.operator_name),
    (cst.UnaryOperation, mutators.operator_remove_unary_ops),
    (cst.Lambda, mutators.operator_lambda),
    (cst.Call, mutators.operator_symmetric_string_methods_swap),
    (cst.Call, mutators.operator_unsymmetrical_string_methods_swap),
    (cst.Match, mutators.operator_match),
    (cst.IfExp, mutators.operator_if_exp),
    (cst.CSTNode, mutators.operator_keywords),
    (cst.BinaryOperation, mutators.operator_swap_op),
    (cst.AugAssign, mutators.operator_augmented_assignment),
    (cst.ComparisonTarget, swap_comparison),
    (cst.SimpleStatementLine, delete_call),
    (cst.If, force_condition),
    (cst.BooleanOperation, drop_operand),
    (cst.CompFor, drop_filter),
    (cst.For, end_loop),
    (cst.While, end_loop),
    (cst.With, drop_with),
    (cst.Call, swap_call),
    (cst.Call, forget_argument),
]


def _run(arguments: list[str]) -> None:
    from mutmut.__main__ import cli  # not earlier: it sets how processes start

    # The list is what mutmut hands to every visitor, by identity: its contents are replaced, silencing first.
    mutators.mutation_operators[:] = [  # type: ignore[index]
        (cst.FunctionDef, silence),
        (cst.Raise, silence),
        (cst.Assign, silence),
        (cst.Call, silence),
        (cst.Arg, silence),
        (cst.FormattedStringExpression, silence),
        *((kind, _audible(operator)) for kind, operator in _OPERATORS),
    ]
    cli(["run", *arguments])


def _results() -> None:
    from mutmut.__main__ import collect_source_file_mutation_data
    from mutmut.mutation.diff_apply import get_diff_for_mutant
    from mutmut.stats import status_by_exit_code

    found = []
    for data, name, code in collect_source_file_mutation_data(mutant_names=())[0]:
        status = status_by_exit_code[code]
        diff = get_diff_for_mutant(name, path=data.path) if status in {"survived", "no tests"} else ""
        found.append([str(data.path), name, status, diff])
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    if sys.argv[1] == "results":
        _results()
    else:
        _run(sys.argv[2:])
