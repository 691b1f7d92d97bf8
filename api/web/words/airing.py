"""One airing: the ladder of proof of each receiver, and its part of the log."""

WORDS: dict[str, tuple[str, str]] = {
    "drill_note": ("Diễn tập: không có gì phát ra loa.", "A drill: nothing sounds."),
    "airing_reason": ("Lý do", "Reason"),
    "listen": ("Nghe bản đã duyệt", "Listen to the released clip"),
    "confirmed": ("Máy xác nhận đã phát", "Receivers that confirm having played"),
    "log": ("Nhật ký phát sóng", "As-run log"),
    "log_empty": ("Chưa có máy nào báo về lượt phát này.", "No receiver has said anything of this airing yet."),
}
