"""The one error that loading, reading and running a generator raises of its own."""

from __future__ import annotations


class GeneratorError(Exception):
    """Say in a sentence what is wrong with a generator, its settings or what it returned.

    Attributes
    ----------
    spec : str
        What the user named, such as ``"my_tts.py:speak"``; empty where no generator is known.
    reason : str
        A sentence for the user.

    >>> print(GeneratorError("my_tts.py:speak", "There is no file /home/me/my_tts.py."))
    my_tts.py:speak: There is no file /home/me/my_tts.py.
    """

    def __init__(self, spec: str, reason: str) -> None:
        super().__init__(spec, reason)
        self.spec = spec
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.spec}: {self.reason}" if self.spec else self.reason
