"""What is kept of a search: the study and its journal, the ledger of trials, their table."""
