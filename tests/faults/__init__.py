"""One fault each: every single check refuses something whose only fault is the one that it looks for.

A row has a good twin, which differs in nothing else and is accepted by both verifiers (or says why the second one cannot judge).
Without it a refusal proves nothing: the row could fail for any other reason. Removing a check must turn a row of its name red.
"""
