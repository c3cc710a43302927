"""Plugins whose bytes are released when the test ends."""

from contextlib import ExitStack

import pytest

from tests.support.stored_plugins import verified


@pytest.fixture
def make():
    with ExitStack() as spools:

        def made(*args, **options):
            plugin = verified(*args, **options)
            spools.enter_context(plugin.package.artifact)
            return plugin

        yield made
