import subprocess
import sys

import pytest

import supplychain


def test_every_public_name_can_be_had_from_the_package():
    assert sorted(supplychain.__all__) == supplychain.__all__
    assert {getattr(supplychain, name).__name__ for name in supplychain.__all__} == set(supplychain.__all__)


def test_a_name_that_is_not_public_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute `verify_everything`"):
        _ = supplychain.verify_everything


def test_importing_the_package_loads_nothing_else():
    program = (
        "import sys, supplychain; print([n for n in sys.modules if n.startswith(('supplychain.', 'cryptography', 'pydantic'))])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
