"""What can go wrong, said to people in Vietnamese and English: the cause, then the next step."""

from typing import ClassVar


class BroadcasterError(Exception):
    """The base: `code` names the kind for programs, `vi` and `en` say it to people."""

    code: ClassVar[str] = "error"

    def __init__(self, vi: str, en: str, **details: object) -> None:
        super().__init__(en)
        self.vi = vi
        self.en = en
        self.details = details


class NotFoundError(BroadcasterError):
    """There is no such thing, or not for this person."""

    code = "not-found"


class InvalidError(BroadcasterError):
    """What was given cannot be right."""

    code = "invalid"


class TooLargeError(InvalidError):
    """More was sent than is taken."""

    code = "too-large"


class ConflictError(BroadcasterError):
    """It was right once, but the state of things does not allow it now."""

    code = "conflict"


class StaleError(ConflictError):
    """Somebody else has changed it since it was read. Over HTTP with If-Match: 412."""


class ForbiddenError(BroadcasterError):
    """The person is known and may not do this."""

    code = "forbidden"


class NotLoggedInError(BroadcasterError):
    """Nobody is logged in, or the log-in has ended."""

    code = "not-logged-in"


class TooManyError(BroadcasterError):
    """Too often in too short a time. `details["retry_after_s"]` says when to try again."""

    code = "too-many"


class CountingError(BroadcasterError):
    """Figures that are still being counted: `done` of `of` pieces so far. `details["retry_after_s"]` says when to look again.

    `then`: what comes of it by itself, in place of the advice to ask again.
    """

    code = "counting"

    def __init__(self, done: int, of: int, *, then: tuple[str, str] | None = None) -> None:
        self.done, self.of = done, max(1, of)
        self.percent = min(99, self.done * 100 // self.of)
        vi, en = then or (
            "Thử lại sau vài giây; việc này vẫn tiếp tục.",
            "Ask again in some seconds; it goes on meanwhile.",
        )
        super().__init__(
            f"Hệ thống đang tổng hợp số liệu từ nhật ký phát sóng, đã xong {self.percent}%. {vi}",
            f"The figures are being counted from the as-run log, {self.percent}% is done. {en}",
            retry_after_s=3,
            done=self.done,
            of=self.of,
        )


class SetupError(BroadcasterError):
    """The station cannot start as it is configured."""

    code = "setup"


class FaultError(BroadcasterError):
    """A fault of the server's own, as it is told to people; what it was stands in the log."""

    code = "fault"

    def __init__(self) -> None:
        super().__init__(
            "Hệ thống gặp lỗi, không có gì được lưu dở. Thử lại; nếu vẫn lỗi, gửi nhật ký cho người quản trị.",
            "The server has a fault; nothing was half-saved. Try again; if it stays, send the log to the administrator.",
        )
