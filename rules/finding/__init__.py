"""What is found in a message: terms, patterns, and which rules fire on them."""
