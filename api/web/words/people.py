"""Accounts."""

WORDS: dict[str, tuple[str, str]] = {
    "people": ("Tài khoản", "Accounts"),
    "people_new": ("Mời người mới", "Invite somebody"),
    "person_invite_link": ("Mời người mới", "Invite somebody"),
    "people_search": ("Tìm theo tên", "Search by name"),
    "people_none": (
        "Không có ai tên như vậy.",
        "Nobody is called so.",
    ),
    "people_count": ("%(found)s trên %(all)s người", "%(found)s of %(all)s people"),
    "person_name": ("Họ và tên", "Name"),
    "person_username_hint": ("Chữ không dấu, số, dấu chấm, ví dụ nguyen.mai", "Such as nguyen.mai"),
    "person_role": ("Vai trò", "Role"),
    "role_viewer": ("Người xem", "Viewer"),
    "role_editor": ("Biên tập viên", "Editor"),
    "role_approver": ("Người duyệt", "Approver"),
    "role_operator": ("Người vận hành", "Operator"),
    "role_administrator": ("Người quản trị", "Administrator"),
    "role_viewer_may": ("Xem lịch, nhật ký, thiết bị.", "Sees schedules, log and receivers."),
    "role_editor_may": (
        "Soạn bản tin, sửa từ điển và âm thanh, gửi duyệt.",
        "Writes bulletins, keeps lexicon and sound, submits.",
    ),
    "role_approver_may": (
        "Như biên tập viên, và duyệt bản tin của người khác.",
        "As an editor, and releases what others wrote.",
    ),
    "role_operator_may": (
        "Thiết bị, quy định giờ phát, dừng phát, tin khẩn cấp.",
        "Receivers, airing rules, stops, emergencies.",
    ),
    "role_administrator_may": (
        "Tài khoản, khóa ký, và việc của người vận hành.",
        "Accounts, signing keys, and what an operator does.",
    ),
    "person_invite": ("Tạo tài khoản", "Make the account"),
    "person_active": ("Đang dùng", "Active"),
    "person_disabled": ("Đã khóa", "Disabled"),
    "person_codes": ("Mã xác thực", "One-time codes"),
    "person_codes_on": ("đã bật", "on"),
    "person_codes_off": ("chưa bật", "off"),
    "person_since": ("Tạo ngày", "Made on"),
    "person_disable": (
        "Khóa tài khoản: đăng xuất ngay, không đăng nhập được nữa",
        "Disabled: logged out at once, no log-in any more",
    ),
    "person_save": ("Lưu", "Save"),
    "person_reset": ("Cấp lại mật khẩu", "Reset the password"),
    "person_reset_long": (
        "Dùng khi người này quên mật khẩu hoặc mất điện thoại. Mọi phiên đăng nhập kết thúc, mã xác thực bị tắt, và người này phải đổi mật khẩu khi đăng nhập lại.",
        "When this person forgot the password or lost the phone. All log-ins end, one-time codes are switched off, and the password must be changed at the next log-in.",
    ),
    "person_sure": ("Tôi muốn cấp lại mật khẩu cho %(name)s", "I want to reset the password of %(name)s"),
    "person_password": ("Mật khẩu tạm của %(name)s", "First password of %(name)s"),
    "person_password_once": (
        "Chỉ hiện một lần. Đưa tận tay hoặc đọc qua điện thoại; người này phải đổi ngay khi đăng nhập.",
        "Shown this once. Hand it over in person or by telephone; it must be changed at the first log-in.",
    ),
    "person_back": ("Về danh sách tài khoản", "Back to the accounts"),
    "done_person_saved": ("Đã lưu tài khoản.", "The account is saved."),
}
