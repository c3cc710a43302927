"""Plugins carried across an air gap: two network namespaces that share no network, and files that go from one to the other.

`internet.py` runs in a namespace where `ghcr.io` is a registry, `inside.py` in one where nothing but loopback exists: a cluster with
the operator and a mirror. `demo.py` starts both and carries the files.
"""
