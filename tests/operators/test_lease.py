"""The election: one holder at a time, whatever the clocks and the API server do."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from mcpg_operator.resources import LEASE, Key
from mcpg_operator.runtime.lease import Elector
from mcpg_operator.settings import Settings
from supplychain.errors import ClusterUnavailableError
from tests.support.fake_cluster import FakeCluster

KEY = Key(LEASE, "mcpg-operator", "mcpg-system")


class Time:
    """Both clocks; wall clocks of replicas may differ by `skew`."""

    def __init__(self, skew=0.0):
        self.monotonic = 5000.0
        self.skew = skew

    def clock(self):
        return self.monotonic

    def now(self):
        return datetime(2026, 11, 21, 10, tzinfo=UTC) + timedelta(seconds=self.monotonic - 5000 + self.skew)


@pytest.fixture
def cluster():
    return FakeCluster()


@pytest.fixture
def time():
    return Time()


def elector(cluster, time, name="one", **settings):
    return Elector(cluster, Settings(pod_name=name, **settings), clock=time.clock, now=time.now)


def spec(cluster):
    return cluster.get(LEASE, KEY.name, namespace=KEY.namespace).spec


def test_an_absent_lease_is_created(cluster, time):
    one = elector(cluster, time)
    assert not one.held
    assert one.attempt()
    assert one.held
    assert spec(cluster) == {
        "holderIdentity": "one",
        "leaseDurationSeconds": 30,
        "acquireTime": "2026-11-21T10:00:00.000000Z",
        "renewTime": "2026-11-21T10:00:00.000000Z",
        "leaseTransitions": 0,
    }


def test_its_own_lease_is_renewed_and_nothing_else_changes(cluster, time):
    one = elector(cluster, time)
    one.attempt()
    time.monotonic += 4
    assert one.attempt()
    assert spec(cluster)["renewTime"] == "2026-11-21T10:00:04.000000Z"
    assert (spec(cluster)["acquireTime"], spec(cluster)["leaseTransitions"]) == ("2026-11-21T10:00:00.000000Z", 0)


def test_a_restarted_replica_of_the_same_name_goes_on_at_once(cluster, time):
    elector(cluster, time).attempt()
    assert elector(cluster, time).attempt()


def test_a_lease_that_another_renews_is_left_alone(cluster, time):
    one, two = elector(cluster, time), elector(cluster, time, "two")
    one.attempt()
    for _ in range(20):
        assert not two.attempt()
        time.monotonic += 4
        assert one.attempt()
    assert (two.held, two.holder) == (False, "one")


def test_a_lease_that_stood_still_for_its_duration_is_taken_over(cluster, time):
    one, two = elector(cluster, time), elector(cluster, time, "two")
    one.attempt()
    assert not two.attempt()
    time.monotonic += 29.9
    assert not two.attempt()
    time.monotonic += 0.1
    assert two.attempt()
    assert (spec(cluster)["holderIdentity"], spec(cluster)["leaseTransitions"]) == ("two", 1)
    assert spec(cluster)["acquireTime"] == spec(cluster)["renewTime"]


@pytest.mark.parametrize("skew", [-86_400, 86_400])
def test_a_wrong_wall_clock_neither_takes_early_nor_waits_for_ever(cluster, time, skew):
    one = elector(cluster, time)
    one.attempt()
    two = Elector(cluster, Settings(pod_name="two"), clock=time.clock, now=lambda: time.now() + timedelta(seconds=skew))
    assert not two.attempt()
    time.monotonic += 29
    assert not two.attempt()
    time.monotonic += 1
    assert two.attempt()


def test_a_lease_seen_first_today_is_not_expired_however_old_it_says_it_is(cluster, time):
    elector(cluster, time).attempt()
    time.monotonic += 10_000
    assert not elector(cluster, time, "two").attempt()


@pytest.mark.parametrize("change", [{"renewTime": None}, {"holderIdentity": None}, {"holderIdentity": ""}])
def test_a_lease_without_holder_or_time_is_taken_at_once(cluster, time, change):
    elector(cluster, time).attempt()
    cluster.edit(KEY, lambda body: body["spec"].update(change))
    two = elector(cluster, time, "two")
    assert two.attempt()
    assert spec(cluster)["leaseTransitions"] == 1


@pytest.mark.parametrize("wrong", [None, "text", [], {"leaseTransitions": "many", "leaseDurationSeconds": "long"}])
def test_a_lease_full_of_rubbish_is_taken(cluster, time, wrong):
    cluster.put(LEASE, {"metadata": {"name": KEY.name, "namespace": KEY.namespace}, "spec": wrong})
    assert elector(cluster, time).attempt()
    assert spec(cluster)["leaseTransitions"] == 1


def test_a_record_that_promises_longer_is_waited_for_within_reason(cluster, time):
    elector(cluster, time).attempt()
    cluster.edit(KEY, lambda body: body["spec"].update(leaseDurationSeconds=100))
    two = elector(cluster, time, "two")
    two.attempt()
    time.monotonic += 99
    assert not two.attempt()
    time.monotonic += 1
    assert two.attempt()
    cluster.edit(KEY, lambda body: body["spec"].update(leaseDurationSeconds=10**9))
    three = elector(cluster, time, "three")
    three.attempt()
    time.monotonic += 600
    assert three.attempt()


def test_a_replica_that_cannot_renew_stops_before_anybody_else_may_start(cluster, time):
    one, two = elector(cluster, time), elector(cluster, time, "two")
    one.attempt()
    two.attempt()
    cluster.fail_with(ClusterUnavailableError("down"))
    for _ in range(4):
        time.monotonic += 4.9
        assert one.attempt()
    time.monotonic += 0.5
    assert not one.held
    cluster.heal()
    assert not two.attempt()


def test_an_error_of_the_api_server_is_logged_and_not_raised(cluster, time, caplog):
    cluster.fail_with(ClusterUnavailableError("down"))
    assert not elector(cluster, time).attempt()
    assert "the Lease cannot be read or written: down" in caplog.text


def test_the_time_counts_from_before_the_request(cluster, time):
    one = elector(cluster, time)

    class Slow(FakeCluster):
        def create(self, manifest):
            time.monotonic += 25
            return super().create(manifest)

    one._cluster = Slow()
    assert not one.attempt()
    assert not one.held


def test_a_lease_that_another_has_taken_is_given_up_at_once(cluster, time):
    one = elector(cluster, time)
    one.attempt()
    cluster.edit(KEY, lambda body: body["spec"].update(holderIdentity="two"))
    assert not one.attempt()
    assert not one.held


def test_a_deleted_lease_is_made_again(cluster, time):
    one = elector(cluster, time)
    one.attempt()
    cluster.remove(KEY)
    assert one.attempt()


def test_of_two_that_take_an_expired_lease_at_once_one_wins(cluster, time):
    elector(cluster, time, "gone").attempt()
    one, two = elector(cluster, time), elector(cluster, time, "two")

    class Interleaved(FakeCluster):
        """Lets the other replica write between our read and our write."""

        def get(self, kind, name, *, namespace=None):
            return cluster.get(kind, name, namespace=namespace)

        def replace(self, manifest):
            assert two.attempt()
            return cluster.replace(manifest)

    one.attempt()
    two.attempt()
    time.monotonic += 30
    one._cluster = Interleaved()
    assert not one.attempt()
    assert (two.held, spec(cluster)["holderIdentity"]) == (True, "two")


def test_of_two_that_create_at_once_one_wins(cluster, time):
    one, two = elector(cluster, time), elector(cluster, time, "two")
    assert two.attempt()

    class Blind(FakeCluster):
        """Shows a moment in which the other replica has not written yet."""

        def create(self, manifest):
            return cluster.create(manifest)

    one._cluster = Blind()
    assert not one.attempt()
    assert (one.held, two.held) == (False, True)


def test_racing_threads_never_hold_it_together(cluster):
    time = Time()
    electors = [elector(cluster, time, str(number)) for number in range(4)]
    start = threading.Barrier(4)
    holders: list[Elector] = []

    def race(one):
        start.wait(20)
        holders.extend(one for _ in range(25) if one.attempt())

    threads = [threading.Thread(target=race, args=(one,)) for one in electors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len({id(one) for one in holders}) == 1
    assert sum(one.held for one in electors) == 1


def test_a_released_lease_is_free_at_once_and_keeps_its_count(cluster, time):
    one, two = elector(cluster, time), elector(cluster, time, "two")
    one.attempt()
    time.monotonic += 4
    one.release()
    assert "holderIdentity" not in spec(cluster)
    assert "acquireTime" not in spec(cluster)
    assert spec(cluster)["renewTime"] == "2026-11-21T10:00:04.000000Z"
    assert spec(cluster)["leaseTransitions"] == 0
    assert not one.held
    assert not one.attempt()
    assert two.attempt()
    assert spec(cluster)["leaseTransitions"] == 1


def test_only_the_holder_releases(cluster, time):
    one, two = elector(cluster, time), elector(cluster, time, "two")
    one.attempt()
    two.release()
    cluster.edit(KEY, lambda body: body["spec"].update(holderIdentity="three"))
    one.release()
    assert spec(cluster)["holderIdentity"] == "three"


def test_whoever_has_lost_it_releases_nothing(cluster, time):
    one = elector(cluster, time)
    one.attempt()
    time.monotonic += 21
    cluster.writes.clear()
    one.release()
    assert cluster.writes == []
    assert spec(cluster)["holderIdentity"] == "one"


def test_a_lease_that_is_gone_needs_no_release(cluster, time):
    one = elector(cluster, time)
    one.attempt()
    cluster.remove(KEY)
    one.release()
    assert cluster.objects(LEASE) == []


def test_another_duration_is_written_with_the_next_renewal(cluster, time):
    elector(cluster, time).attempt()
    elector(cluster, time, lease_duration=60).attempt()
    assert spec(cluster)["leaseDurationSeconds"] == 60


def test_every_take_over_is_counted(cluster, time):
    for number, name in enumerate(("one", "two", "three")):
        one = elector(cluster, time, name)
        assert one.attempt()
        assert spec(cluster)["leaseTransitions"] == number
        one.release()


def test_a_record_that_promises_nonsense_is_waited_for_as_long_as_our_own_would_be(cluster, time):
    elector(cluster, time).attempt()
    cluster.edit(KEY, lambda body: body["spec"].update(leaseDurationSeconds="long"))
    two = elector(cluster, time, "two")
    assert not two.attempt()
    time.monotonic += 29
    assert not two.attempt()
    time.monotonic += 1
    assert two.attempt()


@pytest.mark.parametrize("change", [{"holderIdentity": None}, {"holderIdentity": ""}])
def test_where_nobody_holds_it_nobody_is_named(cluster, time, change):
    elector(cluster, time).attempt()
    cluster.edit(KEY, lambda body: body["spec"].update(change))
    two = elector(cluster, time, "two")
    two.attempt()
    assert two.holder == ""


class Stop:
    """Is set after so many pauses."""

    def __init__(self, pauses, between=lambda: None):
        self.left = pauses
        self.between = between

    def is_set(self):
        return self.left == 0

    def wait(self, seconds):
        self.left -= 1
        self.between()


def test_the_loop_waits_for_its_turn_and_goes_on_while_it_holds(cluster, time):
    holder, two = elector(cluster, time), elector(cluster, time, "two")
    holder.attempt()
    stop = Stop(5)
    two.run(stop)
    assert stop.left == 0
    assert not two.held
    holder.release()
    stop = Stop(5)
    two.run(stop)
    assert stop.left == 0
    assert two.held


def test_the_loop_survives_a_renewal_that_fails_and_ends_with_its_time(cluster, time):
    one = elector(cluster, time)
    one.attempt()
    cluster.fail_with(ClusterUnavailableError("down"))
    stop = Stop(50, between=lambda: setattr(time, "monotonic", time.monotonic + 4))
    one.run(stop)
    assert stop.left == 45  # twenty seconds later


def test_a_release_that_fails_is_logged(cluster, time, caplog):
    one = elector(cluster, time)
    one.attempt()
    cluster.fail_with(ClusterUnavailableError("down"))
    one.release()
    assert "the Lease could not be released" in caplog.text
    cluster.heal()
    two = elector(cluster, time, "two")
    two.attempt()
    cluster.remove(KEY)
    two.release()
    assert cluster.objects(LEASE) == []


def test_every_write_carries_the_version_that_was_read(cluster, time):
    one = elector(cluster, time)
    one.attempt()
    before = cluster.get(LEASE, KEY.name, namespace=KEY.namespace).resource_version
    versions = []

    class Watched(FakeCluster):
        def get(self, kind, name, *, namespace=None):
            return cluster.get(kind, name, namespace=namespace)

        def replace(self, manifest):
            versions.append(manifest["metadata"]["resourceVersion"])
            return cluster.replace(manifest)

    one._cluster = Watched()
    assert one.attempt()
    assert versions == [before]


def test_the_loop_ends_when_the_lease_is_lost_and_when_it_is_told_to():
    cluster, stop = FakeCluster(), threading.Event()
    one = Elector(cluster, Settings(pod_name="one", lease_retry=0.01, lease_renew=0.2, lease_duration=1))
    loop = threading.Thread(target=one.run, args=(stop,))
    loop.start()
    while not one.held:
        assert loop.is_alive()
    cluster.fail_with(ClusterUnavailableError("down"))
    loop.join(20)
    assert not loop.is_alive()
    assert not one.held
    stop.set()
    one.run(stop)
