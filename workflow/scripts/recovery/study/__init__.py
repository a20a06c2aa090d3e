"""The study file: read, typed, checked, and put into words where it is wrong."""
