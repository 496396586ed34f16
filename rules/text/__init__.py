"""How a text is read: folding, words, links."""
