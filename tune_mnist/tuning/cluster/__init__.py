"""Connection to Ray, and checks of the cluster's nodes before a search."""
