"""Connection to Ray, and checks of a cluster's nodes before a search."""
