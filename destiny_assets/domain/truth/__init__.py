"""Which of the values that sources claim is true: reading values, weighing sources, and saying how sure one can be."""
