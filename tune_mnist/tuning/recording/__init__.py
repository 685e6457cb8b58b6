"""Records of a search: the study and its journal, the trial store and the table of trials."""
