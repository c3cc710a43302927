"""Child objects as manifests. Pure: verified facts go in, plain JSON comes out; nothing here reads or writes a cluster."""

__all__: list[str] = []
