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
    "reason_bad_signature": ("chữ ký không đúng", "the signature is wrong"),
    "reason_unknown_key": ("khóa ký không quen biết", "signed with an unknown key"),
    "reason_malformed": ("lệnh không đọc được", "the order cannot be read"),
    "reason_wrong_type": ("không phải lệnh phát", "not an order"),
    "reason_wrong_station": ("lệnh của đài khác", "another station's order"),
    "reason_wrong_audience": ("lệnh cho nơi khác", "an order for another place"),
    "reason_wrong_topic": ("lệnh đặt sai chỗ", "an order in the wrong place"),
    "reason_expired": ("lệnh đã hết hạn", "the order had expired"),
    "reason_replayed": ("lệnh lặp lại", "a repeated order"),
    "reason_unsupported": ("thiết bị không phát được loại này", "nothing that this receiver can play"),
    "reason_clip_mismatch": ("tệp âm thanh khác bản đã duyệt", "the clip is not the released one"),
    "reason_clip_unavailable": ("chưa tải được tệp âm thanh", "the clip could not be fetched"),
    "reason_too_late": ("đã quá giờ", "too late"),
    "reason_restarted": ("thiết bị khởi động lại", "the receiver restarted"),
    "reason_sink_failed": ("đầu ra âm thanh hỏng", "the sound output failed"),
    "reason_cancelled": ("lệnh bị thu hồi", "the order was taken back"),
    "reason_preempted": ("nhường tin ưu tiên hơn", "gave way to a higher priority"),
    "reason_disk_full": ("bộ nhớ thiết bị đầy", "the receiver's disk is full"),
    "other_language": ("English", "Tiếng Việt"),
    "seconds": ("giây", "s"),
}


def words(tongue: Language) -> dict[str, str]:
    """All words in one language."""
    return {name: pair[1] if tongue == "en" else pair[0] for name, pair in WORDS.items()}


def number(value: float, *, tongue: Language) -> str:
    """With one decimal, after a comma in Vietnamese."""
    return f"{value:.1f}" if tongue == "en" else f"{value:.1f}".replace(".", ",")
