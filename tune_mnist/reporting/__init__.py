"""Reports on the results of searches: tables, plots and pages."""
