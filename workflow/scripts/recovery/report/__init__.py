"""The page, the paper's tables and text."""
