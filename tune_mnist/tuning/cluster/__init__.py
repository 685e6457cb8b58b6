"""Ray and its nodes: connecting, tokens, packages, what every node must see."""
