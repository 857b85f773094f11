"""One vendor a module: the only code that imports a store's, a model's or a parser's library."""
