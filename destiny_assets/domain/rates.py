"""Token buckets: how much a caller may do a second, with the time handed in."""


class TokenBucket:
    """`rate` tokens a second flow in, up to `burst`; not thread-safe."""

    __slots__ = ("_at", "_left", "burst", "rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        """A full bucket at `now` seconds of a clock that never goes back."""
        self.rate, self.burst = rate, burst
        self._left, self._at = burst, now

    def take(self, now: float) -> float:
        """Take a token: 0.0 when there was one, else the seconds until there will be; then nothing is taken."""
        self._left = min(self.burst, self._left + (now - self._at) * self.rate)
        self._at = now
        if self._left >= 1:
            self._left -= 1
            return 0.0
        return (1 - self._left) / self.rate
