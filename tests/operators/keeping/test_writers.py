"""A sweep and those who write meanwhile."""

from mcpg_operator.keeping.writers import Writers


def deleted(writers: Writers, name: str) -> bool:
    return writers.unless_written(name, lambda: True)


def test_what_is_written_during_a_sweep_is_left_alone_and_others_are_not():
    writers = Writers()
    writers.begin_sweep()
    with writers.writing("a", "b"):
        assert [deleted(writers, one) for one in "abc"] == [False, False, True]
    assert [deleted(writers, one) for one in "abc"] == [False, False, True]
    writers.begin_sweep()
    assert [deleted(writers, one) for one in "abc"] == [True, True, True]


def test_what_was_half_way_when_the_sweep_began_is_left_alone():
    """Its listing may show a shard, and not yet what is to refer to it."""
    writers = Writers()
    with writers.writing("shard"):
        writers.begin_sweep()
    assert not deleted(writers, "shard")


def test_two_writers_of_one_name_are_two():
    writers = Writers()
    with writers.writing("shard"):
        with writers.writing("shard"):
            pass
        writers.begin_sweep()
    assert not deleted(writers, "shard")
    writers.begin_sweep()
    assert deleted(writers, "shard")


def test_a_delete_that_came_to_nothing_is_told():
    assert not Writers().unless_written("gone", lambda: False)
