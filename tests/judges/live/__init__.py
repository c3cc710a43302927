"""The live comparison: evidence by the real cosign from a real private Sigstore, judged by cosign and by us.

Everything is signed once. Each case changes something about that evidence, or about the question, and says beforehand what the
right answer is and why. `python -m tests.judges.live` prints the table that stands in `docs/cosign-comparison.md`.
"""
