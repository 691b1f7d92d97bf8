"""What was set apart."""

WORDS: dict[str, tuple[str, str]] = {
    "apart_title": ("Tin được giữ riêng", "Set apart"),
    "apart_intro": (
        "Tin từ thiết bị không khớp nên không vào nhật ký phát sóng; không tin nào bị bỏ.",
        "Messages that do not fit: they are not in the as-run log, and none is dropped.",
    ),
    "apart_none": ("Không có tin nào như vậy.", "There are none."),
    "apart_times": ("Số lần", "Times"),
    "apart_unknown_receiver": ("thiết bị không quen biết", "no receiver in service has this name"),
    "apart_bad_signature": ("chữ ký không đúng", "the signature is wrong"),
    "apart_unknown_key": ("khóa ký không quen biết", "signed with an unknown key"),
    "apart_malformed": ("không đọc được", "cannot be read"),
    "apart_wrong_type": ("không phải loại tin này", "another kind of message"),
    "apart_wrong_topic": ("gửi sai chỗ", "sent to the wrong place"),
    "apart_future": ("thời điểm chưa đến: đồng hồ thiết bị sai", "an instant that has not come: its clock is wrong"),
    "apart_before_service": (
        "thời điểm trước khi thiết bị hoạt động: đồng hồ sai",
        "an instant before it was in service: its clock was wrong",
    ),
    "apart_unknown_order": ("lệnh phát mà đài không biết", "an order that this station does not know"),
    "apart_not_addressed": ("lệnh phát không dành cho thiết bị này", "an order that was not for this receiver"),
    "apart_reused_id": ("trùng mã với xác nhận đã có trong nhật ký", "the id of another receipt that is in the log"),
    "apart_unwritable": ("đài không ghi được", "the station cannot write it"),
    "apart_unknown_order_long": (
        "Nếu đài vừa khôi phục từ bản sao lưu: đây là xác nhận của những lượt phát sau lúc sao lưu. Chữ ký của máy còn nguyên, nhưng lệnh không còn để "
        "đối chiếu, nên không được tính vào báo cáo. Soạn lại bản tin còn phải phát, ghi nhận các lượt đã phát bằng văn bản. Nếu đài không khôi phục: "
        "kiểm tra có đài khác đang dùng khóa của đài này.",
        "If the station was restored from a backup: these are receipts of airings since then. They bear the receivers' signatures, but the orders are gone "
        "with which to compare them, so no report counts them. Write anew what is still to be aired, and record on paper what was. If it was not "
        "restored: find out whether another station uses this one's key.",
    ),
}
