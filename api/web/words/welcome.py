"""The first administrator's page."""

WORDS: dict[str, tuple[str, str]] = {
    "welcome": ("Người quản trị đầu tiên", "The first administrator"),
    "welcome_why": (
        "Đường dẫn này dùng được một lần. Bạn sẽ quản trị toàn đài: tạo tài khoản cho người soạn, người duyệt và người vận hành.",
        "This link serves once. You will administer the whole station: make accounts for editors, approvers and operators.",
    ),
    "welcome_do": ("Tạo tài khoản quản trị", "Make the administrator's account"),
    "username_form": (
        "Chữ thường không dấu, số, dấu chấm, gạch ngang; từ 2 ký tự.",
        "Lower-case letters without accents, digits, full stop, hyphen; two characters or more.",
    ),
    "full_name": ("Họ và tên", "Full name"),
    "new_password": ("Mật khẩu (ít nhất 12 ký tự)", "Password (12 characters or more)"),
    "password_again": ("Nhập lại mật khẩu", "The password again"),
}
