"""What turns events into level-triggered passes: a store, a work queue, a Lease, a relist, and the threads that run them."""

__all__: list[str] = []
