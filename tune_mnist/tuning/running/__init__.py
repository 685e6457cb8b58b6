"""Running trials with Ray Tune: failures, interruptions and early ends."""
