"""The exact schedule of an answer, as X-Mock-Plan says it: head, nodes and end cost no time of their own here."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    first_ms: float = 100
    gap_ms: float = 20
    tokens: int = 50

    @property
    def stream_ms(self):
        return self.first_ms + self.gap_ms * (self.tokens - 1)

    def text(self):
        return (f"head=0s queue=0s node=0s first={self.first_ms:g}ms gap={self.gap_ms:g}ms tail=0s "
                f"tokens={self.tokens}")

    def at_once(self):
        return Schedule(0, 0, self.tokens).text()

    def spread(self, users):
        """Users a second, so that the starts lie evenly over the time that a stream takes."""
        return max(1, round(users * 1000 / self.stream_ms))


CHAT = Schedule()  # an answer of 50 tokens
SENTENCE = Schedule(100, 0, 1)  # the published test's simple chatflow: a fixed sentence, in one event


@dataclass(frozen=True)
class Load:
    users: int
    seconds: float
    spawn: float  # users started a second
    warm_up: float = 0  # seconds whose streams are left out of the times
    schedule: Schedule = CHAT
    target: str = "mock"  # mock, tls, cheap (targets.py)
