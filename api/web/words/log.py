"""The as-run log."""

WORDS: dict[str, tuple[str, str]] = {
    "log_intro": (
        "Mỗi dòng là điều một máy đã xác nhận, có chữ ký của máy. Không ai sửa hay xóa được dòng nào.",
        "Each row is what a receiver stated, with its signature. Nobody can change or remove one.",
    ),
    "log_since": ("Từ lúc", "From"),
    "log_until": ("Đến trước", "Before"),
    "log_everywhere": ("Mọi nơi", "Everywhere"),
    "log_receiver_hint": (
        "Mã hoặc một phần tên, có dấu hay không dấu.",
        "Its id, or a part of its name, with marks or without.",
    ),
    "log_title_hint": ("Một phần tên bản tin, có dấu hay không dấu.", "A part of its title, with marks or without."),
    "log_programme": ("Chuyên mục", "Programme"),
    "log_campaign": ("Đợt tuyên truyền", "Campaign"),
    "log_any": ("Tất cả", "All"),
    "log_outcome": ("Kết quả", "Outcome"),
    "log_outcome_ill": ("Mọi trục trặc", "Whatever went wrong"),
    "log_find": ("Tìm", "Find"),
    "log_all": ("Bỏ tìm kiếm", "Show everything"),
    "log_rows": ("Các dòng, mới nhất trước", "Rows, the newest first"),
    "log_none": (
        "Chưa có dòng nào. Dòng đầu tiên xuất hiện khi một máy xác nhận đã nhận lệnh phát.",
        "No rows yet. The first one comes when a receiver confirms that it has an order.",
    ),
    "log_none_found": ("Không có dòng nào như vậy. Hãy tìm rộng hơn.", "No such rows. Look for less."),
    "log_export": ("Tải những dòng tìm được", "Download what was found"),
    "log_csv": ("CSV", "CSV"),
    "log_xlsx": ("Excel (XLSX)", "Excel (XLSX)"),
    "log_played": ("đã phát %(length)s", "played %(length)s"),
    "log_drill": ("diễn tập", "drill"),
    "log_head": ("Dòng cuối của nhật ký: %(row)s, mã băm", "The log's last row: %(row)s, hash"),
    "log_newest": ("Về các dòng mới nhất", "To the newest rows"),
}
