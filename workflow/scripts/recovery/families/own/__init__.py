"""A researcher's own family: its file is loaded, checked and called with care."""
