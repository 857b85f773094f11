"""How much a run may still hand to a model. What the model counts itself is the adapter's business."""

from collections.abc import Sequence
from dataclasses import dataclass

# English has four and more, source code three: an estimate that leaves some of the budget over rather than passing it.
_CHARACTERS_A_TOKEN = 3


def estimated_tokens(text: str) -> int:
    """About how many tokens a text is, rather too many."""
    return len(text) // _CHARACTERS_A_TOKEN + 2


@dataclass(slots=True)
class TokenBudget:
    """At most `limit` tokens a run (None: as many as there are), of which `spent` are gone.

    `beside` is what each text costs at most beside its own tokens: what goes with it, and what is answered.
    """

    limit: int | None
    spent: int = 0
    beside: int = 0

    def admitted(self, texts: Sequence[str]) -> int:
        """How many of the texts, from the first on, still fit by their estimates."""
        if self.limit is None:
            return len(texts)
        left = self.limit - self.spent
        for count, text in enumerate(texts):
            left -= estimated_tokens(text) + self.beside
            if left < 0:
                return count
        return len(texts)

    def note(self, texts: Sequence[str], counted: int) -> None:
        """Texts were read; `counted` are their tokens as the model counted them, 0 where it does not: then their estimates count."""
        self.spent += counted or sum(estimated_tokens(text) + self.beside for text in texts)
