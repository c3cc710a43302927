"""Time and memory beside peers and limits measured in the same run; prints ratios, asserts nothing.

`make bench` runs all but the operator's, `make bench-operator` that; `python -m benchmarks NAME…` runs some. `make tools` builds
the real components; a part without its peer says so and goes on.
"""
