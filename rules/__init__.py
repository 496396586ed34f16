"""Judgement: a message, evidence and standing in, a verdict out; knows neither network nor clock."""
