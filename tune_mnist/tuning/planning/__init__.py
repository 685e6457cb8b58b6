"""What a search is going to do: where its trials run, and how long it may take."""
