"""Taking devices into service."""

WORDS: dict[str, tuple[str, str]] = {
    "enrolments": ("Đưa thiết bị vào hoạt động", "Take a device into service"),
    "enrolled": ("Đã đưa vào hoạt động:", "In service now:"),
    "enrol_code": ("Mã trên thiết bị", "Code that the device shows"),
    "enrol_fingerprint": ("Dấu nhận dạng trên thiết bị", "Fingerprint that the device shows"),
    "enrol_id": ("Mã thiết bị", "Identifier"),
    "enrol_kind": ("Loại", "Kind"),
    "enrol_name": ("Tên thiết bị", "Name"),
    "enrol_area": ("Địa bàn", "Area"),
    "enrol_replace": ("Thay thế thiết bị đang mang mã này", "It replaces the device of this identifier"),
    "enrol_accept": ("Chấp nhận", "Accept"),
    "enrol_waiting": ("Thiết bị đang chờ", "Devices that wait"),
    "enrol_none": ("Chưa có thiết bị nào đang hiện mã.", "No device shows a code now."),
}
