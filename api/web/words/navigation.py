"""The menu."""

WORDS: dict[str, tuple[str, str]] = {
    "menu": ("Mục lục", "Menu"),
    "skip_to_content": ("Đến nội dung chính", "Skip to content"),
    "nav_air": ("Phát thanh", "On air"),
    "nav_write": ("Nội dung", "Content"),
    "nav_station": ("Đài và thiết bị", "Station"),
    "nav_people": ("Người và quyền", "People"),
    "nav_today": ("Vận hành hôm nay", "Today"),
    "nav_compose": ("Soạn bản tin", "Write a bulletin"),
    "nav_bulletins": ("Bản tin", "Bulletins"),
    "nav_releases": ("Chờ duyệt", "Waiting for release"),
    "nav_areas": ("Địa bàn và thiết bị", "Areas and receivers"),
    "nav_enrolments": ("Thêm thiết bị", "Add a device"),
    "nav_groups": ("Nhóm thiết bị", "Groups"),
    "nav_lexicon": ("Từ điển phát âm", "Lexicon"),
    "nav_sound": ("Giọng và âm thanh", "Voice and sound"),
    "nav_policies": ("Quy định giờ phát", "Airing rules"),
    "nav_reorganisations": ("Sáp nhập, chia tách", "Mergers and splits"),
    "nav_accounts": ("Tài khoản", "Accounts"),
    "nav_audit": ("Nhật ký thao tác", "Audit trail"),
    "nav_me": ("Tài khoản của tôi", "My account"),
}
