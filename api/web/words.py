"""The words of the pages, in Vietnamese and English."""

from api.problems import Language

WORDS: dict[str, tuple[str, str]] = {
    "title": ("Phát thanh xã", "Commune broadcast"),
    "login": ("Đăng nhập", "Log in"),
    "logout": ("Đăng xuất", "Log out"),
    "username": ("Tên đăng nhập", "User name"),
    "password": ("Mật khẩu", "Password"),
    "now": ("Đang phát và sắp phát", "On air and next"),
    "nothing": (
        "Chưa có lượt phát nào. Bản tin được duyệt sẽ hiện ở đây.",
        "No airing yet. A released bulletin appears here.",
    ),
    "due": ("Giờ phát", "Due"),
    "length": ("Thời lượng", "Length"),
    "listen": ("Nghe bản đã duyệt", "Listen to the released clip"),
    "receiver": ("Thiết bị", "Receiver"),
    "planned": ("Đã lên lịch", "Planned"),
    "sent": ("Đã gửi", "Sent"),
    "received": ("Máy nhận", "Received"),
    "ready": ("Tải xong", "Ready"),
    "started": ("Bắt đầu", "Started"),
    "finished": ("Kết thúc", "Finished"),
    "unknown": ("Chưa rõ", "Unknown"),
    "refused": ("Từ chối", "Refused"),
    "cancelled": ("Đã hủy", "Cancelled"),
    "missed": ("Lỡ giờ", "Missed"),
    "interrupted": ("Bị ngắt", "Interrupted"),
    "failed": ("Hỏng", "Failed"),
    "loudspeaker": ("Cụm loa", "Loudspeaker"),
    "screen": ("Màn hình LED", "LED screen"),
    "confirmed": ("Máy xác nhận đã phát", "Receivers that confirm having played"),
    "live": ("Trực tiếp", "Live"),
    "stale": ("Mất kết nối, đang nối lại …", "Connection lost, reconnecting …"),
    "log": ("Nhật ký phát sóng", "As-run log"),
    "log_empty": ("Nhật ký còn trống.", "The log is empty."),
    "at": ("Lúc", "At"),
    "bulletin": ("Bản tin", "Bulletin"),
    "state": ("Trạng thái", "State"),
    "reason": ("Lý do", "Reason"),
    "other_language": ("English", "Tiếng Việt"),
    "seconds": ("giây", "s"),
}


def words(tongue: Language) -> dict[str, str]:
    """All words in one language."""
    return {name: pair[1] if tongue == "en" else pair[0] for name, pair in WORDS.items()}
