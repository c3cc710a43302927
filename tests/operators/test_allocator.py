"""Threads share one heap where the C library has many, and nothing happens where it has one."""

import ctypes

from mcpg_operator.runtime.allocator import share_one_heap


class Library:
    def __init__(self, answer=None):
        self.calls: list[tuple[int, ...]] = []
        self.answer = answer
        if answer is not None:
            self.mallopt = self._mallopt

    def _mallopt(self, *given):
        self.calls.append(given)
        return self.answer


def test_glibc_is_told_to_make_one(monkeypatch):
    library = Library(answer=1)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    assert share_one_heap()
    assert library.calls == [(-8, 1)]


def test_a_library_that_refuses_or_knows_nothing_of_it_is_left_alone(monkeypatch):
    for library in (Library(answer=0), Library()):
        monkeypatch.setattr(ctypes, "CDLL", lambda name, library=library: library)
        assert not share_one_heap()
