"""Who may see which student, and why: the one place that decides."""
