"""What every stage has to know of language, each thing once: sentences, words, names, quantities, dates.

It imports nothing above it but the nouns, so that indexing, reading, checking, training and evaluation mean the same
by a sentence, a word, a name and a number.
"""
