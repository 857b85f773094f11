"""What texts that have nothing to do with each other have for a cosine, by one model's reckoning. Vectors in, a number out.

Models differ in it: 0.04 for all-MiniLM-L6-v2, 0.37 for bge-small-en-v1.5, up to 0.7 for others. A cosine that is joined with other
scores therefore counts by how far it lies above.
"""

import numpy as np
import numpy.typing as npt

PASSAGES = {
    "How long does bread dough have to rise before it is baked?": "Leave the dough in a warm place until it has doubled in size.",
    "Which key signs a container image?": "Images are signed with the private key of the release manager.",
    "Who painted the ceiling of the chapel?": "The frescoes were finished by the master and his pupils within four years.",
    "What does the court say about late rent?": "The tenant owes interest on rent paid after the third working day.",
    "How many moons does Jupiter have?": "Ninety-five satellites of the planet had been confirmed by then.",
    "When should tomato plants be pruned?": "Side shoots are removed in early summer, so that the fruit gets more light.",
    "How is a broken wrist treated?": "A cast is worn for six weeks, and then the joint is moved a little every day.",
    "What is the refund policy for cancelled flights?": "Passengers get their money back if the airline cancels.",
    "Why does the compiler reject this type?": "A type parameter has to satisfy every bound that the trait declares.",
    "Which team won the rowing race?": "The crew from the northern college finished two lengths ahead.",
    "How are interest rates set?": "The committee votes on the rate eight times a year and publishes its minutes.",
    "What do whales eat in winter?": "In cold months they live on stored fat and on small fish near the ice.",
}
"""Questions and a passage that answers each, no two of one subject."""

# A model that finds nothing unlike would leave no room above.
_MOST = 0.9


def unrelated_cosine(questions: npt.NDArray[np.float32], passages: npt.NDArray[np.float32]) -> float:
    """The mean cosine of the questions with each other's passages, in [0, 0.9]; rows are unit vectors, in the order of `PASSAGES`."""
    cosines = questions @ passages.T
    return float(np.clip(np.mean(cosines[~np.eye(len(cosines), dtype=bool)]), 0.0, _MOST))


def above_unrelated(cosine: float, unrelated: float) -> float:
    """``(cosine - unrelated) / (1 - unrelated)``: 0 for what is unrelated, 1 for the same, below 0 for less than unrelated."""
    return (cosine - unrelated) / (1.0 - unrelated)
