"""Parts of the page that reports on a run: HTML, charts, pictures."""
