"""all-MiniLM-L6-v2 from files that arrive in packages: tokenizer, weights, two engines and the embedder over them."""
