"""Every fault of networks and registries as everyday weather: what a command says of it, how long it takes, what it leaves."""
