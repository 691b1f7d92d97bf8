"""What an alert says, in Vietnamese and English: what, where, how many, and the one thing to do."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from broadcaster.operating.exceptions import ACTIONS
from broadcaster.storage.models import Json

Both = tuple[str, str]

CAUSES: dict[str, Both] = {
    "forged": ("từ chối lệnh không phải của đài (có người giả mạo?)", "refused an order that is not the station's (is somebody forging?)"),
    "lost": ("mất kết nối", "offline"),
    "clip_refused": ("từ chối tệp âm thanh không đúng bản đã duyệt", "refused a clip that is not the released one"),
    "silent": ("báo đã phát nhưng không có âm thanh", "say that they played, but nothing sounded"),
    "failed": ("không phát được", "failed to play"),
    "missed": ("bỏ lỡ giờ phát", "missed the airing"),
    "unfinished": ("bắt đầu phát rồi không báo gì thêm", "began to play and said no more"),
    "interrupted": ("phát dở dang", "were interrupted"),
    "refused": ("từ chối lệnh phát", "refused the order"),
    "no_word": ("không xác nhận lượt phát", "said nothing of the airing"),
    "not_ready": ("chưa sẵn sàng cho lượt phát sắp tới", "not ready for the next airing"),
    "disk_full": ("đầy bộ nhớ", "disk full"),
    "disk_broken": ("không ghi được bộ nhớ", "disk cannot be written"),
    "output": ("lỗi đầu ra âm thanh hoặc màn hình", "sound output or screen fails"),
    "amplifier": ("lỗi tăng âm", "amplifier fails"),
    "clock": ("đồng hồ sai", "clock wrong"),
    "hot": ("quá nóng", "too hot"),
    "throttled": ("nguồn yếu hoặc quá nóng, máy chạy chậm", "slowed down by a weak supply or heat"),
    "volume": ("âm lượng khác thường", "volume odd"),
    "configuration": ("cấu hình hết hạn", "configuration expired"),
    "documents_refused": ("từ chối tài liệu nhận được", "refused documents"),
    "other": ("tự báo có lỗi", "report a fault"),
}  # fmt: skip
TODO: dict[str, Both] = {
    "check_broker": ("Kiểm tra ai đã đăng nhập máy chủ MQTT; đổi mật khẩu nếu nghi ngờ.", "Check who logged in at the MQTT broker; change passwords if in doubt."),
    "check_power": ("Kiểm tra nguồn điện và mạng tại chỗ.", "Check power and network there."),
    "check_media": ("Kiểm tra máy chủ tệp âm thanh.", "Check the media server."),
    "check_amplifier": ("Kiểm tra tăng âm và dây loa.", "Check the amplifier and the speaker's wires."),
    "check_output": ("Kiểm tra đầu ra của máy.", "Check the device's output."),
    "air_again": ("Xem lượt phát; phát lại nếu cần.", "Look at the airing; air it again if needed."),
    "check_receiver": ("Xem máy; khởi động lại nếu cần.", "Look at the receiver; restart it if needed."),
    "check_network": ("Kiểm tra mạng của máy.", "Check the receiver's network."),
    "free_disk": ("Giải phóng bộ nhớ của máy.", "Free the receiver's disk."),
    "replace_card": ("Thay thẻ nhớ của máy.", "Replace the receiver's memory card."),
    "replace_battery": ("Thay pin đồng hồ của máy.", "Replace the battery of the receiver's clock."),
    "cool": ("Che nắng, làm mát máy.", "Give the receiver shade and air."),
    "check_supply": ("Kiểm tra bộ nguồn của máy.", "Check the receiver's power supply."),
    "check_volume": ("Kiểm tra âm lượng và tăng âm.", "Check the volume and the amplifier."),
}  # fmt: skip
STATION: dict[str, Both] = {
    "broker": ("Máy chủ MQTT chậm hoặc không kết nối được: lệnh phát không đến được máy.", "The MQTT broker is slow or not reached: orders do not get to receivers."),
    "database": ("Cơ sở dữ liệu chậm. Kiểm tra ổ đĩa và máy chủ.", "The database is slow. Check the disk and the server."),
    "planning": ("Đài không lập hoặc không gửi được một số lệnh phát: có lượt phát sẽ không ra loa. Báo người quản trị, gửi kèm nhật ký của máy chủ.", "Orders cannot be made or sent: airings will not be heard. Tell the administrator, with the server's log."),
    "speech": ("Giọng đọc chính không dùng được, đang dùng giọng dự phòng. Kiểm tra mạng Internet của đài.", "The first speech engine fails; another one speaks. Check the station's Internet."),
    "clock": ("Đồng hồ của đài lệch với hầu hết các máy. Kiểm tra đồng bộ giờ của máy chủ.", "The station's clock differs from most receivers'. Check the server's time synchronisation."),
    "data": ("Đã lâu không nhận được tin nào từ các máy. Kiểm tra máy chủ MQTT và mạng.", "Nothing was heard of any receiver for long. Check the broker and the network."),
}  # fmt: skip
SUBJECTS: dict[str, Both] = {
    "station-key": ("Khóa ký của đài", "The station's signing key"),
    "retiring-station-key": ("Khóa ký cũ của đài", "The station's former signing key"),
    "configuration": ("Cấu hình của máy", "The configuration of"),
    "certificate": ("Chứng thư", "The certificate"),
    "unreadable-certificate": ("Chứng thư không đọc được", "The unreadable certificate"),
}
SOURCES: dict[str, Both] = {
    "station": ("máy chủ và các dịch vụ của đài", "the server and its services"),
    "receivers": ("tình trạng các máy", "the state of receivers"),
    "expiries": ("hạn của khóa, chứng thư và cấu hình", "when keys, certificates and configurations end"),
    "messages": ("tin giả mạo và tin được giữ riêng", "forged messages and those set apart"),
    "reports": ("báo cáo đến hạn", "reports that are owed"),
}
SEVERITIES: dict[str, Both] = {
    "critical": ("KHẨN", "URGENT"),
    "warning": ("Cảnh báo", "Warning"),
    "notice": ("Lưu ý", "Notice"),
}
EVENTS: dict[str, Both] = {
    "opened": ("", ""),
    "grown": (" (lan rộng)", " (growing)"),
    "resolved": (" (đã hết)", " (resolved)"),
}


def headline(rule: str, size: int, facts: Json) -> Both:
    """One line: what and where."""
    if rule in CAUSES:
        return _of_receivers(CAUSES[rule], size, facts)
    if rule in _HEADLINES:
        return _HEADLINES[rule](size, facts)
    return STATION.get(rule, (rule, rule))


def _of_receivers(cause: Both, size: int, facts: Json) -> Both:
    vi, en = cause
    where = facts.get("area_name", "")
    if size == 1:
        name = facts["receivers"][0]
        return f"{where}: {name} {vi}", f"{where}: {name}: {en}"
    return f"{where}: {size} máy {vi}", f"{where}: {size} receivers: {en}"


def _expiry(_: int, facts: Json) -> Both:
    vi, en = SUBJECTS.get(facts["subject"], (facts["subject"], facts["subject"]))
    days = facts["days"]
    if days < 0:
        return f"{vi} {facts['name']} đã hết hạn", f"{en} {facts['name']} has expired"
    return f"{vi} {facts['name']} còn {days} ngày là hết hạn", f"{en} {facts['name']} expires in {days} days"


def _forged_receipts(_: int, facts: Json) -> Both:
    name, count = facts["receivers"][0], facts["messages"]
    return (
        f"{count} xác nhận mang tên {name} nhưng không đúng chữ ký (có người giả mạo?)",
        f"{count} receipts in the name of {name} without its signature (is somebody forging?)",
    )


def _unknown_orders(_: int, facts: Json) -> Both:
    count = facts["messages"]
    return (
        f"{count} xác nhận của lệnh phát mà đài không biết, được giữ riêng, không vào nhật ký",
        f"{count} receipts of orders that the station does not know are kept apart and not logged",
    )


def _unwritable(_: int, facts: Json) -> Both:
    count, names = facts["messages"], ", ".join(facts["receivers"])
    return (
        f"{count} tin của {names} đài không ghi được, được giữ riêng, không vào nhật ký",
        f"{count} messages of {names} could not be written; they are kept apart and not logged",
    )


def _report(size: int, facts: Json) -> Both:
    due = date.fromisoformat(facts["due_on"]).strftime("%d/%m/%Y")
    if facts["level"] == 0:
        return f"Quá hạn {due}, chưa nộp {size} báo cáo", f"Reports overdue since {due}: {size}"
    return f"Chưa nộp {size} báo cáo, hạn {due}", f"Reports due on {due} and not submitted: {size}"


def _watch(_: int, facts: Json) -> Both:
    vi, en = SOURCES[facts["source"]]
    return f"Đài không kiểm tra được {vi}: có thể thiếu cảnh báo", f"Not looked at: {en}; alerts may be missing"


_HEADLINES = {
    "expiry": _expiry,
    "forged_receipts": _forged_receipts,
    "unknown_orders": _unknown_orders,
    "unwritable": _unwritable,
    "report": _report,
    "watch": _watch,
}


_TODO_RULES: dict[str, Both] = {
    "expiry": ("Gia hạn hoặc thay mới trước ngày hết hạn.", "Renew or replace it before it ends."),
    "unknown_orders": (
        "Đài vừa khôi phục từ bản sao lưu: soạn lại các bản tin sau lúc sao lưu, ghi nhận các lượt phát đó bằng văn bản. Không khôi phục: kiểm tra có đài khác đang dùng khóa của đài này.",
        "If the station was restored from a backup: write the bulletins since then anew and record those airings on paper. If it was not: find out whether another station uses this one's key.",
    ),
    "unwritable": (
        "Báo người quản trị, gửi kèm nhật ký của máy chủ; máy sẽ gửi lại cho đến khi đài ghi được.",
        "Tell the administrator, with the server's log; the receiver sends again until it can be written.",
    ),
    "watch": ("Báo người quản trị, gửi kèm nhật ký của máy chủ.", "Tell the administrator, with the server's log."),
    "report": ("Mở trang Báo cáo, lập và nộp báo cáo.", "Open Reports, begin and submit them."),
    "forged_receipts": TODO["check_broker"],
}


def todo(rule: str) -> Both:
    """The one thing to do; empty where the headline says it."""
    return TODO[ACTIONS[rule]] if rule in ACTIONS else _TODO_RULES.get(rule, ("", ""))


def line(content: Json, zone: str) -> Both:
    """Of a message that goes out: severity, time, headline, what to do."""
    at = datetime.fromisoformat(content["at"]).astimezone(ZoneInfo(zone)).strftime("%H:%M %d/%m/%Y")
    head, do = headline(content["rule"], content["size"], content["facts"]), todo(content["rule"])
    over = content["event"] == "resolved"
    suffix = EVENTS["opened" if content["rule"] == "report" and not over else content["event"]]
    texts: list[Any] = []
    for tongue in (0, 1):
        mark = SEVERITIES[content["severity"]][tongue]
        after = "" if over or not do[tongue] else f" {do[tongue]}"
        texts.append(f"[{mark}] {at} {head[tongue]}{suffix[tongue]}.{after}")
    return texts[0], texts[1]
