"""Rebuilds `testdata/` byte for byte: `python -m tests.support.testdata`, or `make testdata`.

`release.py` makes everything that a publisher releases and one cluster demands, honest by default; `demo.py` and the `cases_*.py`
modules change one thing each. Nothing here is random, and no private key is stored: keys follow from seeds in the source.
"""
