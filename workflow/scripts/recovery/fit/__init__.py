"""Datasets and batches of fits; a failed fit is a row of the tables."""
