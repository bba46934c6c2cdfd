"""The parts of the built-in synthesizer, in the order in which a sound passes through them.

``latent`` places sliders and seed in a 64-dimensional space; ``patch`` reads a point of it as settings of the
instrument; ``phrase`` chooses the notes; ``voice`` and ``noise`` sound them; ``space`` moves them in stereo and adds a
room; ``level`` brings all takes to one loudness. ``exact`` is the arithmetic under all of it.
"""
