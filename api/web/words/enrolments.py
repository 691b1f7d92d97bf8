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
    "enrol_none": (
        "Chưa có thiết bị nào đang hiện mã. Bật thiết bị mới và nối mạng: sau vài giây nó hiện mã 6 số và dấu nhận dạng.",
        "No device shows a code now. Switch a new device on and connect it: within seconds it shows 6 digits and a fingerprint.",
    ),
    "enrol_id_hint": (
        "Chữ không dấu, số, gạch nối; ví dụ loa-thon-dong. Không đổi được về sau.",
        "Letters, digits, hyphens; such as loa-thon-dong. It cannot be changed later.",
    ),
    "enrol_replacing": ("Thay thiết bị: %(name)s", "Replace: %(name)s"),
    "enrol_replaces": (
        "Thiết bị mới nhận tên, địa bàn và lịch phát của chỗ này. Thiết bị cũ bị ngắt ngay.",
        "The new device takes this place's name, area and schedule. The old one is cut off at once.",
    ),
    "enrol_refuse": ("Từ chối", "Refuse"),
    "enrol_refuse_of": ("Từ chối %(name)s", "Refuse %(name)s"),
    "enrol_refused": (
        "Đã từ chối. Thiết bị không được đưa vào hoạt động.",
        "Refused. The device is not taken into service.",
    ),
}
