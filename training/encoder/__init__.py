"""The training of the builtin encoder is its export: official weights to an int8 network."""
