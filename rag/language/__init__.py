"""What several stages must know of language and layout: each once, beneath them all."""
