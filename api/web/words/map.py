"""The map of receivers."""

WORDS: dict[str, tuple[str, str]] = {
    "map_title": ("Bản đồ", "Map"),
    "map_label": (
        "Bản đồ các máy; danh sách bên dưới nói cùng nội dung",
        "Map of receivers; the list below says the same",
    ),
    "map_no_script": (
        "Bản đồ cần JavaScript. Danh sách dưới đây nói cùng nội dung.",
        "The map needs JavaScript. The list below says the same.",
    ),
    "map_failed": (
        "Chưa tải được bản đồ. Danh sách dưới đây nói cùng nội dung.",
        "The map could not be loaded. The list below says the same.",
    ),
    "map_well": ("chạy tốt: %(n)s", "well: %(n)s"),
    "map_trouble": ("có trục trặc: %(n)s", "in trouble: %(n)s"),
    "map_lost": ("mất kết nối: %(n)s", "offline: %(n)s"),
    "map_waiting": ("chưa hoạt động: %(n)s", "not yet in service: %(n)s"),
    "map_failing": ("Máy cần xử lý trên bản đồ", "Receivers on the map that need somebody"),
    "map_failing_none": ("Không máy nào trên bản đồ có trục trặc.", "No receiver on the map is in trouble."),
    "map_unplaced": ("Chưa có tọa độ: %(n)s máy", "Without coordinates: %(n)s"),
    "map_unplaced_hint": (
        "Mở trang của máy và nhập tọa độ ở mục “Độ to và nơi đặt”.",
        "Open a receiver's page and enter its coordinates.",
    ),
    "map_none": (
        "Chưa máy nào có tọa độ. Đứng tại máy, mở ứng dụng bản đồ trên điện thoại, giữ vào vị trí của mình, chép hai số rồi dán vào trang của máy.",
        "No receiver has coordinates yet. Stand at one, open a map on a phone, hold your position, copy the two numbers and paste them into the receiver's page.",
    ),
    "map_zoom_in": ("Phóng to", "Zoom in"),
    "map_zoom_out": ("Thu nhỏ", "Zoom out"),
    "map_close": ("Đóng", "Close"),
}
