"""What trains, calibrates and exports the reader: spans and no-answer scores of question and passage."""
