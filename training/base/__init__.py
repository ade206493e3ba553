"""The multilingual base that a reader can be trained from; see training/README.md."""
