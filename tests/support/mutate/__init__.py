"""The deletion test: what decides is changed in one place at a time, and the tests must notice (`make mutate`)."""
