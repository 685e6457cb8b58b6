"""Planning of a search: resources of its trials, time budget and expected duration."""
