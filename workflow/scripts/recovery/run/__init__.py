"""What happens around a run: checks before it, the lock on its results, one fit again."""
