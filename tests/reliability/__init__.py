"""What must not happen, tried many times over: see docs/reliability.md for each promise and its figure.

`make test` tries each a fifth as often as docs/reliability.md says, `TRIES=full make test` in full, `make soak` for hours. A
test prints its figure.
"""
