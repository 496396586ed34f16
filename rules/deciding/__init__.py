"""What is made of the evidence: weights, scores, what is settled and what follows."""
