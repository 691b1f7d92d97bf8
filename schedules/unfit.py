"""What a field's check says: like the station's errors in both languages, though it has to be a ValueError."""


class UnfitError(ValueError):
    """A value that cannot be. pydantic keeps it with its own error, where whoever shows it finds both sentences."""

    def __init__(self, vi: str, en: str) -> None:
        super().__init__(en)
        self.vi = vi
        self.en = en
