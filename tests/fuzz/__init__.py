"""Fuzzing of everything that reads foreign bytes: `make fuzz`, and a small fixed part of it in every test run.

Start reading at `targets`: a target says what good input looks like, what is done with a changed one, and what must hold where it
is still accepted. `mutate` changes inputs by their structure, `runner` keeps the bounds, minimises findings and counts.
"""
