"""The trials under way: Ray Tune, and what keeps it right when machines fail."""
