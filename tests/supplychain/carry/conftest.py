"""Both ways: to a mirror with the referrers API, and to one without."""

import pytest

from tests.support.carrying import Hall


@pytest.fixture(params=["referrers", "distribution"])
def hall(request, registries):
    """Upstream has the API where the mirror lacks it, and the other way round."""
    upstream, mirror = registries.distribution, registries.referrers
    if request.param == "distribution":
        upstream, mirror = mirror, upstream
    hall = Hall(upstream=upstream.host, mirror=mirror.host)
    yield hall
    hall.client.close()


@pytest.fixture
def bare_hall(registries):
    """The mirror has no referrers API."""
    hall = Hall(upstream=registries.referrers.host, mirror=registries.distribution.host)
    yield hall
    hall.client.close()
