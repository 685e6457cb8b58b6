"""The shipped portfolios: recorded curves, and the choice of complementary configurations."""
