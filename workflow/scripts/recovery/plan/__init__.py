"""From a study to scenarios, batches, cells, paths, seeds and identities."""
