"""The sections of the page, each a function from tables to the content that `page.html` shows."""
