"""Datasets, and fits of them: a batch at a time, failures as rows."""
