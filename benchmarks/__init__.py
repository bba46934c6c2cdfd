"""How fast Retake is, beside what else would do the same and beside the disk itself: `python -m benchmarks`.

Machines differ and are noisy, so nothing is promised in milliseconds: every bar is a ratio within one run, of medians of
samples that were taken next to each other.
"""
