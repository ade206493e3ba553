"""What makes the shipped weights; nothing here is imported by the program."""
