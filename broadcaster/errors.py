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
    """Figures that are still being counted. `details["retry_after_s"]` says when to look again."""

    code = "counting"

    def __init__(self, *, done: int, of: int) -> None:
        percent = min(99, done * 100 // of)
        super().__init__(
            f"Hệ thống đang tổng hợp số liệu từ nhật ký phát sóng, đã xong {percent}%. Trang này tự tải lại cho đến khi xong; "
            "cũng có thể làm việc khác rồi quay lại sau.",
            f"The figures are being counted from the as-run log, {percent}% is done. This page loads itself again until they "
            "are there; you may also do something else and come back.",
            retry_after_s=3,
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
