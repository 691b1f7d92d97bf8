"""Logging in."""

WORDS: dict[str, tuple[str, str]] = {
    "login": ("Đăng nhập", "Log in"),
    "username": ("Tên đăng nhập", "User name"),
    "password": ("Mật khẩu", "Password"),
    "code": ("Mã xác thực (nếu đã bật)", "One-time code (if switched on)"),
    "done_password": (
        "Đã đổi mật khẩu. Đăng nhập lại bằng mật khẩu mới.",
        "The password is changed. Log in with the new one.",
    ),
}
