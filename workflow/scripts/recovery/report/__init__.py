"""The page, and tables and text for a paper."""
