"""What the package refuses: each with its cause and the next step, in Vietnamese and in English."""


class AudioError(ValueError):
    """Something cannot be made into sound; ``vi`` and ``en`` say why and what to do."""

    def __init__(self, vi: str, en: str) -> None:
        super().__init__(en)
        self.vi = vi
        self.en = en


class RenderError(AudioError):
    """The announcement could not be made into a clip."""


class RecordingError(AudioError):
    """An uploaded sound cannot be used."""
