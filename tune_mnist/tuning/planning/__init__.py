"""Where trials run, how fast a worker is, how long a search takes."""
