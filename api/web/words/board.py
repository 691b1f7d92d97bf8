"""The current airing and the end of the log."""

WORDS: dict[str, tuple[str, str]] = {
    "now": ("Đang phát và sắp phát", "On air and next"),
    "nothing": (
        "Chưa có lượt phát nào. Bản tin được duyệt sẽ hiện ở đây.",
        "No airing yet. A released bulletin appears here.",
    ),
    "blocked": ("Bản tin chưa gửi duyệt được", "Bulletins that cannot be submitted yet"),
    "listen": ("Nghe bản đã duyệt", "Listen to the released clip"),
    "confirmed": ("Máy xác nhận đã phát", "Receivers that confirm having played"),
    "expiring": ("Sắp hết hạn", "Expiring soon"),
    "expires_on": ("hết hạn ngày", "expires on"),
    "days_left": ("ngày nữa", "days left"),
    "expiry_station-key": ("Khóa ký của đài", "The station's signing key"),
    "expiry_retiring-station-key": ("Khóa ký cũ của đài", "The station's former signing key"),
    "expiry_configuration": ("Cấu hình thiết bị", "Configuration of a receiver"),
    "expiry_certificate": ("Chứng thư TLS", "TLS certificate"),
    "expiry_unreadable-certificate": ("Chứng thư không đọc được", "Certificate that cannot be read"),
    "log": ("Nhật ký phát sóng", "As-run log"),
    "log_empty": ("Nhật ký còn trống.", "The log is empty."),
}
