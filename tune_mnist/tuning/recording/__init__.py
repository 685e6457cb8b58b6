"""What is kept of a search: the study and its journal, the trial store of trials, their table."""
