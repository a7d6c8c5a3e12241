"""Which students are likely to miss a tenth of next year, and why."""
