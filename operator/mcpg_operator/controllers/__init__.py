"""The controllers, one package for each kind: `observe` reads, `decide` rules and touches nothing, `enact` writes."""
