"""The menu."""

WORDS: dict[str, tuple[str, str]] = {
    "menu": ("Mục lục", "Menu"),
    "skip_to_content": ("Đến nội dung chính", "Skip to content"),
    "nav_air": ("Phát thanh", "On air"),
    "nav_write": ("Nội dung", "Content"),
    "nav_station": ("Đài và thiết bị", "Station"),
    "nav_people": ("Người và quyền", "People"),
    "nav_today": ("Vận hành hôm nay", "Today"),
    "nav_alerts": ("Cảnh báo", "Alerts"),
    "nav_enrolments": ("Thêm thiết bị", "Add a device"),
}
