"""The service: answers from a published run, decides nothing."""
