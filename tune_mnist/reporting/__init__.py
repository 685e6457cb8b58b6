"""What a results folder tells: tables, plots, pages."""
