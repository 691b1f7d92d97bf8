"""Logging in."""

WORDS: dict[str, tuple[str, str]] = {
    "login_unsaved": (
        "Bạn không còn đăng nhập, nên điều vừa gửi chưa được thực hiện và chưa được lưu. Đăng nhập, rồi làm lại.",
        "You are no longer logged in: what you sent was neither done nor saved. Log in, then do it again.",
    ),
    "login": ("Đăng nhập", "Log in"),
    "username": ("Tên đăng nhập", "User name"),
    "password": ("Mật khẩu", "Password"),
    "code": ("Mã xác thực (nếu đã bật)", "One-time code (if switched on)"),
    "done_password": (
        "Đã đổi mật khẩu. Đăng nhập lại bằng mật khẩu mới.",
        "The password is changed. Log in with the new one.",
    ),
}
