"""The API asks: REST for programs, pages for people."""
