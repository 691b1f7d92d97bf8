"""What operators see: how each airing goes, what needs somebody's hand and why, and what is ready for the next hours."""
