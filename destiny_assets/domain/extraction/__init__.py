"""Names, times, numbers and what sentences say of them, in one document alone and without a model; and how right that is."""
