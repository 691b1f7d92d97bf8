"""Areas and the receivers in them."""

WORDS: dict[str, tuple[str, str]] = {
    "areas": ("Địa bàn và thiết bị", "Areas and receivers"),
    "area": ("Địa bàn", "Area"),
    "whole_station": ("Toàn đài", "Whole station"),
    "area_pages": ("Các trang của địa bàn", "Pages of the area"),
    "area_devices": ("Thiết bị", "Receivers"),
    "area_below": ("Địa bàn bên dưới", "Areas below"),
    "area_above": ("Địa bàn bên trên", "Areas above"),
    "area_search": ("Tìm địa bàn hoặc thiết bị", "Find an area or a receiver"),
    "area_search_hint": ("Gõ không dấu cũng được: thon dong", "Diacritics are not needed: thon dong"),
    "leave_form": ("Thôi", "Cancel"),
    "find": ("Tìm", "Find"),
    "areas_found": ("Kết quả tìm “%(text)s”", "Found for “%(text)s”"),
    "areas_not_found": (
        "Không có địa bàn hay thiết bị nào tên như vậy. Thử gõ ít chữ hơn, hoặc gõ không dấu.",
        "No area or receiver is called so. Try fewer letters, or none of the diacritics.",
    ),
    "areas_show_all": ("Xem tất cả", "Show all"),
    "areas_online": ("Đang kết nối", "Connected"),
    "areas_online_of": ("%(online)s/%(all)s thiết bị đang kết nối", "%(online)s of %(all)s receivers connected"),
    "areas_no_devices": ("Chưa có thiết bị.", "No receivers yet."),
    "areas_silent": ("Nơi chưa có thiết bị", "Areas without receivers"),
    "areas_none": (
        "Đài chưa có địa bàn nào. Địa bàn (tỉnh, xã, thôn) được nhập khi lập đài; nhờ người quản trị hệ thống.",
        "The station has no areas yet. Areas (province, commune, village) are entered when it is founded; ask its administrator.",
    ),
    "areas_empty": (
        "Địa bàn này chưa có cụm loa hay màn hình nào. Bật thiết bị mới, đọc mã 6 số trên đó rồi nhập vào trang Thêm thiết bị.",
        "No loudspeaker or screen stands here yet. Switch a new device on, read its 6 digits and enter them under Add a device.",
    ),
    "areas_add": ("Thêm thiết bị", "Add a device"),
    "areas_many": (
        "Có %(all)s thiết bị bên dưới. Mở từng địa bàn để xem, hoặc tìm theo tên.",
        "%(all)s receivers stand below. Open an area to see its own, or search by name.",
    ),
    "areas_gone": ("Đã thôi hoạt động (%(number)s)", "Out of service (%(number)s)"),
    "receiver_online": ("Đang kết nối", "Connected"),
    "receiver_offline": ("Mất kết nối", "Disconnected"),
    "receiver_in_trouble": ("Có sự cố", "Trouble"),
    "receiver_never_heard": ("Chưa từng kết nối", "Never heard of"),
    "receiver_wiping": ("Đang chờ xóa", "To be wiped"),
    "receiver_revoked": ("Đã thôi hoạt động", "Out of service"),
    "receiver_since": ("từ %(at)s", "since %(at)s"),
    "trouble_unconfigured": (
        "Thiết bị chưa nhận được cấu hình. Kiểm tra đường truyền; nếu sau 10 phút vẫn vậy, khởi động lại thiết bị.",
        "It has no configuration yet. Check its line; if that lasts longer than 10 minutes, restart it.",
    ),
    "trouble_configuration_expired": (
        "Cấu hình đã hết hạn. Kiểm tra đồng hồ và đường truyền của thiết bị.",
        "Its configuration has expired. Check its clock and its line.",
    ),
    "trouble_output_missing": (
        "Không thấy đầu ra âm thanh. Kiểm tra dây và card âm thanh.",
        "There is no sound output. Check the cable and the sound card.",
    ),
    "trouble_output_failed": (
        "Bản tin gần nhất không phát ra được. Kiểm tra âm-li và loa rồi phát thử.",
        "The last bulletin could not be sounded. Check amplifier and loudspeakers, then test.",
    ),
    "trouble_storage_low": (
        "Thẻ nhớ sắp đầy. Xóa tệp lạ trên thẻ hoặc thay thẻ lớn hơn.",
        "Its disk is nearly full. Remove foreign files or put in a larger card.",
    ),
    "trouble_storage_unwritable": (
        "Không ghi được vào thẻ nhớ. Thay thẻ, rồi đưa thiết bị vào hoạt động lại.",
        "Its disk cannot be written. Replace the card, then enrol the device again.",
    ),
    "trouble_temperature_high": (
        "Thiết bị quá nóng. Che nắng, thông gió cho tủ.",
        "It is too hot. Give its box shade and air.",
    ),
    "trouble_throttled": (
        "Thiết bị chạy chậm vì nguồn yếu hoặc quá nóng. Kiểm tra bộ nguồn.",
        "It is slowed down by a weak power supply or by heat. Check the supply.",
    ),
    "trouble_amplifier_failed": (
        "Không bật được âm-li. Kiểm tra rơ-le và dây điều khiển.",
        "The amplifier could not be switched. Check its relay and wire.",
    ),
    "trouble_documents_refused": (
        "Thiết bị đã từ chối lệnh có chữ ký không đúng. Nếu lặp lại, báo người quản trị.",
        "It refused documents whose signature is wrong. If that goes on, tell the administrator.",
    ),
}
